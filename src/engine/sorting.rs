// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules of the user that say into which folder new downloads go. The first that fits wins; where none
//! does, a download goes where it would without rules.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Host;

use super::kind::Kind;

/// All that it says of a download has to fit; what it leaves empty fits any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Of the category that it makes, as the user calls it.
    pub name: String,
    pub kind: Option<Kind>,
    /// Of addresses, as they were added. Each stands for its subdomains, too. Separated by white space.
    pub hosts: String,
    /// For file names, with the wildcards `*` (any characters) and `?` (one), in large or small letters. Separated
    /// by white space.
    pub patterns: String,
    pub folder: PathBuf,
    /// What else is kept of it, by name: a later version may have said more than is understood here.
    pub more: BTreeMap<String, String>,
}

/// Why a rule is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("it would fit every download")]
    FitsAll,
    #[error("“{0}” is no host")]
    NoHost(String),
    #[error("“{0}” has a slash, which no file name has")]
    NoPattern(String),
    #[error("its folder is no absolute path, or none that is a text")]
    NoFolder,
}

impl Rule {
    pub fn check(&self) -> Result<(), RuleError> {
        if self.kind.is_none() && self.hosts().next().is_none() && self.patterns().next().is_none() {
            return Err(RuleError::FitsAll);
        }
        if let Some(host) = self.hosts().find(|host| domain(host).is_none()) {
            return Err(RuleError::NoHost(host.to_owned()));
        }
        if let Some(pattern) = self.patterns().find(|pattern| pattern.contains('/')) {
            return Err(RuleError::NoPattern(pattern.to_owned()));
        }
        if !self.folder.is_absolute() || self.folder.to_str().is_none() {
            return Err(RuleError::NoFolder);
        }
        Ok(())
    }

    fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.split_whitespace()
    }

    fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.split_whitespace()
    }
}

/// What is known of a download when a folder is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Of its address, as addresses have it; see [`host_of`].
    pub host: Option<&'a str>,
    pub name: &'a str,
    pub media_type: Option<&'a str>,
}

/// In the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(pub Vec<Rule>);

impl Rules {
    pub fn fitting(&self, file: &Subject<'_>) -> Option<&Rule> {
        self.0.get(Judge::new(self).place_of_fitting(file)?)
    }

    pub fn folder<'a>(&'a self, file: &Subject<'_>, otherwise: &'a Path) -> &'a Path {
        self.fitting(file).map_or(otherwise, |rule| &rule.folder)
    }
}

/// The rules as many downloads are held to them: read once, not for each.
#[derive(Clone, Debug, Default)]
pub struct Judge(Vec<Conditions>);

/// Of one rule. What it leaves empty fits any.
#[derive(Clone, Debug)]
struct Conditions {
    /// Its place among the rules.
    place: usize,
    kind: Option<Kind>,
    hosts: Vec<String>,
    /// In small letters.
    patterns: Vec<Vec<char>>,
}

impl Judge {
    /// A rule that is none fits nothing.
    pub fn new(Rules(rules): &Rules) -> Self {
        let letters = |pattern: &str| pattern.to_lowercase().chars().collect();
        let of_rule = |(place, rule): (usize, &Rule)| Conditions {
            place,
            kind: rule.kind,
            hosts: rule.hosts().filter_map(domain).collect(),
            patterns: rule.patterns().map(letters).collect(),
        };
        Self(rules.iter().enumerate().filter(|(_, rule)| rule.check().is_ok()).map(of_rule).collect())
    }

    /// Where among the rules the first one is that fits.
    pub fn place_of_fitting(&self, file: &Subject<'_>) -> Option<usize> {
        // Found out once, and only where a rule asks.
        let (kind, name) = (OnceCell::new(), OnceCell::<Vec<char>>::new());
        let kind = || *kind.get_or_init(|| Kind::of(file.name, file.media_type));
        let name = || name.get_or_init(|| file.name.to_lowercase().chars().collect());
        let has_host = |hosts: &[String]| {
            let has = |own| hosts.iter().any(|host| is_below(own, host));
            hosts.is_empty() || file.host.is_some_and(has)
        };
        let has_name =
            |patterns: &[Vec<char>]| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name()));
        let fits = |one: &&Conditions| {
            one.kind.is_none_or(|wanted| wanted == kind()) && has_host(&one.hosts) && has_name(&one.patterns)
        };
        self.0.iter().find(fits).map(|one| one.place)
    }
}

/// That of an address as `Url` writes it, without taking the address apart: of a hundred thousand that takes time.
pub fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let end = if host.starts_with('[') { host.find(']').map(|end| end + 1) } else { host.find(':') };
    host.get(..end.unwrap_or(host.len())).filter(|host| !host.is_empty())
}

/// The host as addresses have it. Who writes `*.example.org` means what `example.org` means here.
fn domain(text: &str) -> Option<String> {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let host = Host::parse(text).ok()?;
    // A place for it in a name there is not.
    (!text.contains('*')).then(|| host.to_string())
}

