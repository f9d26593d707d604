// SPDX-License-Identifier: GPL-3.0-or-later
//! What sort of file it is as the desktop knows it: its icon, and its words in the user's language.

use gio::prelude::*;

use super::kind::Kind;

/// What themes show of types for which they have no picture: an empty page.
const BLANK: &str = "application-x-generic";

/// By the name where its extension says something, else by what the server told; that of its kind before an empty page.
pub fn icon(name: Option<&str>, media_type: Option<&str>) -> gio::Icon {
    let content_type = by_name(name).or_else(|| told(media_type));
    let icon = gio::content_type_get_icon(content_type.as_deref().unwrap_or("application/octet-stream"));
    let Some(themed) = icon.downcast_ref::<gio::ThemedIcon>() else { return icon };
    let kind = of_kind(Kind::of(name.unwrap_or_default(), media_type));
    let names = themed.names();
    let names: Vec<_> =
        names.iter().flat_map(|name| (name == BLANK).then_some(kind).into_iter().chain([name.as_str()])).collect();
    gio::ThemedIcon::from_names(&names).upcast()
}

fn of_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Documents => "x-office-document",
        Kind::Video => "video-x-generic",
        Kind::Audio => "audio-x-generic",
        Kind::Pictures => "image-x-generic",
        Kind::Archives => "package-x-generic",
        Kind::Programs => "application-x-executable",
        Kind::Other => "text-x-generic",
    }
}

/// `PDF document`: what the server told, as it may be another thing than the name promises, else by the name.
pub fn in_words(name: &str, media_type: Option<&str>) -> Option<String> {
    let content_type = told(media_type).or_else(|| by_name(Some(name)))?;
    let words = gio::content_type_get_description(&content_type).to_string();
    // Of a type that the desktop does not know it says “x/y type”.
    Some(words).filter(|words| !words.contains(content_type.as_str()))
}

/// What the server calls the file, where that says what it is.
pub fn as_told(media_type: Option<&str>) -> Option<&str> {
    media_type.filter(|media_type| !SAYS_NOTHING.contains(media_type))
}

/// How servers call files of which they know nothing, or which they only want to be saved.
const SAYS_NOTHING: [&str; 8] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/binary",
    "application/download",
    "application/force-download",
    "application/x-download",
    "application/x-force-download",
    "application/unknown",
];

fn by_name(name: Option<&str>) -> Option<glib::GString> {
    let (content_type, _) = gio::content_type_guess(Some(name?), None::<&[u8]>);
    Some(content_type).filter(is_known)
}

fn told(media_type: Option<&str>) -> Option<glib::GString> {
    gio::content_type_from_mime_type(as_told(media_type)?).filter(is_known)
}

fn is_known(content_type: &glib::GString) -> bool {
    !gio::content_type_is_unknown(content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_follows_the_name_and_else_the_media_type() {
        let names = |name: &str, media_type: Option<&str>| {
            let icon = icon(Some(name), media_type).downcast::<gio::ThemedIcon>().unwrap();
            icon.names().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(names("a.pdf", Some("text/html")).contains(&"application-pdf".to_owned()));
        assert!(names("a", Some("video/webm")).contains(&"video-webm".to_owned()));
        assert!(names("a", None).contains(&"application-octet-stream".to_owned()));
        let first = |name: &str| names(name, None).into_iter().find(|name| name.ends_with("-x-generic"));
        assert_eq!(first("a.iso").as_deref(), Some("package-x-generic"), "an empty page is hardly seen");
        assert_eq!(first("a.mkv").as_deref(), Some("video-x-generic"));
        assert_eq!(names("a.iso", None)[0], "application-x-cd-image", "a theme may have one of its own");
    }

    #[test]
    fn the_words_follow_what_was_told_and_else_the_name() {
        let pdf = in_words("a.pdf", None);
        assert!(pdf.is_some());
        assert_eq!(in_words("a.pdf", Some("application/octet-stream")), pdf);
        assert_eq!(in_words("a", Some("application/pdf")), pdf);
        assert_ne!(in_words("a.pdf", Some("text/html")), pdf);
        assert_eq!(in_words("a", Some("application/octet-stream")), None);
        assert_eq!(in_words("a.pdf", Some("application/force-download")), pdf);
        assert_eq!(in_words("a", Some("application/x-never-heard-of")), None, "the raw type is no word");
    }

    #[test]
    fn a_type_that_says_nothing_is_not_told() {
        for nothing in ["application/octet-stream", "binary/octet-stream", "application/x-download"] {
            assert_eq!(as_told(Some(nothing)), None, "{nothing}");
        }
        assert_eq!(as_told(Some("application/x-never-heard-of")), Some("application/x-never-heard-of"));
        assert_eq!(as_told(None), None);
    }
}
