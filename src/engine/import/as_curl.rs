// SPDX-License-Identifier: GPL-3.0-or-later
//! The other way round: a download as a `curl` command, for a terminal or a report. Pure. A password or
//! another secret is never in it, as it would stay in the history of a shell.

use crate::engine::download::spec::DownloadSpec;
use crate::engine::net::headers::encoding::percent_decoded;
use crate::engine::store::redact;

/// A command, and whether it lacks something that the download has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurlCommand {
    pub text: String,
    /// A secret was left out: curl asks for the password, headers with secrets have to be added.
    pub lacks_secrets: bool,
}

/// The command that fetches the same file under this name.
pub fn write(spec: &DownloadSpec, name: &str) -> CurlCommand {
    let bare = redact::without_secrets(spec.clone());
    let mut url = bare.url.clone();
    let credentials = spec.manners.credentials.as_ref();
    let has_proxy_secret = bare.manners.proxy != spec.manners.proxy;
    let proxy_login = spec.manners.proxy_credentials.as_ref();
    let lacks_secrets = credentials.is_some()
        || proxy_login.is_some()
        || spec.url.password().is_some()
        || bare.manners.headers != spec.manners.headers
        || has_proxy_secret;
    // In the address a name without a password would be one with an empty password.
    let decoded = |name: &str| String::from_utf8_lossy(&percent_decoded(name.as_bytes())).into_owned();
    let of_address = spec.url.password().map(|_| decoded(spec.url.username()));
    if of_address.is_some() {
        // Refused only for addresses that have no host, and these have no password.
        let _ = url.set_username("");
    }
    let user = credentials.map(|credentials| credentials.user.clone()).or(of_address);

    let manners = &bare.manners;
    let mut words = vec!["curl".to_owned(), "--location".to_owned()];
    let mut option = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), quoted(value)]);
        }
    };
    option("--output", Some(name));
    option("--user", user.as_deref());
    option("--user-agent", manners.user_agent.as_deref());
    option("--referer", manners.referer.as_deref());
    manners.headers.iter().for_each(|line| option("--header", Some(line)));
    // In the proxy's address curl would take another one first.
    let bare_proxy = proxy_login.and(manners.proxy.as_deref()).map(redact::proxy_without_login);
    option("--proxy", bare_proxy.as_deref().or(manners.proxy.as_deref()));
    option("--proxy-user", proxy_login.map(|login| login.user.as_str()));
    option("--cacert", manners.ca_file.as_ref().and_then(|file| file.to_str()));
    option("--limit-rate", bare.rate.map(|rate| rate.0.to_string()).as_deref());
    let switches =
        [("--netrc", manners.netrc), ("--insecure", manners.insecure), ("--globoff", has_globs(url.as_str()))];
    words.extend(switches.iter().filter(|(_, is_on)| *is_on).map(|(switch, _)| (*switch).to_owned()));
    words.push(quoted(url.as_str()));
    CurlCommand { text: words.join(" "), lacks_secrets }
}

/// curl would take them for patterns.
fn has_globs(url: &str) -> bool {
    url.contains(['[', ']', '{', '}'])
}

/// As one word for a POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    // Within single quotes nothing has a meaning but the quote that ends them.
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{curl_command, shell};
    use super::*;
    use crate::engine::download::spec::Credentials;
    use crate::engine::types::Speed;

    fn spec(url: &str) -> DownloadSpec {
        DownloadSpec::new(url.parse().unwrap(), "/tmp".into())
    }

    #[test]
    fn a_plain_download_is_a_short_command() {
        let command = write(&spec("https://example.org/a.zip"), "a.zip");
        assert_eq!(command.text, "curl --location --output a.zip https://example.org/a.zip");
        assert!(!command.lacks_secrets);
        let glob = write(&spec("http://[::1]/a?x=1&y={z}"), "it's a file");
        assert!(
            glob.text.ends_with(r"--output 'it'\''s a file' --globoff 'http://[::1]/a?x=1&y={z}'"),
            "{}",
            glob.text
        );
    }

    #[test]
    fn what_the_command_asks_for_is_what_the_download_asked_for() {
        let mut spec = spec("https://example.org/a");
        spec.rate = Some(Speed(5000));
        spec.manners.user_agent = Some("Mozilla/5.0 (X11; 'quoted')".into());
        spec.manners.referer = Some("https://example.org/?a=b".into());
        spec.manners.headers = vec!["X-Price: $5 `date`".into()];
        spec.manners.insecure = true;
        let command = write(&spec, "a");
        assert!(command.text.contains("--limit-rate 5000"));
        let mut read = DownloadSpec::new(spec.url.clone(), "/tmp".into());
        curl_command::parse(&command.text).0.unwrap().remove(0).apply(&mut read);
        assert_eq!(read.manners, spec.manners);
    }

    #[test]
    fn no_secret_is_in_it_and_that_is_said() {
        let mut spec = spec("https://ann%20b:hunter2@example.org/a");
        spec.manners.headers = vec!["Cookie: s=hunter2".into(), "X-A: b".into()];
        spec.manners.proxy = Some("http://ann:hunter2@proxy:1".into());
        spec.manners.proxy_credentials = Some(Credentials { user: "bob".into(), password: "hunter2".into() });
        let command = write(&spec, "a");
        assert!(!command.text.contains("hunter2"), "{}", command.text);
        assert!(command.lacks_secrets);
        assert!(
            command.text.contains("--user 'ann b' --header 'X-A: b' --proxy http://proxy:1 --proxy-user bob"),
            "{}",
            command.text
        );
        assert!(command.text.ends_with(" https://example.org/a"), "{}", command.text);
        let credentials = Some(Credentials { user: "bob".into(), password: "hunter2".into() });
        let mut spec = self::spec("https://example.org/a");
        spec.manners.credentials = credentials;
        assert_eq!(write(&spec, "a").text, "curl --location --output a --user bob https://example.org/a");
    }

    proptest! {
        #[test]
        fn a_shell_reads_one_word_back(text in "[^\0]{0,40}") {
            let line = format!("curl {}", quoted(&text));
            prop_assert_eq!(shell::split(&line).0.unwrap(), ["curl".to_owned(), text]);
        }
    }
}
