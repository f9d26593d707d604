// SPDX-License-Identifier: GPL-3.0-or-later
//! What was asked for: address, target, manners of the request, checks.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::pieces::Pieces;
use crate::engine::types::Speed;

/// Everything that is known about a download before its first byte. Plain data: it is saved in the
/// list as JSON, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadSpec {
    pub url: Url,
    /// Other addresses of the same file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Url>,
    pub folder: PathBuf,
    /// There as long as the rules of the user may choose another folder, which is until a server has told what
    /// the file is and its part file is made: where it goes if none of them fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<PathBuf>,
    /// The wanted file name; `None` lets the server, the address and the type decide, in this order.
    pub name: Option<String>,
    #[serde(default)]
    pub on_exists: OnExists,
    /// Continue an own part file of the same address, if there is one.
    #[serde(default = "yes")]
    pub resume: bool,
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// The length the file must have, where somebody other than the server told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<Pieces>,
    /// Look for a checksum beside the file on its server, where none is given: one or two small requests.
    #[serde(default)]
    pub find_checksum: bool,
    /// The user takes the file as it is: it was fetched once, and its checksum was another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// Most connections for this download, 1 to 32.
    #[serde(default = "eight")]
    pub connections: u8,
    /// Most bytes a second over all its transfers, besides the limit for all downloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Speed>,
    #[serde(default)]
    pub manners: Manners,
    #[serde(default)]
    pub patience: Patience,
}

fn yes() -> bool {
    true
}

fn eight() -> u8 {
    8
}

impl DownloadSpec {
    /// A download with all defaults of product.md's command line.
    pub fn new(url: Url, folder: PathBuf) -> Self {
        Self {
            url,
            mirrors: Vec::new(),
            folder,
            otherwise: None,
            name: None,
            on_exists: OnExists::default(),
            resume: true,
            checksum: None,
            size: None,
            pieces: None,
            find_checksum: false,
            keep: false,
            connections: eight(),
            rate: None,
            manners: Manners::default(),
            patience: Patience::default(),
        }
    }
}

/// What to do when a finished file of the wanted name is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExists {
    /// Choose the next free name: `NAME (1)`.
    #[default]
    Rename,
    /// Leave the file alone and end with `TargetExists`.
    Skip,
    /// Replace the file, but only when the new one is complete and verified.
    Overwrite,
}

/// How requests are made; the names are those of curl's options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manners {
    /// Extra header lines, `Name: value`.
    pub headers: Vec<String>,
    pub user_agent: Option<String>,
    pub referer: Option<String>,
    #[serde(skip)]
    pub credentials: Option<Credentials>,
    pub netrc: bool,
    pub proxy: Option<String>,
    /// Go before those in `proxy`. They are no secret towards whoever is asked, as only the proxy gets them.
    #[serde(skip)]
    pub proxy_credentials: Option<Credentials>,
    pub ca_file: Option<PathBuf>,
    /// Do not check certificates.
    pub insecure: bool,
}

/// What makes the name of a header that may log in or tell who asks.
const SECRET_WORDS: [&str; 7] = ["auth", "cookie", "key", "password", "secret", "session", "token"];

impl Manners {
    /// What `url` may be asked with in place of the download's `own` address. Secrets are for the server
    /// they were given for; that it names another one as a mirror does not make them that one's.
    pub fn towards(&self, url: &Url, own: &Url) -> Self {
        if is_same_origin(url, own) {
            return self.clone();
        }
        // Only over plain http a proxy reads the header itself.
        let has_proxy = self.proxy.is_some() && url.scheme() == "http";
        let mut manners = self.without_secrets(has_proxy);
        // That is what the own server is called.
        manners.headers.retain(|line| name_of(line) != "host");
        // Servers that give a file only to who comes from their pages send http there first.
        manners.referer = self.referer.clone().filter(|_| is_upgrade(own, url));
        manners
    }

    /// Whether there is more for the own server alone than libcurl itself keeps from others that one redirects to:
    /// that is the user name with its password, and what stands in `Authorization` and `Cookie`.
    pub fn has_more_than_logins(&self) -> bool {
        let is_kept = |line: &str| matches!(name_of(line).as_str(), "authorization" | "cookie");
        self.referer.is_some() || self.headers.iter().any(|line| !is_for_all(line) && !is_kept(line))
    }

    /// Whether the proxy can be told a user name and a password.
    pub fn has_proxy_login(&self) -> bool {
        self.proxy_credentials.is_some() || self.proxy.as_ref().is_some_and(|proxy| proxy.contains('@'))
    }

