// SPDX-License-Identifier: GPL-3.0-or-later
//! Any text to a safe file name: what is taken out or replaced, and how a name is cut to length.

use std::borrow::Cow;

use super::{JOURNAL_SUFFIX, NAME_BYTES, PART_SUFFIX, extension};

/// Whether a name may begin with a dot, which hides the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadingDots {
    Keep,
    Strip,
}

/// The last path component of a text as a safe name; `None` where nothing of it is left.
pub fn sanitized(raw: &str, leading_dots: LeadingDots) -> Option<String> {
    let component = raw.rsplit(['/', '\\']).find(|component| !component.trim().is_empty())?;
    let visible = match component.bytes().all(is_plain) {
        true => Cow::Borrowed(component),
        false => {
            let visible: String = component.chars().filter(|c| !is_disguise(*c)).map(replaced).collect();
            Cow::Owned(without_stray_joiners(&visible))
        }
    };
    let name = visible.trim_end_matches(is_trailing);
    let name = match leading_dots {
        LeadingDots::Keep => name.trim_start(),
        LeadingDots::Strip => name.trim_start_matches(is_trailing),
    };
    if name.is_empty() {
        return None;
    }
    let extension = extension::of(name);
    Some(fitted(name.strip_suffix(extension).unwrap_or(name), extension, NAME_BYTES))
}

/// `stem` and `tail` as one name of at most `most_bytes`; where that is too long, the stem loses its
/// end. Both are free of characters that no name may have.
pub fn fitted(stem: &str, tail: &str, most_bytes: usize) -> String {
    let whole = format!("{stem}{tail}");
    if whole.len() <= most_bytes && !is_device(&whole) {
        return unlike_part_file(whole);
    }
    let stem = if is_device(&whole) { format!("_{stem}") } else { stem.to_owned() };
    let short = cut(&stem, most_bytes.saturating_sub(tail.len()));
    let name = unlike_part_file(format!("{short}{tail}"));
    // Cutting may lay bare a device's name: "CON", then more spaces than fit, then a word.
    if is_device(&name) { format!("_{name}") } else { name }
}

/// Most names have nothing but these, of which nothing is taken out or replaced.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" -._~+,()[]".contains(&byte)
}

fn replaced(c: char) -> char {
    match c {
        // What FAT and NTFS refuse; separators of lines, which lists of files are cut at.
        ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{2028}' | '\u{2029}' => '_',
        c if c.is_control() => '_',
        c => c,
    }
}

/// Invisible characters that can make a name look like another (`annexe[RLO]fdp.exe`): those that
/// turn the direction of writing, blanks without width, and tags.
fn is_disguise(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Joiners are spelling in Persian, Hindi and emoji: between two characters beyond ASCII they stay.
/// Elsewhere they could only hide in an extension.
fn without_stray_joiners(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let joins = |c: char| !c.is_ascii() && !is_joiner(c) && !c.is_whitespace();
        let is_stray = is_joiner(c) && !(kept.ends_with(joins) && rest.as_str().starts_with(joins));
        if !is_stray {
            kept.push(c);
        }
    }
    kept
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// FAT and NTFS drop these silently from a name's end, so that it would be another name.
fn is_trailing(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// The first `most_bytes` of a text at most, without tearing a letter from its marks.
fn cut(text: &str, most_bytes: usize) -> &str {
    let Some((mut kept, rest)) = text.split_at_checked(text.floor_char_boundary(most_bytes)) else { return text };
    let mut next = rest.chars().next();
    if next.is_none() {
        return text;
    }
    while let Some(last) = kept.chars().next_back() {
        if !next.is_some_and(is_mark) && !is_joiner(last) {
            break;
        }
        next = Some(last);
        kept = kept.strip_suffix(last).unwrap_or_default();
    }
    kept.trim_end_matches(is_trailing)
}

/// The common combining marks, variation selectors, skin tones and joiners: what belongs to the
/// character before it.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{93a}'..='\u{94f}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}'
        | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

const LONGEST_DEVICE: usize = "CONOUT$".len();

/// Names that DOS and Windows take for devices, with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if stem.len() > LONGEST_DEVICE {
        return false;
    }
    let stem = stem.to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        port => port.strip_prefix("COM").or_else(|| port.strip_prefix("LPT")).is_some_and(|number| {
            matches!(number, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        }),
    }
}

