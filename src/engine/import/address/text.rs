// SPDX-License-Identifier: GPL-3.0-or-later
//! Addresses in running text: where one begins and where the sentence goes on.

use std::collections::HashSet;

use url::Url;

use super::{SCHEMES, parse, scheme};

/// Every address in a text of any kind (a dropped paragraph, `text/uri-list` with its comments, a
/// mail), in order, without repetition. Only what is written with one of [`SCHEMES`] and `://` is
/// taken, and no punctuation that belongs to the sentence.
pub fn find_all(text: &str) -> Vec<Url> {
    let is_list = is_uri_list(text);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !(is_list && is_comment(line))) {
        let mut rest = line;
        while let Some((candidate, after)) = next_candidate(rest) {
            found.extend(parse(candidate).ok().filter(|url| seen.insert(url.clone())));
            rest = after;
        }
    }
    found
}

/// Whether each line is one address or a comment (RFC 2483 section 5). In any other text a line that
/// begins with `#` is a heading, whose addresses count.
fn is_uri_list(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !is_comment(line)).peekable();
    lines.peek().is_some() && lines.all(|line| scheme(line).is_some() && !line.trim_end().contains(char::is_whitespace))
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#')
}

/// The first stretch of a text that may be an address, and the text behind it.
fn next_candidate(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let (searched, unsearched) = text.split_at_checked(from)?;
        let colon = searched.len() + unsearched.find("://")?;
        let (before, _) = text.split_at_checked(colon)?;
        if let Some(lead) = without_scheme(before) {
            let address = text.strip_prefix(lead)?;
            let (address, after) = address.split_at_checked(end(address, lead.chars().next_back()))?;
            return Some((trimmed(address), after));
        }
        from = colon + "://".len();
    }
}

/// What stands before the scheme that a text ends in; `None` where that is none of ours, or only the
/// end of another one (`git+https`).
fn without_scheme(text: &str) -> Option<&str> {
    let is_part_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let longest = SCHEMES.iter().map(|scheme| scheme.len()).max().unwrap_or_default();
    let start = text.char_indices().rev().take(longest + 1).take_while(|(_, c)| is_part_of_scheme(*c)).last()?.0;
    let (lead, scheme) = text.split_at_checked(start)?;
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)).then_some(lead)
}

/// Where an address ends at the latest: at white space, at a character that no address holds, at a
/// bracket that closes what was opened before the address, at the second of a pair of quotes.
fn end(text: &str, opened_by: Option<char>) -> usize {
    let (mut round, mut square, mut curly) = (0_usize, 0_usize, 0_usize);
    let mut ends_here = |c: char| {
        let depth = match c {
            '(' | ')' => &mut round,
            '[' | ']' => &mut square,
            '{' | '}' => &mut curly,
            '\'' | '*' => return opened_by == Some(c),
            _ => return is_foreign(c),
        };
        if matches!(c, '(' | '[' | '{') {
            *depth += 1;
            return false;
        }
        let is_balanced = *depth > 0;
        *depth = depth.saturating_sub(1);
        !is_balanced
    };
    text.find(&mut ends_here).unwrap_or(text.len())
}

