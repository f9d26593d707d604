// SPDX-License-Identifier: GPL-3.0-or-later
//! Translated messages. Values are named (`{file}`), so that translators see whole sentences.
//!
//! Messages must be plain one-line string literals: xgettext before 0.24 reads Rust as if it were C,
//! and cuts raw or continued strings short without a word. `build-aux/check-po.py` finds those.

use gettextrs::{bind_textdomain_codeset, bindtextdomain, textdomain};

use crate::config::{DOMAIN, LOCALE_DIR};

/// Tells gettext where the translations are; once, at the start of the program.
///
/// The locale itself is set by GTK when it starts. Until then, and in a program without GTK, all
/// messages are the originals.
pub fn init() {
    let bound = bindtextdomain(DOMAIN, LOCALE_DIR)
        .and_then(|_| bind_textdomain_codeset(DOMAIN, "UTF-8"))
        .and_then(|_| textdomain(DOMAIN));
    if let Err(error) = bound {
        tracing::warn!(%error, "Messages are not translated: gettext could not be set up");
    }
}

/// The translation of `msgid`.
pub fn gettext(msgid: &str) -> String {
    gettextrs::gettext(msgid)
}

/// The translation of `msgid` where the same English word has another meaning in another `context`.
pub fn pgettext(context: &str, msgid: &str) -> String {
    gettextrs::pgettext(context, msgid)
}

/// The translation that fits the number `n`. A number beyond 32 bits takes the form of the largest one.
pub fn ngettext(singular: &str, plural: &str, n: impl TryInto<u32>) -> String {
    gettextrs::ngettext(singular, plural, n.try_into().unwrap_or(u32::MAX))
}

/// The translation of `msgid` with each `{name}` replaced by its value.
pub fn gettext_f(msgid: &str, values: &[(&str, &str)]) -> String {
    fill(&gettext(msgid), values)
}

/// [`pgettext`] with each `{name}` replaced by its value.
pub fn pgettext_f(context: &str, msgid: &str, values: &[(&str, &str)]) -> String {
    fill(&pgettext(context, msgid), values)
}

/// [`ngettext`] with each `{name}` replaced by its value; the number is a value like any other.
pub fn ngettext_f(singular: &str, plural: &str, n: impl TryInto<u32>, values: &[(&str, &str)]) -> String {
    fill(&ngettext(singular, plural, n), values)
}

/// A value between these has a direction of its own (FSI and PDI of Unicode's bidirectional algorithm).
const ISOLATE: (&str, &str) = ("\u{2068}", "\u{2069}");

/// Says that a line goes from right to left, where that cannot be seen from its first letter: Pango takes the
/// direction of a paragraph from that, also where it is in an isolated value.
const RIGHT_TO_LEFT: &str = "\u{200f}";

/// Whether a text is written from right to left: it has a letter of Hebrew or Arabic.
fn is_right_to_left(text: &str) -> bool {
    text.chars()
        .any(|letter| matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'))
}

/// Replaces `{name}` by its value in one pass: a value is never searched for names, as it may be a
/// file name with braces in it. Unknown names stay as they are. In a sentence from right to left the
/// values are isolated: else the dots and slashes of a name or an address would go astray.
fn fill(message: &str, values: &[(&str, &str)]) -> String {
    let (open, close) = if is_right_to_left(message) { ISOLATE } else { ("", "") };
    let mut filled = String::with_capacity(message.len());
    if !open.is_empty() && message.starts_with('{') {
        filled.push_str(RIGHT_TO_LEFT);
    }
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(name, tail)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, tail)));
        match value {
            Some((value, tail)) => {
                filled.extend([open, value, close]);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Short things in one line, `Completed – 3.0 MB – 12:26`. Where one is written from right to left each has
/// a direction of its own, as in [`gettext_f`]: else “3.0 MB” would fall apart.
pub fn in_one_line(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<_> = parts.into_iter().collect();
    if !parts.iter().any(|part| is_right_to_left(part)) {
        return parts.join(SEPARATOR);
    }
    let (open, close) = ISOLATE;
    let line = parts.iter().map(|part| format!("{open}{part}{close}")).collect::<Vec<_>>().join(SEPARATOR);
    format!("{RIGHT_TO_LEFT}{line}")
}

const SEPARATOR: &str = " – ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_by_name() {
        assert_eq!(fill("{done} of {total}", &[("total", "8 MB"), ("done", "3 MB")]), "3 MB of 8 MB");
        assert_eq!(fill("{n}, {n}", &[("n", "1")]), "1, 1");
    }

    #[test]
    fn braces_in_a_file_name_are_not_taken_for_a_value() {
        let values = [("file", "a{host}.iso"), ("host", "example.org")];
        assert_eq!(fill("{file} from {host}", &values), "a{host}.iso from example.org");
    }

    #[test]
    fn a_value_in_a_sentence_from_right_to_left_has_a_direction_of_its_own() {
        let values = [("file", "a.iso"), ("host", "example.org")];
        let hebrew = fill("{file} מהשרת {host}", &values);
        assert_eq!(hebrew, "\u{200f}\u{2068}a.iso\u{2069} מהשרת \u{2068}example.org\u{2069}");
        assert_eq!(fill("تنزيل {file}", &values), "تنزيل \u{2068}a.iso\u{2069}");
        assert_eq!(fill("下载 {file}", &values), "下载 a.iso");
    }

    #[test]
    fn each_part_of_a_line_from_right_to_left_has_a_direction_of_its_own() {
        let line = |parts: [&str; 2]| in_one_line(parts.map(str::to_owned));
        assert_eq!(line(["Completed", "3.0 MB"]), "Completed – 3.0 MB");
        assert_eq!(line(["مكتمل", "3.0 MB"]), "\u{200f}\u{2068}مكتمل\u{2069} – \u{2068}3.0 MB\u{2069}");
        assert!(line(["3.0 MB", "بقي 2 د"]).starts_with('\u{200f}'), "its first letter is a Latin one");
        assert_eq!(in_one_line([]), "");
    }

    #[test]
    fn unknown_names_and_lone_braces_stay() {
        assert_eq!(fill("{who} } { {n}", &[("n", "2")]), "{who} } { 2");
        assert_eq!(fill("{{n}", &[("n", "2")]), "{2");
        assert_eq!(fill("{", &[]), "{");
        assert_eq!(fill("", &[("n", "2")]), "");
    }

    #[test]
    fn without_a_translation_the_original_is_shown() {
        assert_eq!(gettext("no such message"), "no such message");
        assert_eq!(pgettext("no such context", "no such message"), "no such message");
        assert_eq!(gettext_f("no such {thing}", &[("thing", "message")]), "no such message");
        assert_eq!(pgettext_f("no such context", "no {thing}", &[("thing", "message")]), "no message");
    }

    #[test]
    fn the_number_chooses_the_form() {
        let files = |n: u64| ngettext_f("{n} file", "{n} files", n, &[("n", &n.to_string())]);
        assert_eq!(files(1), "1 file");
        assert_eq!(files(0), "0 files");
        assert_eq!(files(5_000_000_001), "5000000001 files");
    }
}
