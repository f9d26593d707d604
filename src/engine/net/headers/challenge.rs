// SPDX-License-Identifier: GPL-3.0-or-later
//! WWW-Authenticate and Proxy-Authenticate (RFC 9110 section 11.6.1): what a log-in is for, and
//! whether it takes a user name and a password.

use super::encoding;

/// The schemes that take a user name and a password as `request.rs` offers them.
const SCHEMES: [&str; 2] = ["basic", "digest"];

/// In characters; what is longer is cut.
const LONGEST: usize = 120;

/// Whether one of the challenges is answered by a user name and a password.
pub fn takes_password(value: &[u8]) -> bool {
    Parts(value).any(|part| matches!(part, Part::Scheme(name) if is_ours(name)))
}

/// The realm of the first challenge that a user name and a password answer. Anybody may have written it: it is
/// made one line without anything that acts on the text around it.
pub fn realm(value: &[u8]) -> Option<Box<str>> {
    let mut is_asked_by_ours = false;
    for part in Parts(value) {
        match part {
            Part::Scheme(name) => is_asked_by_ours = is_ours(name),
            Part::Parameter(name, text) if is_asked_by_ours && name.eq_ignore_ascii_case(b"realm") => {
                return in_one_line(&encoding::text(text));
            }
            Part::Parameter(..) => {}
        }
    }
    None
}

fn is_ours(scheme: &[u8]) -> bool {
    SCHEMES.iter().any(|ours| scheme.eq_ignore_ascii_case(ours.as_bytes()))
}

/// What a field is made of, in its order.
enum Part<'a> {
    Scheme(&'a [u8]),
    Parameter(&'a [u8], Vec<u8>),
}

/// The parts of what is left of a field.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        loop {
            let rest = skip(self.0, |byte| !is_token(byte) && byte != b'"');
            if rest.starts_with(b"\"") {
                // A value without a name.
                self.0 = quoted(rest).1;
                continue;
            }
            let (word, after) = token(rest);
            if word.is_empty() {
                return None;
            }
            let after = skip(after, |byte| byte.is_ascii_whitespace());
            let Some(value) = after.strip_prefix(b"=") else {
                self.0 = after;
                return Some(Part::Scheme(word));
            };
            let value = skip(value, |byte| byte.is_ascii_whitespace());
            let (text, after) =
                if value.starts_with(b"\"") { quoted(value) } else { (token(value).0.to_vec(), token(value).1) };
            self.0 = after;
            return Some(Part::Parameter(word, text));
        }
    }
}

fn in_one_line(text: &str) -> Option<Box<str>> {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_hidden(*c)).collect();
    let words: Vec<_> = plain.split_whitespace().collect();
    let line = words.join(" ");
    let cut = match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    };
    (!cut.is_empty()).then(|| cut.into_boxed_str())
}

/// What turns the text around it, or cannot be seen (Unicode annex 9, section 2).
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn token(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|byte| !is_token(*byte)).unwrap_or(bytes.len()))
}

fn skip(bytes: &[u8], is_skipped: impl Fn(u8) -> bool) -> &[u8] {
    let from = bytes.iter().position(|byte| !is_skipped(*byte)).unwrap_or(bytes.len());
    bytes.get(from..).unwrap_or_default()
}

/// A quoted string without its quotes, and what follows it; one that does not end goes to the end.
fn quoted(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut text = Vec::new();
    let mut is_escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if std::mem::take(&mut is_escaped) => text.push(*byte),
            b'\\' => is_escaped = true,
            b'"' => return (text, bytes.get(at + 1..).unwrap_or_default()),
            _ => text.push(*byte),
        }
    }
    (text, &[])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: &str) -> Option<String> {
        realm(value.as_bytes()).map(Into::into)
    }

    #[test]
    fn the_realm_is_that_of_what_takes_a_password() {
        for (value, wanted) in [
            ("Basic realm=\"files\"", "files"),
            ("basic charset=\"UTF-8\", REALM = \"a, b=\\\"c\\\"\"", "a, b=\"c\""),
            ("Digest realm=plain, nonce=\"x\"", "plain"),
            ("Negotiate, Basic realm=\"second\"", "second"),
            ("Negotiate YII==, Bearer realm=\"none, realm=x\", Digest qop=\"auth\", realm=\"mine\"", "mine"),
            ("Basic realm=\"not ended", "not ended"),
        ] {
            assert_eq!(of(value).as_deref(), Some(wanted), "{value}");
        }
        for none in
            ["", "Basic", "Basic realm=\"\"", "Basic realm=\" \t\"", "Bearer realm=\"b\"", "realm=\"x\"", "=,\""]
        {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(realm(b"Basic realm=\"Caf\xe9\"").as_deref(), Some("Café"));
    }

    #[test]
    fn what_takes_no_password_is_told_apart() {
        for value in ["Basic", "Digest nonce=x", "Negotiate, bASIC realm=x", "NTLM YQ==, Digest qop=\"auth\""] {
            assert!(takes_password(value.as_bytes()), "{value}");
        }
        for value in ["", "Negotiate", "NTLM", "Bearer realm=\"Basic\"", "Bearer basic=1", "Negotiate YQ==, \"Basic\""]
        {
            assert!(!takes_password(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_would_act_on_the_words_around_it_is_left_out() {
        assert_eq!(of("Basic realm=\"a\u{202e}b\u{2066}\tc\u{200b}\"").as_deref(), Some("ab c"));
        let long = of(&format!("Basic realm=\"{}\"", "é".repeat(500))).unwrap();
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_is_read_to_its_end(value: Vec<u8>) {
            let realm = realm(&value).unwrap_or_default();
            prop_assert!(realm.chars().all(|c| !c.is_control() && !is_hidden(c)));
        }

        #[test]
        fn whatever_follows_a_scheme_is_read_to_its_end(value in "(Basic|Digest|realm|=|\"|,|\\\\| |x){0,20}") {
            let _ = (realm(value.as_bytes()), takes_password(value.as_bytes()));
        }
    }
}
