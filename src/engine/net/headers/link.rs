// SPDX-License-Identifier: GPL-3.0-or-later
//! Link fields (RFC 8288), as far as they tell where a file also is and what describes it (RFC 6249).

use url::Url;

use super::{Fields, joined};
use crate::engine::import::address;

/// More than anybody needs, and fewer than would let one server set us on many others.
pub const MOST_LINKS: usize = 32;

/// See [`super::duplicates`].
pub fn duplicates(fields: &Fields, base: &Url) -> Vec<Url> {
    let mut ranked = addresses(fields, base, |link| link.has_relation("duplicate"));
    // RFC 6249 section 3: preferred mirrors first, then by priority, of which 1 is the highest.
    // Stable: of equals the server's order is kept.
    ranked.sort_by_key(|(link, _)| (!link.is_preferred(), link.priority()));
    each_once(ranked, base)
}

/// The links that are wanted, with their addresses where Freshet can download from them. Not by SFTP:
/// no server may have us log in somewhere with the user's SSH keys.
fn addresses(fields: &Fields, base: &Url, is_wanted: impl Fn(&Link) -> bool) -> Vec<(Link, Url)> {
    let Some(value) = joined(fields, "link") else { return Vec::new() };
    let links = Links(&value).filter(|link| is_wanted(link) && link.is_about(base));
    links.filter_map(|link| resolved(&link.target, base).map(|url| (link, url))).collect()
}

fn resolved(target: &str, base: &Url) -> Option<Url> {
    address::absolute(base.join(target).ok()?.as_str()).ok().filter(|url| url.scheme() != "sftp")
}

fn each_once(links: Vec<(Link, Url)>, base: &Url) -> Vec<Url> {
    let mut urls: Vec<Url> = Vec::new();
    for (_, url) in links {
        if url != *base && !urls.contains(&url) && urls.len() < MOST_LINKS {
            urls.push(url);
        }
    }
    urls
}

/// One link: its target as sent, its parameters with names in lower case.
struct Link {
    target: String,
    parameters: Vec<(String, String)>,
}

impl Link {
    /// The first parameter of this name (RFC 8288 section 3.3 and 3.4.1).
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn has_relation(&self, relation: &str) -> bool {
        let mut relations = self.parameter("rel").unwrap_or_default().split_ascii_whitespace();
        relations.any(|known| known.eq_ignore_ascii_case(relation))
    }

    /// Whether it speaks of the answer itself, not of something else that `anchor` names.
    fn is_about(&self, base: &Url) -> bool {
        self.parameter("anchor").is_none_or(|anchor| base.join(anchor).is_ok_and(|context| context == *base))
    }

    fn is_preferred(&self) -> bool {
        self.parameter("pref").is_some()
    }

    fn priority(&self) -> u32 {
        let priority = self.parameter("pri").and_then(|text| text.parse().ok());
        priority.filter(|priority| (1..=999_999).contains(priority)).unwrap_or(u32::MAX)
    }
}

/// The links of a field's value, read as RFC 8288 appendix B.2 does: what is no link is passed over.
struct Links<'a>(&'a str);

impl Iterator for Links<'_> {
    type Item = Link;

    fn next(&mut self) -> Option<Link> {
        loop {
            self.0 = self.0.trim_start_matches([',', ' ', '\t']);
            if self.0.is_empty() {
                return None;
            }
            match self.0.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
                Some((target, rest)) => {
                    self.0 = rest;
                    return Some(Link { target: target.trim().to_owned(), parameters: self.parameters() });
                }
                None => {
                    let (_, rest) = self.text(&[',']);
                    self.0 = rest;
                }
            }
        }
    }
}

impl<'a> Links<'a> {
    /// Takes everything up to the comma that ends the link.
    fn parameters(&mut self) -> Vec<(String, String)> {
        let mut parameters = Vec::new();
        loop {
            // What stands before the semicolon belongs to nothing.
            (_, self.0) = self.text(&[';', ',']);
            let Some(rest) = self.0.strip_prefix(';') else { return parameters };
            self.0 = rest.trim_start_matches([' ', '\t']);
            let (name, rest) = self.text(&['=', ';', ',']);
            self.0 = rest;
            let value = rest.strip_prefix('=').map(|rest| self.value(rest.trim_start_matches([' ', '\t'])));
            parameters.push((name.trim().to_ascii_lowercase(), value.unwrap_or_default()));
        }
    }

    fn value(&mut self, rest: &'a str) -> String {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (value, rest) = quoted_string(quoted);
            self.0 = rest;
            return value;
        }
        self.0 = rest;
        let (value, rest) = self.text(&[';', ',']);
        self.0 = rest;
        value.trim().to_owned()
    }

    /// The text up to the first of these delimiters, and what begins with it.
    fn text(&self, delimiters: &[char]) -> (&'a str, &'a str) {
        let end = self.0.find(delimiters).unwrap_or(self.0.len());
        self.0.split_at_checked(end).unwrap_or((self.0, ""))
    }
}

