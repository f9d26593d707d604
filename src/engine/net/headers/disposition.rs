// SPDX-License-Identifier: GPL-3.0-or-later
//! The file name in a Content-Disposition field (RFC 6266), and in what servers send in its place.

use super::encoding::{encoded_words, in_charset, percent_decoded, percent_decoded_strictly, text};

/// See [`super::disposition_name`].
pub fn name(value: &[u8]) -> Option<String> {
    let mut extended = None;
    let mut plain = None;
    let mut pieces = Vec::new();
    for (parameter, value) in Parameters(value) {
        let Some(kind) = parameter.strip_prefix("filename") else { continue };
        match kind {
            "" => plain = plain.or(Some(value)),
            "*" => extended = extended.or_else(|| extended_name(&value)),
            _ => pieces.extend(Piece::new(kind, value)),
        }
    }
    let is_name = |name: &String| !name.trim().is_empty();
    extended.or_else(|| joined_name(pieces).filter(is_name)).or_else(|| plain.and_then(plain_name).filter(is_name))
}

/// The parameters of a field: names in lower case, values without their quotes. What is no
/// parameter (the disposition type, garbage) is passed over.
struct Parameters<'a>(&'a [u8]);

impl Iterator for Parameters<'_> {
    type Item = (String, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = self.0.iter().position(|byte| matches!(byte, b';' | b'='));
            let (name, rest) = self.0.split_at_checked(end?)?;
            let (delimiter, rest) = rest.split_first()?;
            self.0 = rest;
            if *delimiter == b'=' {
                let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
                return Some((name, self.value()));
            }
        }
    }
}

impl Parameters<'_> {
    /// Takes the value at the front, and everything up to the next semicolon outside of quotes.
    fn value(&mut self) -> Vec<u8> {
        self.0 = self.0.trim_ascii_start();
        let quoted = self.0.strip_prefix(b"\"").map(|inner| {
            let (value, after) = quoted_string(inner);
            self.0 = after;
            value
        });
        let end = self.0.iter().position(|byte| *byte == b';').unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        quoted.unwrap_or_else(|| token.trim_ascii().to_vec())
    }
}

/// Reads behind the opening quote (RFC 9110 section 5.6.4); one that is never closed ends with the
/// field.
fn quoted_string(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    loop {
        rest = match rest {
            [b'\\', escaped, tail @ ..] => {
                value.push(*escaped);
                tail
            }
            [b'"', tail @ ..] => return (value, tail),
            [byte, tail @ ..] => {
                value.push(*byte);
                tail
            }
            [] => return (value, rest),
        };
    }
}

/// `filename="..."`, with what servers put there although it is not foreseen: raw UTF-8 or Latin-1,
/// encoded words, percent signs.
fn plain_name(value: Vec<u8>) -> Option<String> {
    let raw = text(value);
    let decoded = encoded_words(&raw).or_else(|| String::from_utf8(percent_decoded(raw.as_bytes())).ok());
    Some(decoded.unwrap_or(raw))
}

/// `filename*=charset'language'percent-encoded` (RFC 8187); malformed ones do not count.
fn extended_name(value: &[u8]) -> Option<String> {
    let (charset, encoded) = charset_and_rest(value)?;
    in_charset(&charset, percent_decoded_strictly(encoded)?).filter(|name| !name.trim().is_empty())
}

fn charset_and_rest(value: &[u8]) -> Option<(String, &[u8])> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, rest) = (parts.next()?, parts.next()?, parts.next()?);
    Some((String::from_utf8_lossy(charset).into_owned(), rest))
}

/// One of `filename*0`, `filename*1*`, ...: a name cut into pieces (RFC 2231 section 3).
struct Piece {
    number: usize,
    is_encoded: bool,
    value: Vec<u8>,
}

