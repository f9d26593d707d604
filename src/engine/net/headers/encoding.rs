// SPDX-License-Identifier: GPL-3.0-or-later
//! The encodings in which names come over the wire: percent signs (RFC 3986, RFC 8187), the two
//! character sets servers use, and encoded words (RFC 2047).

use std::mem;

/// UTF-8 where the bytes are that, else Latin-1, which every byte is.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| latin1(error.as_bytes()))
}

/// Decodes `%41`; a percent sign without two hexadecimal digits stays as it is.
pub fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut pieces = bytes.split(|byte| *byte == b'%');
    let mut decoded = pieces.next().unwrap_or_default().to_vec();
    for piece in pieces {
        match hex_pair(piece) {
            Some((byte, tail)) => {
                decoded.push(byte);
                decoded.extend_from_slice(tail);
            }
            None => {
                decoded.push(b'%');
                decoded.extend_from_slice(piece);
            }
        }
    }
    decoded
}

/// As [`percent_decoded`], but `None` where a percent sign lacks its digits.
pub fn percent_decoded_strictly(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_sound = bytes.split(|byte| *byte == b'%').skip(1).all(|piece| hex_pair(piece).is_some());
    is_sound.then(|| percent_decoded(bytes))
}

/// Text in a named character set; `None` where the set is unknown or the bytes are not of it.
pub fn in_charset(name: &str, bytes: Vec<u8>) -> Option<String> {
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => String::from_utf8(bytes).ok(),
        "us-ascii" => bytes.is_ascii().then(|| text(bytes)),
        "iso-8859-1" => Some(latin1(&bytes)),
        _ => None,
    }
}

/// Decodes the encoded words `=?charset?B?...?=` and `=?charset?Q?...?=` of a text. What does not
/// decode stays as it is; `None` where nothing did.
pub fn encoded_words(text: &str) -> Option<String> {
    let mut out = Words::default();
    let mut rest = text;
    while let Some((before, from_word)) = rest.find("=?").and_then(|at| rest.split_at_checked(at)) {
        if let Some((word, after)) = Word::read(from_word) {
            out.push_word(before, word);
            rest = after;
        } else {
            out.push_plain(before);
            out.push_plain("=?");
            rest = from_word.strip_prefix("=?").unwrap_or_default();
        }
    }
    out.push_plain(rest);
    out.any_decoded.then_some(out.text)
}

struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
    source: &'a str,
}

impl<'a> Word<'a> {
    /// The word that `text` begins with, and what follows it.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
        let (encoding, rest) = rest.split_once('?')?;
        let (payload, after) = rest.split_once("?=")?;
        let bytes = match encoding {
            "B" | "b" => base64(payload)?,
            "Q" | "q" => quoted_printable(payload)?,
            _ => return None,
        };
        // RFC 2231 section 5 allows a language behind the character set.
        let charset = charset.split('*').next().unwrap_or(charset);
        let source = text.strip_suffix(after)?;
        Some((Self { charset, bytes, source }, after))
    }
}

/// Puts words together. Neighbours of one character set are decoded as one run of bytes, because
/// servers cut words in the middle of a UTF-8 letter.
#[derive(Default)]
struct Words<'a> {
    text: String,
    any_decoded: bool,
    run: Option<Run<'a>>,
}

struct Run<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
    source: String,
}

impl<'a> Words<'a> {
    fn push_plain(&mut self, plain: &str) {
        self.end_run();
        self.text.push_str(plain);
    }

    fn push_word(&mut self, before: &str, word: Word<'a>) {
        // White space between two words only separates them (RFC 2047 section 6.2).
        let is_neighbour = self.run.is_some() && before.trim().is_empty();
        match &mut self.run {
            Some(run) if is_neighbour && run.charset.eq_ignore_ascii_case(word.charset) => {
                run.bytes.extend_from_slice(&word.bytes);
                run.source.push_str(word.source);
            }
            _ => {
                self.push_plain(if is_neighbour { "" } else { before });
                self.run = Some(Run { charset: word.charset, bytes: word.bytes, source: word.source.to_owned() });
            }
        }
    }

    fn end_run(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        match in_charset(run.charset, mem::take(&mut run.bytes)) {
            Some(decoded) => {
                self.any_decoded = true;
                self.text.push_str(&decoded);
            }
            None => self.text.push_str(&run.source),
        }
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn hex_pair(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, tail @ ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some((digit(*high)? << 4 | digit(*low)?, tail))
}

/// RFC 4648 section 4, with or without its padding.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut pending, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        pending = pending << 6 | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(pending >> bits & 0xff).ok()?);
        }
    }
    // Six bits left over are a lone last letter, which carries no byte.
    (bits < 6).then_some(bytes)
}

