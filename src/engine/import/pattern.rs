// SPDX-License-Identifier: GPL-3.0-or-later
//! One text that stands for many addresses, as curl's globbing: `[1-20]`, `[001-100]`, `[a-z]`, steps as in
//! `[0-100:10]`, and `{a,b}`. A backslash takes a bracket, a brace or a comma for itself. What looks
//! like none of these stays as it is: addresses have brackets, too (`?a[]=1`, `[x264-GRP].mkv`, IPv6 hosts).

use std::net::Ipv6Addr;

/// No text stands for more.
pub const MOST: usize = 10_000;

/// Why a pattern cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("{0} counts down: write the smaller end first")]
    Backwards(String),
    #[error("{0} has a step of 0: it would never end")]
    NoStep(String),
    #[error("{0} has another pattern inside: write them one after the other")]
    Nested(String),
    #[error("the pattern stands for more than {MOST} addresses")]
    TooMany,
}

/// All that a text stands for, what is written last changing first; a text without a pattern stands for itself.
pub fn expand(text: &str) -> Result<Vec<String>, PatternError> {
    let parts = parse(text)?;
    let mut texts = vec![String::new()];
    for part in parts {
        texts = texts.iter().flat_map(|before| part.iter().map(move |after| format!("{before}{after}"))).collect();
    }
    Ok(texts)
}

/// The choices for each piece of the text, in all no more than [`MOST`].
fn parse(text: &str) -> Result<Vec<Vec<String>>, PatternError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut count = 1_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (choices, len) = match c {
            '\\' => match escaped(rest) {
                Some(c) => {
                    plain.push(c);
                    rest = &rest[1 + c.len_utf8()..];
                    continue;
                }
                None => (None, 1),
            },
            '[' => range(rest)?,
            '{' => set(rest)?,
            _ => (None, c.len_utf8()),
        };
        let (taken, after) = rest.split_at(len);
        match choices {
            Some(choices) => {
                count = count.saturating_mul(choices.len());
                if count > MOST {
                    return Err(PatternError::TooMany);
                }
                parts.extend([vec![std::mem::take(&mut plain)], choices]);
            }
            None => plain.push_str(taken),
        }
        rest = after;
    }
    parts.push(vec![plain]);
    Ok(parts)
}

fn escaped(text: &str) -> Option<char> {
    text.strip_prefix('\\')?.chars().next().filter(|c| "[]{},".contains(*c))
}

/// What a text gives that begins with a bracket, and how long it is.
fn range(text: &str) -> Result<(Option<Vec<String>>, usize), PatternError> {
    let Some(end) = text.find(']') else { return Ok((None, 1)) };
    let (inside, whole) = (&text[1..end], &text[..=end]);
    if inside.parse::<Ipv6Addr>().is_ok() {
        return Ok((None, end + 1));
    }
    let (ends, step) = match inside.split_once(':') {
        Some((ends, step)) if is_number(step) => (ends, Some(step)),
        Some(_) => return Ok((None, 1)),
        None => (inside, None),
    };
    let Some((first, last)) = ends.split_once('-') else { return Ok((None, 1)) };
    let letters = letter(first).zip(letter(last)).filter(|(a, z)| a.is_ascii_lowercase() == z.is_ascii_lowercase());
    if letters.is_none() && !(is_number(first) && is_number(last)) {
        return Ok((None, 1));
    }
    // What does not even fit is too many.
    let number = |text: &str| text.parse::<u64>().map_err(|_| PatternError::TooMany);
    let (from, to) = match letters {
        Some((a, z)) => (u64::from(a), u64::from(z)),
        None => (number(first)?, number(last)?),
    };
    let step = usize::try_from(step.map_or(Ok(1), number)?).map_err(|_| PatternError::TooMany)?;
    if from > to {
        return Err(PatternError::Backwards(whole.to_owned()));
    }
    if step == 0 {
        return Err(PatternError::NoStep(whole.to_owned()));
    }
    // Leading zeros say how wide all of them are.
    let width = if first.starts_with('0') { first.len() } else { 0 };
    let values = (from..=to).step_by(step).take(MOST + 1);
    let choices = values.map(|value| match letters {
        Some(_) => u8::try_from(value).map(char::from).map(String::from).unwrap_or_default(),
        None => format!("{value:0width$}"),
    });
    Ok((Some(choices.collect()), end + 1))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn letter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(*letter),
        _ => None,
    }
}