impl Piece {
    /// `kind` is what follows `filename` in the parameter's name.
    fn new(kind: &str, value: Vec<u8>) -> Option<Self> {
        let number = kind.strip_prefix('*')?;
        let (number, is_encoded) = number.strip_suffix('*').map_or((number, false), |number| (number, true));
        let is_canonical =
            number.bytes().all(|byte| byte.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        is_canonical.then_some(Self { number: number.parse().ok()?, is_encoded, value })
    }
}

/// Joins the pieces from the first up to the first that is missing. They are decoded only when
/// joined, for a letter may be cut in two.
fn joined_name(mut pieces: Vec<Piece>) -> Option<String> {
    // Stable: of two with the same number the first stays.
    pieces.sort_by_key(|piece| piece.number);
    pieces.dedup_by_key(|piece| piece.number);
    let mut charset = None;
    let mut bytes = Vec::new();
    for (expected, piece) in pieces.iter().enumerate().take_while(|(expected, piece)| *expected == piece.number) {
        if !piece.is_encoded {
            bytes.extend_from_slice(&piece.value);
        } else if expected == 0 {
            let (name, encoded) = charset_and_rest(&piece.value)?;
            charset = Some(name);
            bytes = percent_decoded_strictly(encoded)?;
        } else {
            bytes.extend(percent_decoded_strictly(&piece.value)?);
        }
    }
    match charset {
        Some(charset) => in_charset(&charset, bytes),
        None => Some(text(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn expect(value: impl AsRef<[u8]>, wanted: &str) {
        assert_eq!(name(value.as_ref()).as_deref(), Some(wanted), "{}", String::from_utf8_lossy(value.as_ref()));
    }

    #[track_caller]
    fn expect_none(value: impl AsRef<[u8]>) {
        assert_eq!(name(value.as_ref()), None, "{}", String::from_utf8_lossy(value.as_ref()));
    }

    #[test]
    fn plain_names() {
        expect("attachment; filename=example.html", "example.html");
        expect("attachment; filename=\"an example.html\"", "an example.html");
        expect("INLINE; FILENAME= \"an example.html\"", "an example.html");
        expect("attachment ;filename = example.html ; size=5", "example.html");
        expect("attachment; filename=\"example.html\";", "example.html");
        expect("attachment; filename=example.html;;", "example.html");
        expect("filename=example.html", "example.html");
        expect("attachment; filename=two words.pdf", "two words.pdf");
    }

    #[test]
    fn quotes_hide_semicolons_and_escapes_hide_quotes() {
        expect(r#"attachment; filename="a;b; filename=c.txt""#, "a;b; filename=c.txt");
        expect(r#"attachment; foo="x;filename=evil.exe"; filename="good.txt""#, "good.txt");
        expect(r#"attachment; filename="a \"quoted\" \\ name.txt""#, r#"a "quoted" \ name.txt"#);
        expect(r#"attachment; filename="x"y"; size=1"#, "x");
    }

    #[test]
    fn the_extended_name_wins_wherever_it_stands() {
        expect("attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates", "€ rates");
        expect("attachment; filename*=UTF-8'en'%E2%82%AC.txt; filename=\"EURO.txt\"", "€.txt");
        expect("attachment; FileName*=ISO-8859-1''%A3%20rates", "£ rates");
        expect("attachment; filename*=\"UTF-8''quoted%20too.txt\"", "quoted too.txt");
        expect("attachment; filename*=UTF-8''it's%20here.txt", "it's here.txt");
    }

    #[test]
    fn a_malformed_extended_name_gives_way_to_the_plain_one() {
        for extended in [
            "foo.html",
            "UTF-8'foo",
            "UTF-8''%zz",
            "UTF-8''50%",
            "UTF-8''%E4",
            "koi8-r''abc",
            "''abc",
            "UTF-8''",
            "UTF-8''%20",
        ] {
            expect(format!("attachment; filename*={extended}; filename=plain.txt"), "plain.txt");
            expect_none(format!("attachment; filename*={extended}"));
        }
    }

    #[test]
    fn a_path_is_told_as_it_came_for_naming_to_cut() {
        expect(r#"attachment; filename="../../etc/passwd""#, "../../etc/passwd");
        expect("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "../../etc/passwd");
    }

    #[test]
    fn the_first_of_two_wins() {
        expect("attachment; filename=first.txt; filename=second.txt", "first.txt");
        expect("attachment; filename*=UTF-8''first.txt; filename*=UTF-8''second.txt", "first.txt");
        expect("attachment; filename*0=a; filename*0=b; filename*1=.txt", "a.txt");
    }

    #[test]
    fn pieces_are_joined_in_their_order() {
        expect("attachment; filename*0=\"foo.\"; filename*1=\"html\"", "foo.html");
        expect("attachment; filename*1=\"bar.html\"; filename*0=\"foo\"", "foobar.html");
        expect("attachment; filename*0*=UTF-8''foo-%c3; filename*1*=%a4; filename*2=\".html\"", "foo-ä.html");
        expect("attachment; filename*0=a; filename*1=b; filename*3=d", "ab");
        expect("attachment; filename*0=a; filename*01=b", "a");
        expect("attachment; filename=plain; filename*0=pieces", "pieces");
        expect("attachment; filename*0=pieces; filename*=UTF-8''extended", "extended");
        expect("attachment; filename*0*=koi8-r''x; filename=plain", "plain");
        expect_none("attachment; filename*1=foo; filename*2=bar");
        expect_none("attachment; filename*x=foo; filename*=bar; filename*+0=foo");
    }

    #[test]
    fn raw_bytes_are_utf8_or_latin1() {
        expect("attachment; filename=\"fünf €.txt\"", "fünf €.txt");
        expect(b"attachment; filename=\"f\xfcnf.txt\"", "fünf.txt");
        expect(b"attachment; filename=f\xfcnf%20.txt", "fünf .txt");
    }

    #[test]
    fn percent_signs_of_a_plain_name_are_decoded_only_to_utf8() {
        expect("attachment; filename=\"f%C3%BCnf%20.txt\"", "fünf .txt");
        expect("attachment; filename=\"f%FCnf.txt\"", "f%FCnf.txt");
        expect("attachment; filename=\"100%.txt\"", "100%.txt");
    }

    #[test]
    fn encoded_words_of_old_servers() {
        expect("attachment; filename=\"=?UTF-8?B?ZsO8bmYudHh0?=\"", "fünf.txt");
        expect("attachment; filename==?iso-8859-1?Q?f=FCnf.txt?=", "fünf.txt");
        expect("attachment; filename=\"=?UTF-8?Q?100%25.txt?=\"", "100%25.txt");
    }

    #[test]
    fn without_a_name_there_is_none() {
        for value in [
            "",
            ";",
            "=",
            "attachment",
            "attachment; filename",
            "attachment; filename=",
            "attachment; filename=\"\"",
            "x; filename=\" \"",
            "attachment; name=x",
        ] {
            expect_none(value);
        }
        expect("attachment; filename=\"never closed", "never closed");
        expect("attachment; filename=\"ends in \\", "ends in \\");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, odd in "(filename|[*=;\"'0-2%=?\\\\ Qé-])*") {
            name(&bytes);
            name(odd.as_bytes());
        }

        #[test]
        fn a_quoted_name_is_read_back(wanted in "[a-zA-Z;=,\"\\\\' äé€/]{0,20}[a-z;\"]") {
            let quoted = wanted.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(name(format!("attachment; filename=\"{quoted}\"; x=y").as_bytes()), Some(wanted));
        }

        #[test]
        fn an_extended_name_is_read_back(wanted in "\\PC{0,20}[a-z]") {
            let encoded: String = wanted.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(name(format!("x; filename=y; filename*=UTF-8''{encoded}").as_bytes()), Some(wanted));
        }
    }
}