/// The Q encoding of RFC 2047 section 4.2: `=41` is a byte, `_` a space.
fn quoted_printable(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.as_bytes().split(|byte| *byte == b'=');
    let spaced = |bytes: &[u8]| bytes.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect::<Vec<_>>();
    let mut bytes = spaced(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (byte, tail) = hex_pair(piece)?;
        bytes.push(byte);
        bytes.extend(spaced(tail));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percent_signs_are_decoded_and_stray_ones_stay() {
        assert_eq!(percent_decoded(b"a%20b%C3%A4%c3%a4"), "a bää".as_bytes());
        assert_eq!(percent_decoded(b"100%"), b"100%");
        assert_eq!(percent_decoded(b"%%41%4"), b"%A%4");
        assert_eq!(percent_decoded(b"%zz%+1"), b"%zz%+1");
    }

    #[test]
    fn strict_decoding_refuses_a_stray_percent_sign() {
        assert_eq!(percent_decoded_strictly(b"a%20b").as_deref(), Some(&b"a b"[..]));
        assert_eq!(percent_decoded_strictly(b"plain").as_deref(), Some(&b"plain"[..]));
        assert_eq!(percent_decoded_strictly(b"100%"), None);
        assert_eq!(percent_decoded_strictly(b"f%oo"), None);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_latin1() {
        assert_eq!(text(vec![b'f', 0xfc, b'r']), "für");
        assert_eq!(text("für €".into()), "für €");
    }

    #[test]
    fn character_sets() {
        assert_eq!(in_charset("UTF-8", vec![0xe2, 0x82, 0xac]).as_deref(), Some("€"));
        assert_eq!(in_charset("utf-8", vec![0xe4]), None);
        assert_eq!(in_charset("Iso-8859-1", vec![0xe4]).as_deref(), Some("ä"));
        assert_eq!(in_charset("us-ascii", vec![0xe4]), None);
        assert_eq!(in_charset("koi8-r", vec![b'a']), None);
    }

    #[test]
    fn base64_with_and_without_padding() {
        for (encoded, plain) in
            [("", ""), ("Zg==", "f"), ("Zg", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob")]
        {
            assert_eq!(base64(encoded).as_deref(), Some(plain.as_bytes()), "{encoded}");
        }
        assert_eq!(base64("Z"), None);
        assert_eq!(base64("Zm 9v"), None);
    }

    #[test]
    fn encoded_words_are_decoded() {
        assert_eq!(encoded_words("=?UTF-8?B?w6R0aC5wZGY=?=").as_deref(), Some("äth.pdf"));
        assert_eq!(encoded_words("=?iso-8859-1?q?f=FCr_dich.txt?=").as_deref(), Some("für dich.txt"));
        assert_eq!(encoded_words("a =?utf-8*de?Q?b?= c").as_deref(), Some("a b c"));
    }

    #[test]
    fn neighbouring_encoded_words_are_one_run() {
        assert_eq!(encoded_words("=?utf-8?Q?=C3?=\t =?UTF-8?Q?=A4?=.txt").as_deref(), Some("ä.txt"));
        assert_eq!(encoded_words("=?utf-8?Q?a?= =?iso-8859-1?Q?=E4?=").as_deref(), Some("aä"));
    }

    #[test]
    fn what_is_no_encoded_word_stays() {
        for odd in ["plain.txt", "=?", "=?utf-8?B?", "=?utf-8?X?abc?=", "=?koi8-r?Q?abc?=", "=?utf-8?Q?=E4?=", "a=?b"] {
            assert_eq!(encoded_words(odd), None, "{odd}");
        }
        assert_eq!(encoded_words("=?koi8-r?Q?x?= =?utf-8?Q?y?=").as_deref(), Some("=?koi8-r?Q?x?=y"));
        assert_eq!(encoded_words("=?=?utf-8?Q?y?=").as_deref(), Some("=?y"));
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>, odd in "[=?%_A-Za-z0-9* é-]{0,60}") {
            percent_decoded(&bytes);
            encoded_words(&text(bytes));
            encoded_words(&odd);
        }

        #[test]
        fn percent_decoding_undoes_encoding(bytes: Vec<u8>) {
            let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(percent_decoded_strictly(encoded.as_bytes()), Some(bytes));
        }
    }
}