/// What a text gives that begins with a brace, and how long it is.
fn set(text: &str) -> Result<(Option<Vec<String>>, usize), PatternError> {
    let mut choices = vec![String::new()];
    let mut rest = &text[1..];
    while let Some(c) = rest.chars().next() {
        let len = text.len() - rest.len();
        let taken = match (c, escaped(rest)) {
            ('}', _) if choices.len() > 1 => return Ok((Some(choices), len + 1)),
            // Without a comma there is nothing to choose.
            ('}', _) => return Ok((None, 1)),
            ('{', _) => return Err(PatternError::Nested(text[..=len].to_owned())),
            ('[', _) if range(rest)?.0.is_some() => return Err(PatternError::Nested(text[..=len].to_owned())),
            (',', _) => {
                choices.push(String::new());
                1
            }
            (_, escaped) => {
                let last = choices.last_mut();
                last.into_iter().for_each(|choice| choice.push(escaped.unwrap_or(c)));
                c.len_utf8() + escaped.map_or(0, char::len_utf8)
            }
        };
        rest = &rest[taken..];
    }
    Ok((None, 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn expect(text: &str, wanted: &[&str]) {
        assert_eq!(expand(text).unwrap(), wanted, "{text}");
    }

    #[test]
    fn numbers_letters_steps_and_choices() {
        expect("http://h/[1-3].iso", &["http://h/1.iso", "http://h/2.iso", "http://h/3.iso"]);
        expect("[8-11]", &["8", "9", "10", "11"]);
        expect("[008-11]", &["008", "009", "010", "011"]);
        expect("[a-c]", &["a", "b", "c"]);
        expect("[X-Z]", &["X", "Y", "Z"]);
        expect("[0-100:40]", &["0", "40", "80"]);
        expect("[a-e:2]", &["a", "c", "e"]);
        expect("f{,.sig}", &["f", "f.sig"]);
        expect("{ä,b}[1-2]", &["ä1", "ä2", "b1", "b2"]);
    }

    #[test]
    fn what_is_no_pattern_stays_as_it_is() {
        for text in [
            "",
            "http://h/f",
            "http://[::1]:80/f",
            "http://[2001:db8::1]/f",
            "http://h/?a[]=1&b[0]=2",
            "http://h/film[x264-GRP].mkv",
            "http://h/[a-Z]",
            "http://h/[1-]",
            "http://h/[1-2:x]",
            "http://h/{id}",
            "http://h/{a,b",
            "http://h/[1-2",
            "C:\\f",
        ] {
            expect(text, &[text]);
        }
        expect("http://[::1]/[1-2]", &["http://[::1]/1", "http://[::1]/2"]);
    }

    #[test]
    fn a_backslash_takes_a_sign_for_itself() {
        expect(r"\[1-2\]", &["[1-2]"]);
        expect(r"\{a,b\}", &["{a,b}"]);
        expect(r"{a\,b,c\}}", &["a,b", "c}"]);
    }

    #[test]
    fn what_can_not_be_followed_is_told() {
        assert_eq!(expand("h/[9-1]"), Err(PatternError::Backwards("[9-1]".to_owned())));
        assert_eq!(expand("h/[z-a]"), Err(PatternError::Backwards("[z-a]".to_owned())));
        assert_eq!(expand("h/[1-9:0]"), Err(PatternError::NoStep("[1-9:0]".to_owned())));
        assert_eq!(expand("h/{a,{b,c}}"), Err(PatternError::Nested("{a,{".to_owned())));
        assert_eq!(expand("h/{a,[1-2]}"), Err(PatternError::Nested("{a,[".to_owned())));
    }

    #[test]
    fn there_is_an_end_to_what_a_text_stands_for() {
        assert_eq!(expand("[1-10000]").unwrap().len(), MOST);
        for text in ["[1-10001]", "[1-1000][1-1000]", "[0-18446744073709551615]", "[1-99999999999999999999]"] {
            assert_eq!(expand(text), Err(PatternError::TooMany), "{text}");
        }
        assert_eq!(expand(&"[1-1000]".repeat(40)), Err(PatternError::TooMany));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in prop_oneof![any::<String>(), "[\\[\\]{},\\\\:0-3a-cä-]{0,24}"]) {
            if let Ok(texts) = expand(&text) {
                prop_assert!(!texts.is_empty() && texts.len() <= MOST);
            }
        }
    }
}