fn is_below(own: &str, host: &str) -> bool {
    own.strip_suffix(host).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Whether a name has the form of a pattern. Takes at most as many steps as the two are long, multiplied.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut of) = (0, 0);
    // Behind the last `*`, and up to where it stands for what there is.
    let mut star = None;
    while let Some(letter) = name.get(of) {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, of));
            }
            Some(one) if *one == '?' || one == letter => (at, of) = (at + 1, of + 1),
            _ => {
                let Some((behind, upto)) = star else { return false };
                star = Some((behind, upto + 1));
                (at, of) = (behind, upto + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn rule(kind: Option<Kind>, hosts: &str, patterns: &str) -> Rule {
        Rule { kind, hosts: hosts.into(), patterns: patterns.into(), folder: "/srv/x".into(), ..Rule::default() }
    }

    fn fits(rule: &Rule, url: &str, name: &str, media_type: Option<&str>) -> bool {
        let url = Url::parse(url).unwrap();
        let file = Subject { host: url.host_str(), name, media_type };
        Rules(vec![rule.clone()]).fitting(&file).is_some()
    }

    fn matches(pattern: &str, name: &str) -> bool {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        super::matches(&letters(pattern), &letters(name))
    }

    #[test]
    fn wildcards_are_those_of_a_shell() {
        let yes =
            [("*.iso", "a.iso"), ("*", ""), ("a?c", "abc"), ("*a*b", "xaaybab"), ("[x]*", "[x] y"), ("ü*", "über")];
        for (pattern, name) in yes {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.iso", "a.iso.txt"), ("a?c", "ac"), ("", "a"), ("*a*b", "ba"), ("a", "ab")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        // Where each `*` tries all places anew this does not end.
        assert!(!matches(&"*a".repeat(200), &format!("{}b", "a".repeat(5000))));
    }

    #[test]
    fn a_host_stands_for_its_subdomains() {
        let of = |hosts: &str, url: &str| fits(&rule(None, hosts, ""), url, "f", None);
        for hosts in ["example.org", "*.Example.org", "other.net example.org"] {
            assert!(of(hosts, "https://example.org/f") && of(hosts, "ftp://a.b.example.org:99/f"), "{hosts}");
            assert!(!of(hosts, "https://notexample.org/f") && !of(hosts, "https://example.org.evil/f"), "{hosts}");
        }
        assert!(of("bücher.example", "https://www.xn--bcher-kva.example/f") && of("[::1]", "http://[::1]:8/f"));
    }

    #[test]
    fn all_that_a_rule_says_has_to_fit() {
        let strict = rule(Some(Kind::Video), "example.org", "s??e*.mkv *.MP4");
        let url = "https://example.org/x";
        assert!(fits(&strict, url, "S01E02.mkv", None) && fits(&strict, url, "a.mp4", None));
        assert!(!fits(&strict, "https://other.net/x", "a.mp4", None) && !fits(&strict, url, "b.mkv", None));
        // The type of a file whose name says nothing is known when the server has told it.
        let films = rule(Some(Kind::Video), "", "");
        assert!(!fits(&films, url, "watch", None) && fits(&films, url, "watch", Some("video/mp4")));
    }

    #[test]
    fn the_first_rule_that_fits_wins() {
        let named = |name: &str, patterns: &str| Rule {
            name: name.into(),
            folder: format!("/srv/{name}").into(),
            ..rule(None, "", patterns)
        };
        let rules = Rules(vec![rule(None, "", ""), named("a", "*.iso"), named("b", "deb*")]);
        let folder = |name| {
            let file = Subject { host: Some("h"), name, media_type: None };
            rules.folder(&file, Path::new("/else")).to_str().unwrap().to_owned()
        };
        assert_eq!([folder("debian.iso"), folder("debian.zip"), folder("x")], ["/srv/a", "/srv/b", "/else"]);
    }

    #[test]
    fn the_host_of_a_text_is_that_of_its_address() {
        let texts = [
            "https://example.org",
            "https://u:p%40@Bücher.example:99/a@b:c/d?e@f#g",
            "ftp://10.0.0.1:21/x",
            "http://[2001:db8::1]:8080/x",
            "sftp://me@host.example/",
            "https://example.org?q=://x@y",
            "file:///srv/x",
        ];
        for text in texts {
            let url = Url::parse(text).unwrap();
            let host = url.host_str().filter(|host| !host.is_empty());
            assert_eq!(host_of(url.as_str()), host, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(rule(None, " ", "").check(), Err(RuleError::FitsAll));
        for host in ["https://example.org/", "a b/c", "exa*mple.org"] {
            assert!(matches!(rule(None, host, "").check(), Err(RuleError::NoHost(_))), "{host}");
        }
        assert_eq!(rule(None, "", "*.a b/*.c").check(), Err(RuleError::NoPattern("b/*.c".into())));
        let nowhere = Rule { folder: PathBuf::new(), ..rule(Some(Kind::Audio), "", "") };
        assert_eq!(nowhere.check(), Err(RuleError::NoFolder));
        assert_eq!(rule(Some(Kind::Audio), "a.example 10.0.0.1", "*").check(), Ok(()));
    }
}