/// Reads behind the opening quote; one that is never closed ends with the field.
fn quoted_string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next() {
            Some('\\') => value.extend(rest.next()),
            Some('"') | None => return (value, rest.as_str()),
            Some(other) => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::net::version::SCHEMES;

    fn base() -> Url {
        "https://h.example/dir/f.iso?x=1".parse().unwrap()
    }

    fn fields(values: &[&str]) -> Fields {
        values.iter().map(|value| ("link", value)).collect()
    }

    fn words(urls: Vec<Url>) -> Vec<String> {
        urls.into_iter().map(String::from).collect()
    }

    #[track_caller]
    fn expect(values: &[&str], wanted: &[&str]) {
        assert_eq!(words(duplicates(&fields(values), &base())), wanted, "{values:?}");
    }

    #[test]
    fn mirrors_in_their_order() {
        expect(
            &[
                "<http://c.example/f>; rel=duplicate, <http://b.example/f>;rel=\"duplicate\" ; pri=2; geo=us",
                "<ftp://a.example/f>; rel=duplicate; pri=1; geo=gb; depth=1",
                "<http://p.example/f>; REL=\"other Duplicate\"; pri=9; pref",
            ],
            &["http://p.example/f", "ftp://a.example/f", "http://b.example/f", "http://c.example/f"],
        );
        expect(
            &["<http://a/>;rel=duplicate;pri=0,<http://b/>;rel=duplicate;pri=x,<http://c/>;rel=duplicate;pri=999999"],
            &["http://c/", "http://a/", "http://b/"],
        );
    }

    #[test]
    fn relative_ones_are_seen_from_the_answering_address() {
        expect(
            &["</g>;rel=duplicate, <g>;rel=duplicate, <//m.example/g>;rel=duplicate, <?y>;rel=duplicate"],
            &["https://h.example/g", "https://h.example/dir/g", "https://m.example/g", "https://h.example/dir/f.iso?y"],
        );
        // Not the address itself, however it is written, and none twice.
        expect(
            &["<>;rel=duplicate, <f.iso?x=1>;rel=duplicate, <a>;rel=duplicate, <./a>;rel=duplicate"],
            &["https://h.example/dir/a"],
        );
    }

    #[test]
    fn quotes_and_brackets_hide_commas_and_semicolons() {
        expect(
            &[
                r#"<http://a/b,c;d>; title="x, <http://no/>; rel=duplicate; \"y"; rel="duplicate",<http://e/>;rel=duplicate"#,
            ],
            &["http://a/b,c;d", "http://e/"],
        );
        expect(&["<http://a/>; rel = duplicate ;; ; pri = 3"], &["http://a/"]);
        expect(&["<http://a/> garbage; rel=duplicate"], &["http://a/"]);
        expect(&["garbage <http://no/>; rel=duplicate, <http://a/>; rel=duplicate"], &["http://a/"]);
        expect(&["<http://a/>; rel=\"duplicate"], &["http://a/"]);
        expect(&[r#"<http://a/>; title="\"; rel=next"; rel=duplicate"#], &["http://a/"]);
    }

    #[test]
    fn what_is_no_mirror_of_this_file_is_left() {
        for value in [
            "",
            "http://a/; rel=duplicate",
            "<http://a/; rel=duplicate",
            "<http://a/>",
            "<http://a/>; rel",
            "<http://a/>; rel=next; rel=duplicate",
            "<http://a/>; rel=duplicates",
            "<http://a/>; title=\"rel=duplicate\"",
            "<http://a/>; rel=duplicate; anchor=\"/other\"",
            "<http://a/>; rel=duplicate; anchor=\"https://[\"",
            "<file:///etc/passwd>; rel=duplicate",
            "<magnet:?x>; rel=duplicate",
            "<sftp://a/f>; rel=duplicate",
            "<https://[>; rel=duplicate",
        ] {
            expect(&[value], &[]);
        }
        expect(&["<http://a/>; rel=duplicate; anchor=\"\""], &["http://a/"]);
    }

    #[test]
    fn no_server_names_more_than_a_few() {
        let many = (0..100).map(|n| format!("<http://m{n}/>;rel=duplicate;pri={}", 100 - n)).collect::<Vec<_>>();
        let found = words(duplicates(&fields(&[&many.join(",")]), &base()));
        assert_eq!((found.len(), found[0].as_str()), (MOST_LINKS, "http://m99/"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            links in proptest::collection::vec(("[a-z]{1,6}", "[a-z,;=]{0,6}", 1_u32..50, "[ -~ä]{0,9}", any::<bool>()), 0..9)
        ) {
            let mut values = Vec::new();
            for (host, path, priority, title, is_quoted) in &links {
                let title = title.replace('\\', "\\\\").replace('"', "\\\"");
                let quote = if *is_quoted { "\"" } else { "" };
                values.push(format!(
                    "<http://{host}.example/{path}>; title=\"{title}\"; pri={quote}{priority}{quote};rel={quote}duplicate{quote}"
                ));
            }
            let mut wanted = links;
            wanted.sort_by_key(|link| link.2);
            let mut urls: Vec<String> = Vec::new();
            for (host, path, ..) in wanted {
                let url = format!("http://{host}.example/{path}");
                if !urls.contains(&url) {
                    urls.push(url);
                }
            }
            let each = fields(&values.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(&words(duplicates(&each, &base())), &urls);
            prop_assert_eq!(&words(duplicates(&fields(&[&values.join(", ")]), &base())), &urls);
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, odd in "(<|>|;|,|=|\"|\\\\|rel|duplicate|pri|http://|[a-z0-9 ä]){0,40}") {
            for value in [bytes, odd.into_bytes()] {
                let fields = Fields::from_iter([("link", value)]);
                let urls = duplicates(&fields, &base());
                prop_assert!(urls.len() <= MOST_LINKS && !urls.contains(&base()));
                prop_assert!(urls.iter().all(|url| SCHEMES.contains(&url.scheme()) && url.scheme() != "sftp"));
            }
        }
    }
}