/// A download called `a.part` would be the part file of one called `a`: the dot before the last
/// word gives way to `_`.
fn unlike_part_file(name: String) -> String {
    let ends_like = |suffix: &str| {
        let at = name.len().checked_sub(suffix.len())?;
        name.split_at_checked(at).filter(|(_, end)| end.eq_ignore_ascii_case(suffix))
    };
    let is_journal = ends_like(&format!("{PART_SUFFIX}{JOURNAL_SUFFIX}")).is_some();
    let suffix = if is_journal { JOURNAL_SUFFIX } else { PART_SUFFIX };
    match ends_like(suffix) {
        Some((front, end)) => format!("{front}_{}", end.trim_start_matches('.')),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::disk::naming::safe;

    #[test]
    fn only_the_last_component_is_taken() {
        assert_eq!(safe("../../etc/passwd"), "passwd");
        assert_eq!(safe("..\\..\\autoexec.bat"), "autoexec.bat");
        assert_eq!(safe("/a/b/"), "b");
        assert_eq!(safe("a/.."), "download");
    }

    #[test]
    fn what_file_systems_refuse_is_replaced() {
        assert_eq!(safe("a:b*c?d\"e<f>g|h\ti\0j\u{85}k\u{2028}l"), "a_b_c_d_e_f_g_h_i_j_k_l");
        assert_eq!(safe("  name. . "), "name");
        assert_eq!(safe("...hidden"), "hidden");
        assert_eq!(safe("fünf €, 日本.txt"), "fünf €, 日本.txt");
    }

    #[test]
    fn nothing_left_is_called_download() {
        for raw in ["", " ", ".", "..", "/", "\\", "\u{202e}", "\u{200d}"] {
            assert_eq!(safe(raw), "download", "{raw:?}");
        }
    }

    #[test]
    fn names_of_devices_are_marked() {
        assert_eq!(safe("CON"), "_CON");
        assert_eq!(safe("nul.txt"), "_nul.txt");
        assert_eq!(safe("Com1 .tar.gz"), "_Com1 .tar.gz");
        assert_eq!(safe("LPT³"), "_LPT³");
        assert_eq!(safe("COM0"), "COM0");
        assert_eq!(safe("console.txt"), "console.txt");
        assert_eq!(safe(&format!("CON{}x", " ".repeat(300))), "_CON");
    }

    #[test]
    fn no_disguised_extensions() {
        assert_eq!(safe("annexe\u{202e}fdp.exe"), "annexefdp.exe");
        assert_eq!(safe("a\u{2066}b\u{200b}c\u{feff}.p\u{200d}df"), "abc.pdf");
        assert_eq!(safe("👩\u{200d}👩\u{200d}👧.png"), "👩\u{200d}👩\u{200d}👧.png");
        assert_eq!(safe("می\u{200c}خواهم.txt"), "می\u{200c}خواهم.txt");
        assert_eq!(safe("ä\u{200c}\u{200c}\u{200c}ä"), "ä\u{200c}ä");
    }

    #[test]
    fn a_name_is_never_that_of_a_part_file() {
        assert_eq!(safe("a.part"), "a_part");
        assert_eq!(safe("a.iso.PART"), "a.iso_PART");
        assert_eq!(safe("a.part.journal"), "a.part_journal");
        assert_eq!(safe("a.Part.Journal"), "a.Part_Journal");
        assert_eq!(sanitized(".part", LeadingDots::Keep).as_deref(), Some("_part"));
        assert_eq!(safe("a.journal"), "a.journal");
        assert_eq!(safe("film.part1.rar"), "film.part1.rar");
        let long = format!("{}.part{}", "x".repeat(NAME_BYTES - 5), "y".repeat(20));
        assert_eq!(safe(&long), format!("{}_part", "x".repeat(NAME_BYTES - 5)));
    }

    #[test]
    fn long_names_are_cut_between_letters() {
        assert_eq!(safe(&"ä".repeat(200)), "ä".repeat(NAME_BYTES / 2));
        let room = NAME_BYTES - ".txt".len();
        let accent = format!("{}e\u{301}z.txt", "x".repeat(room - 2));
        assert_eq!(safe(&accent), format!("{}.txt", "x".repeat(room - 2)));
        let family = format!("{}👩\u{200d}👧z.txt", "x".repeat(room - 8));
        assert_eq!(safe(&family), format!("{}.txt", "x".repeat(room - 8)));
        let spaces = format!("{} {}.txt", "x".repeat(room - 1), "y".repeat(9));
        assert_eq!(safe(&spaces), format!("{}.txt", "x".repeat(room - 1)));
    }
}
