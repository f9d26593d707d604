// SPDX-License-Identifier: GPL-3.0-or-later
//! Links in a piece of a page, as browsers hand it over when it is dragged or copied: its text often says “here” where the
//! address is only in what surrounds it. No browser resolves anything for us, so relative links mean nothing.

use std::collections::HashSet;

use url::Url;

use super::address;

/// No name of a character that an address has is longer.
const LONGEST_NAME: usize = 8;

/// What `<a href>` and `<area href>` lead to, in order, each once.
pub fn links(html: &str) -> Vec<Url> {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        let Some((name, tag)) = after.split_at_checked(end) else { break };
        let (href, after) = href(tag);
        rest = after;
        if name.eq_ignore_ascii_case("a") || name.eq_ignore_ascii_case("area") {
            let url = href.and_then(|href| address::absolute(&decoded(href)).ok());
            found.extend(url.filter(|url| seen.insert(url.clone())));
        }
    }
    found
}

/// The text of a page as a program hands it over: browsers have written UTF-16 as well, with a mark before it or without.
pub fn text(bytes: &[u8]) -> String {
    let units = |of: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).filter_map(|pair| Some(of(pair.try_into().ok()?)));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    // What a piece of a page begins with is ASCII.
    match bytes {
        [0xff, 0xfe, ..] | [1..=u8::MAX, 0, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] | [0, 1..=u8::MAX, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The value of `href` in a tag, from behind the tag's name on, and the text behind the tag.
fn href(tag: &str) -> (Option<&str>, &str) {
    let mut href = None;
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (href, after);
        }
        if rest.is_empty() {
            // It has no end: the piece was cut.
            return (None, rest);
        }
        // A name begins with whatever it is, so that there is an end to it.
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        let end = rest.get(first..).and_then(|rest| rest.find(is_end)).map_or(rest.len(), |end| first + end);
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (value, after) = value(after);
        if name.eq_ignore_ascii_case("href") && href.is_none() {
            href = value;
        }
        rest = after;
    }
}

/// What an attribute is set to, and the text behind it.
fn value(text: &str) -> (Option<&str>, &str) {
    let Some(value) = text.trim_ascii_start().strip_prefix('=') else { return (None, text) };
    let value = value.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            return quoted.split_once(quote).map_or((None, ""), |(value, after)| (Some(value), after));
        }
    }
    let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
    let (value, after) = value.split_at_checked(end).unwrap_or((value, ""));
    (Some(value), after)
}

/// With the characters that cannot be written as themselves in an attribute. Browsers name no others there.
fn decoded(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= LONGEST_NAME);
        match named.and_then(|(name, after)| Some((character(name)?, after))) {
            Some((character, after)) => {
                text.push(character);
                rest = after;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text + rest
}

fn character(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "lt" => Some('<'),
        "gt" => Some('>'),
        _ => {
            let digits = name.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(digits) => number(digits, 16),
                None => number(digits, 10),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn expect(html: &str, wanted: &[&str]) {
        let found: Vec<_> = links(html).into_iter().map(String::from).collect();
        assert_eq!(found, wanted, "{html:?}");
    }

    #[test]
    fn each_link_of_a_page_is_found_once_and_in_order() {
        expect(
            "<meta charset='utf-8'><p>Get <a href=\"https://h/b.iso\">it</a>, its <A class=x HREF='https://h/b.sig' >\
             signature</A>, <a href=https://h/c.zip>the rest</a> or <a href=\"https://h/b.iso\">all</a></p>",
            &["https://h/b.iso", "https://h/b.sig", "https://h/c.zip"],
        );
        expect("<map><area href='ftps://h/a' alt=''/></map>", &["ftps://h/a"]);
    }

    #[test]
    fn what_leads_nowhere_from_here_is_passed_over() {
        expect(
            "<a name=top></a><a href>x</a><a href=''>x</a><a href='#top'>x</a><a href='/a.zip'>x</a>\
             <a href='a.example/b'>x</a><a href='mailto:ann@h'>x</a><a href='javascript:void 0'>x</a>\
             <link href='https://h/style.css'><img src='https://h/a.png'><abbr href='https://h/no'>",
            &[],
        );
        expect("<!-- <a href='https://h/old'> --><a href='https://h/new'>", &["https://h/new"]);
    }

    #[test]
    fn an_address_is_read_as_it_was_meant() {
        expect(
            "<a href='https://h/?a=1&amp;b=%20&#x26;c=&#39;&copy=2&amp'>",
            &["https://h/?a=1&b=%20&c=%27&copy=2&amp"],
        );
        expect("<a title='a > b' data-x=\"<a href='https://h/no'>\" href='https://h/yes'>", &["https://h/yes"]);
        expect("<a href='https://h/first' href='https://h/second'>", &["https://h/first"]);
        expect("<br/><a/href='https://h/a'/>", &["https://h/a"]);
    }

    #[test]
    fn a_piece_that_was_cut_ends_before_what_is_cut() {
        expect("<a href='https://h/a'>x</a><a href='https://h/b", &["https://h/a"]);
        expect("<a href='https://h/a'>x</a><a href=https://h/b", &["https://h/a"]);
        expect("<a href='https://h/a'>x</a><!-- <a href='https://h/b'>", &["https://h/a"]);
    }

    #[test]
    fn a_page_is_read_in_each_encoding_that_browsers_write() {
        let page = "<a href='https://h/ä'>ä</a>";
        let utf_16 = |of: fn(u16) -> [u8; 2]| page.encode_utf16().flat_map(of).collect::<Vec<_>>();
        let marked = |mark: [u8; 2], of| [mark.to_vec(), utf_16(of)].concat();
        assert_eq!(text(page.as_bytes()), page);
        assert_eq!(text(&utf_16(u16::to_le_bytes)), page);
        assert_eq!(text(&utf_16(u16::to_be_bytes)), page);
        assert_eq!(text(&marked([0xff, 0xfe], u16::to_le_bytes)), format!("\u{feff}{page}"));
        assert_eq!(text(&marked([0xfe, 0xff], u16::to_be_bytes)), format!("\u{feff}{page}"));
        assert_eq!(text(b""), "");
    }

    proptest! {
        #[test]
        fn whatever_it_is_there_is_an_end_to_it(
            html in "(<|<a |<!--|-->|href|=|\"|'|>|/|https://h/|&amp;|&#|;|[ a-zé\\u{0}]){0,40}",
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            for url in links(&html).into_iter().chain(links(&text(&bytes))) {
                prop_assert!(address::check(&url).is_ok());
            }
        }

        #[test]
        fn what_is_written_as_a_link_is_found(name in "[a-z0-9&=?;'\"]{1,20}") {
            let url = address::absolute(&format!("https://h/{name}")).unwrap();
            let value = url.as_str().replace('&', "&amp;").replace('"', "&quot;");
            prop_assert_eq!(links(&format!("<p><a id=x href=\"{value}\">x</a>")), vec![url]);
        }
    }
}