    /// `.netrc` stays, which says for each host itself what it may be told.
    pub fn without_secrets(&self, has_proxy: bool) -> Self {
        let may_stay = |line: &&String| is_for_all(line) || (has_proxy && name_of(line) == "proxy-authorization");
        let headers = self.headers.iter().filter(may_stay).cloned().collect();
        Self { headers, referer: None, credentials: None, ..self.clone() }
    }
}

/// The name of a header line.
fn name_of(line: &str) -> String {
    line.split([':', ';']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether any server may be told a header line.
fn is_for_all(line: &str) -> bool {
    let name = name_of(line);
    name != "referer" && !SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Whether one address is that of the same server as another one, but encrypted.
fn is_upgrade(from: &Url, to: &Url) -> bool {
    let is_plain = from.scheme() == "http" && from.port().is_none();
    let is_encrypted = to.scheme() == "https" && to.port().is_none();
    is_plain && is_encrypted && from.host() == to.host()
}

/// Whether both addresses are of one scheme, host and port. Not `Url::origin`, by which no SFTP address
/// is like any other.
pub fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// A user name with its password. Its `Debug` hides the password, and it is never serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// When to try again and when to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// How often a temporary error is tried again before the download fails. Progress sets the
    /// count back.
    pub retries: u32,
    /// The wait before the first retry; each further one doubles it, a Retry-After wins.
    pub first_wait: Duration,
    /// Silence after which a connection is given up.
    pub silence: Duration,
    /// Wait for space on a full disk in place of failing.
    pub wait_for_space: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self { retries: 5, first_wait: Duration::from_secs(1), silence: Duration::from_secs(30), wait_for_space: true }
    }
}

/// The weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// Reads a name in any case, with or without its hyphen: `sha256`, `SHA-256`.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().replace('-', "").as_str() {
            "md5" => Some(Self::Md5),
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hexadecimal digits its values have.
    pub fn digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A wanted checksum, written `ALGO:HEX`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    pub algorithm: Algorithm,
    /// Lower case, exactly `algorithm.digits()` long.
    pub hex: String,
}

