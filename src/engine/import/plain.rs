// SPDX-License-Identifier: GPL-3.0-or-later
//! Address lists that hold nothing but addresses, of thousands of files mostly. To read each takes longer than
//! to ask for the first file, so it is only made sure that each can be read, and that is done when its turn comes.

use url::Url;

use super::address;
use crate::engine::error::Failure;

/// So many beginnings are remembered; a list of more hosts is read as any other.
const MOST_ORIGINS: usize = 16;

/// A list of addresses in which nothing is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainList {
    text: String,
    /// Where the next line begins.
    at: usize,
    /// Addresses from there on.
    left: usize,
}

impl PlainList {
    /// `None` where there is more in the list than whole addresses, or something else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        Some(Self { left: count(text)?, text: text.to_owned(), at: 0 })
    }
}

impl Iterator for PlainList {
    /// No failure is to be expected.
    type Item = Result<Url, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = rest.split_inclusive('\n').next().unwrap_or(rest);
            self.at += line.len();
            if let Some(address) = content(line) {
                self.left = self.left.saturating_sub(1);
                return Some(address::parse(address));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for PlainList {}

/// What there is in a line besides white space and comments.
fn content(line: &str) -> Option<&str> {
    let content = line.trim();
    (!content.is_empty() && !content.starts_with('#')).then_some(content)
}

/// The number of addresses, if there is nothing else.
///
/// What can be wrong with an address lies before the first slash behind its host; behind that anything can
/// be read that has no white space. So of those that begin alike one is read.
fn count(text: &str) -> Option<usize> {
    let (mut origins, mut count) = (Vec::new(), 0);
    for line in text.lines() {
        let Some(address) = content(line) else { continue };
        let is_alone = !line.starts_with(char::is_whitespace) && address.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_alone {
            return None;
        }
        count += 1;
        if origins.iter().any(|origin| address.starts_with(origin)) {
            continue;
        }
        if origins.len() == MOST_ORIGINS || address::parse(address).is_err() {
            return None;
        }
        origins.push(origin(address)?);
    }
    Some(count)
}

/// An address up to the slash behind its host, whose name has no slash of either kind before it that would
/// be passed over.
fn origin(address: &str) -> Option<&str> {
    let host = address.find("://")? + "://".len();
    let end = host + address.get(host..)?.find('/').filter(|length| *length > 0)?;
    address.get(..=end).filter(|origin| !origin.contains('\\'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::import::list;

    fn read(text: &str) -> Option<Vec<String>> {
        let list = PlainList::read(text.as_bytes())?;
        let length = list.len();
        let urls: Vec<_> = list.map(|url| url.unwrap().into()).collect();
        assert_eq!(urls.len(), length, "{text:?}");
        Some(urls)
    }

    #[test]
    fn addresses_are_read_in_their_order_and_nothing_else_is() {
        let text =
            "# comment\r\nhttp://h/a\r\n\n   # another\nhttps://b.example:81/?q#f  \nhttp://h/ä\u{20}\nhttp://h/b";
        assert_eq!(read(text), None, "white space may be hidden among letters that are not ASCII");
        let text = text.replace('ä', "%C3%A4");
        let urls = ["http://h/a", "https://b.example:81/?q#f", "http://h/%C3%A4", "http://h/b"];
        assert_eq!(read(&text).unwrap(), urls);
        assert_eq!(read("").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_more_than_an_address_or_wrong_is_left_to_others() {
        for more in [
            "http://h/b\thttp://m/b",
            " out=x",
            "http://h/b b",
            "example.org/b",
            "http://h",
            "nonsense",
            "magnet:?xt=x",
            "http://h:99999/",
            "http://xn--/",
            "{\"version\":1}",
            "<metalink/>",
            "\u{feff}http://h/b",
            "http://h/\rb",
        ] {
            assert_eq!(read(&format!("http://h/a\n{more}\n")), None, "{more}");
        }
        assert_eq!(PlainList::read(&[0xff]), None);
    }

    #[test]
    fn a_host_behind_slashes_that_are_passed_over_is_read_each_time() {
        for slashes in ["http:///", "http://\\", "http://\\/"] {
            assert_eq!(read(&format!("{slashes}h/a\n{slashes}h:99999/a\n")), None, "{slashes}");
        }
    }

    #[test]
    fn of_many_hosts_the_list_is_read_as_any_other() {
        let list =
            |hosts: usize| (0..hosts).map(|host| format!("http://h{host}/a\nhttp://h{host}/b\n")).collect::<String>();
        assert_eq!(read(&list(MOST_ORIGINS)).map(|urls| urls.len()), Some(2 * MOST_ORIGINS));
        assert_eq!(read(&list(MOST_ORIGINS + 1)), None);
    }

    proptest! {
        #[test]
        fn what_it_takes_is_what_the_list_says(
            text in "((https?|ftps|sftp)://|[a-z]{0,2}[:/@?#.\\\\]|h:1|1\\.2\\.3\\.4|xn--|%[0-9]{0,2}|[ \t\r\n]|\n(http|sftp)://h/){0,12}",
            tails in prop::collection::vec("[!-~]{0,8}", 1..4),
        ) {
            let tails: String = tails.iter().map(|tail| format!("\nhttp://h/{tail}\nftps://u@h:2/{tail}")).collect();
            for text in [text.clone(), format!("{text}{tails}")] {
                if let Some(urls) = read(&text) {
                    let list::List { entries, errors, .. } = list::parse(&text);
                    prop_assert_eq!(errors, []);
                    let all: Vec<_> = entries.into_iter().flat_map(|entry| entry.urls).map(String::from).collect();
                    prop_assert_eq!(urls, all);
                }
            }
        }
    }
}
