// SPDX-License-Identifier: GPL-3.0-or-later
//! What sort of file it is as the desktop knows it: its icon, and its words in the user's language.

/// By the name where its extension says something, else by what the server told.
pub fn icon(name: Option<&str>, media_type: Option<&str>) -> gio::Icon {
    let content_type = by_name(name).or_else(|| told(media_type));
    gio::content_type_get_icon(content_type.as_deref().unwrap_or("application/octet-stream"))
}

/// `PDF document`: what the server told, as it may be another thing than the name promises, else by the name.
pub fn in_words(name: &str, media_type: Option<&str>) -> Option<String> {
    let content_type = told(media_type).or_else(|| by_name(Some(name)))?;
    Some(gio::content_type_get_description(&content_type).to_string())
}

fn by_name(name: Option<&str>) -> Option<glib::GString> {
    let (content_type, _) = gio::content_type_guess(Some(name?), None::<&[u8]>);
    Some(content_type).filter(is_known)
}

/// Many servers call all that they do not know `application/octet-stream`.
fn told(media_type: Option<&str>) -> Option<glib::GString> {
    gio::content_type_from_mime_type(media_type?).filter(is_known)
}

fn is_known(content_type: &glib::GString) -> bool {
    !gio::content_type_is_unknown(content_type)
}

#[cfg(test)]
mod tests {
    use gio::prelude::*;

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
    }

    #[test]
    fn the_words_follow_what_was_told_and_else_the_name() {
        let pdf = in_words("a.pdf", None);
        assert!(pdf.is_some());
        assert_eq!(in_words("a.pdf", Some("application/octet-stream")), pdf);
        assert_eq!(in_words("a", Some("application/pdf")), pdf);
        assert_ne!(in_words("a.pdf", Some("text/html")), pdf);
        assert_eq!(in_words("a", Some("application/octet-stream")), None);
    }
}