impl Checksum {
    /// The one of several checksums of one file to go by: the first of the strongest algorithm.
    pub fn strongest(checksums: impl IntoIterator<Item = Self>) -> Option<Self> {
        checksums.into_iter().reduce(|best, next| if next.algorithm > best.algorithm { next } else { best })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

/// Why a text is no checksum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    #[error("write it as ALGO:HEX, for example sha256:9f86d0…")]
    NoColon,
    #[error("“{0}” is not one of md5, sha1, sha256, sha512")]
    UnknownAlgorithm(String),
    #[error("{algorithm} takes {wanted} hexadecimal digits, not {found}")]
    WrongLength { algorithm: &'static str, wanted: usize, found: usize },
    #[error("“{0}” is not a hexadecimal digit")]
    NotHex(char),
}

impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let (name, hex) = text.split_once([':', '=']).ok_or(ChecksumError::NoColon)?;
        let algorithm = Algorithm::named(name).ok_or_else(|| ChecksumError::UnknownAlgorithm(name.to_owned()))?;
        let hex = hex.trim().to_ascii_lowercase();
        if let Some(odd) = hex.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(ChecksumError::NotHex(odd));
        }
        if hex.len() != algorithm.digits() {
            return Err(ChecksumError::WrongLength {
                algorithm: algorithm.name(),
                wanted: algorithm.digits(),
                found: hex.len(),
            });
        }
        Ok(Self { algorithm, hex })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_read_in_any_case_and_written_in_lower() {
        let text = "SHA-256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
        let sum: Checksum = text.parse().unwrap();
        assert_eq!(sum.algorithm, Algorithm::Sha256);
        assert_eq!(sum.to_string(), "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    }

    #[test]
    fn a_checksum_that_is_none_says_why() {
        assert_eq!("abc".parse::<Checksum>(), Err(ChecksumError::NoColon));
        assert_eq!("crc32:12345678".parse::<Checksum>(), Err(ChecksumError::UnknownAlgorithm("crc32".into())));
        assert_eq!("md5:xy".parse::<Checksum>(), Err(ChecksumError::NotHex('x')));
        assert_eq!(
            "md5:abcd".parse::<Checksum>(),
            Err(ChecksumError::WrongLength { algorithm: "md5", wanted: 32, found: 4 })
        );
    }

    #[test]
    fn the_first_of_the_strongest_is_chosen() {
        let sum = |algorithm: Algorithm, digit: &str| Checksum { algorithm, hex: digit.repeat(algorithm.digits()) };
        let (weak, strong) = (sum(Algorithm::Md5, "0"), sum(Algorithm::Sha256, "1"));
        let other = sum(Algorithm::Sha256, "2");
        assert_eq!(Checksum::strongest([weak.clone(), strong.clone(), other, weak]), Some(strong));
        assert_eq!(Checksum::strongest([]), None);
    }

    #[test]
    fn credentials_do_not_show_their_password_and_are_not_saved() {
        let mut spec = DownloadSpec::new(Url::parse("http://h/f").unwrap(), "/tmp".into());
        spec.manners.credentials = Some(Credentials { user: "ann".into(), password: "secret".into() });
        assert!(!format!("{spec:?}").contains("secret"));
        assert!(!serde_json::to_string(&spec).unwrap().contains("secret"));
    }

    fn manners() -> Manners {
        let headers = ["Cookie: a=b", "authorization : Basic x", "X-Api-Key: k", "Referer: r", "Private-Token;"];
        let others = ["Proxy-Authorization: p", "Accept-Language: de", "X-A: b"];
        Manners {
            headers: headers.into_iter().chain(others).map(str::to_owned).collect(),
            user_agent: Some("Probe/1".into()),
            referer: Some("http://own/page".into()),
            credentials: Some(Credentials { user: "ann".into(), password: "secret".into() }),
            insecure: true,
            ..Manners::default()
        }
    }

    #[test]
    fn secrets_are_told_only_to_the_origin_they_were_given_for() {
        let (manners, url) = (manners(), |text: &str| Url::parse(text).unwrap());
        let own = url("https://ann@own/f");
        for same in ["https://own/g", "https://own:443/f", "https://bob:pw@OWN/f"] {
            assert_eq!(manners.towards(&url(same), &own), manners, "{same}");
        }
        for other in ["http://own/f", "https://own:444/f", "https://www.own/f", "ftp://own/f", "sftp://own/f"] {
            let told = manners.towards(&url(other), &own);
            assert_eq!(told.headers, ["Accept-Language: de", "X-A: b"], "{other}");
            assert_eq!((told.referer, told.credentials), (None, None), "{other}");
            assert_eq!((told.user_agent, told.insecure), (manners.user_agent.clone(), true), "{other}");
        }
        assert_eq!(manners.towards(&url("sftp://h/f"), &url("sftp://h/g")), manners);
    }

    #[test]
    fn what_libcurl_would_tell_where_it_is_redirected_to_is_known() {
        let with = |headers: &[&str], referer: Option<&str>| Manners {
            headers: headers.iter().map(|line| (*line).to_owned()).collect(),
            referer: referer.map(str::to_owned),
            credentials: Some(Credentials { user: "ann".into(), password: "secret".into() }),
            ..Manners::default()
        };
        let logins = ["authorization : Basic x", "Cookie: a=b", "X-A: b", "Host: h"];
        assert!(!with(&logins, None).has_more_than_logins());
        assert!(with(&[], Some("http://own/page")).has_more_than_logins());
        for line in ["PRIVATE-TOKEN: t", "X-Api-Key: k", "Referer: r", "X-Session;"] {
            assert!(with(&[line], None).has_more_than_logins(), "{line}");
        }
    }

    #[test]
    fn the_same_server_is_told_the_referrer_once_it_is_encrypted() {
        let manners = Manners { headers: vec!["X-Token: t".into()], ..manners() };
        let url = |text: &str| Url::parse(text).unwrap();
        let told = |to: &str, own: &str| manners.towards(&url(to), &url(own));
        assert_eq!(told("https://own/g", "http://own/f").referer, manners.referer);
        assert!(manners.referer.is_some() && told("https://own/g", "http://own/f").headers.is_empty());
        for (to, own) in [
            ("http://own/g", "https://own/f"),
            ("https://other/g", "http://own/f"),
            ("https://own:8443/g", "http://own/f"),
            ("https://own/g", "http://own:8080/f"),
        ] {
            assert_eq!(told(to, own).referer, None, "{own} {to}");
        }
    }

    #[test]
    fn another_server_is_not_called_by_the_name_of_the_own_one() {
        let named = Manners { headers: vec!["Host: own".into(), "X-A: b".into()], ..Manners::default() };
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(named.towards(&url("https://m/f"), &url("https://own/f")).headers, ["X-A: b"]);
        assert_eq!(named.towards(&url("https://own/g"), &url("https://own/f")), named);
        assert_eq!(named.without_secrets(false), named);
    }

    #[test]
    fn a_proxy_gets_its_login_where_it_reads_the_request() {
        let manners = Manners { proxy: Some("proxy:3128".into()), ..manners() };
        let own = Url::parse("http://own/f").unwrap();
        let headers = |url: &str| manners.towards(&Url::parse(url).unwrap(), &own).headers;
        assert_eq!(headers("http://m/f"), ["Proxy-Authorization: p", "Accept-Language: de", "X-A: b"]);
        assert_eq!(headers("https://m/f"), ["Accept-Language: de", "X-A: b"]);
    }
}