/// No address holds these unencoded. The signs of Chinese and Japanese sentences are among them
/// because no space parts them from an address.
fn is_foreign(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\' | '^' | '\u{fffd}')
        || matches!(c, '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '…')
        || matches!(
            c,
            '、' | '。'
                | '，'
                | '；'
                | '：'
                | '！'
                | '？'
                | '（'
                | '）'
                | '「'
                | '」'
                | '『'
                | '』'
                | '【'
                | '】'
                | '《'
                | '》'
        )
}

/// Without the sentence's punctuation, and without brackets that open behind the address.
fn trimmed(address: &str) -> &str {
    address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '‘', '’', '*', '~', '(', '[', '{'])
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn expect(text: &str, wanted: &[&str]) {
        let found = find_all(text);
        assert_eq!(found.iter().map(Url::as_str).collect::<Vec<_>>(), wanted, "{text:?}");
    }

    #[test]
    fn addresses_in_sentences() {
        expect(
            "See https://example.org/a.zip, https://example.org/b.",
            &["https://example.org/a.zip", "https://example.org/b"],
        );
        expect("Really https://example.org/?!... yes", &["https://example.org/"]);
        expect("(see https://example.org/a_(b)).", &["https://example.org/a_(b)"]);
        expect(
            "(https://example.org/a), [https://example.org/b];",
            &["https://example.org/a", "https://example.org/b"],
        );
        expect(
            "[text](https://example.org/a) **https://example.org/b**",
            &["https://example.org/a", "https://example.org/b"],
        );
        expect(
            "<https://example.org/a> \"https://example.org/b\" 'https://example.org/c'",
            &["https://example.org/a", "https://example.org/b", "https://example.org/c"],
        );
        expect(
            "f('https://example.org/a'+b) *https://example.org/c*d",
            &["https://example.org/a", "https://example.org/c"],
        );
        expect("„https://example.org/a“ «https://example.org/b»", &["https://example.org/a", "https://example.org/b"]);
        expect("请看https://example.org/a。谢谢", &["https://example.org/a"]);
        expect(
            "\\url{https://example.org/{a}} `https://example.org/b`",
            &["https://example.org/%7Ba%7D", "https://example.org/b"],
        );
        expect(
            "https://example.org/it's url='https://example.org/x';",
            &["https://example.org/it's", "https://example.org/x"],
        );
    }

    #[test]
    fn addresses_of_all_kinds() {
        expect(
            "HTTP://Bücher.example/ä ftp://h/f ftps://ann:pw@h/f ftps://[::1]/f",
            &["http://xn--bcher-kva.example/%C3%A4", "ftp://h/f", "ftps://ann:pw@h/f", "ftps://[::1]/f"],
        );
        expect("https://web.example/20/https://example.org/x", &["https://web.example/20/https://example.org/x"]);
        expect("x:https://example.org/?q=a:b;c,d&e=f", &["https://example.org/?q=a:b;c,d&e=f"]);
    }

    #[test]
    fn what_is_none_of_ours_is_left() {
        expect("", &[]);
        expect("example.org/file and www.example.org", &[]);
        expect("file:///etc/passwd javascript:alert(1) mailto:a@example.org data:,x magnet:?x", &[]);
        expect("git+https://example.org/x xhttps://example.org/ git://example.org://", &[]);
        expect("https:// http://... https://[::1 ://", &[]);
    }

    #[test]
    fn comments_of_a_uri_list_are_left() {
        expect(
            "# https://example.org/no\r\nhttps://example.org/a\r\nfile:///b\r\n\r\n#x\r\nhttps://example.org/c\r\n",
            &["https://example.org/a", "https://example.org/c"],
        );
        expect(
            "# About https://example.org/a\nMore at https://example.org/b",
            &["https://example.org/a", "https://example.org/b"],
        );
    }

    #[test]
    fn a_title_below_the_address_is_left() {
        expect("https://example.org/a\nexample.org: the title", &["https://example.org/a"]);
    }

    #[test]
    fn each_address_is_told_once() {
        expect(
            "https://example.org/b https://example.org/a https://EXAMPLE.org/b",
            &["https://example.org/b", "https://example.org/a"],
        );
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        let started = Instant::now();
        for piece in ["://", "https://", "https://%", "https://(", "a", "https://a.org/ "] {
            find_all(&piece.repeat(100_000));
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn an_address_is_found_in_whatever_stands_around_it(
            path in "[a-z0-9/_=-]{0,20}[a-z0-9]",
            before in "(|[^/'\n]*[ <\"(„])",
            after in "([ >\")“][^/\n]*|)",
        ) {
            let text = format!("{before}https://example.org/{path}{after}");
            let address = Url::parse(&format!("https://example.org/{path}")).unwrap();
            prop_assert_eq!(find_all(&text), vec![address]);
        }

        #[test]
        fn nothing_panics(text: String, odd in "(https?://|[a-zü.:()<>'\\[\\]{}#/ \n]){0,40}") {
            find_all(&text);
            find_all(&odd);
        }
    }
}
