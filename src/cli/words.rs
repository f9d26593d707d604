// SPDX-License-Identifier: GPL-3.0-or-later
//! A failure in words for the terminal: what happened and what can be done, in terms of the
//! options of `freshet get`. The window has words of its own (`model/describe.rs`).

use crate::engine::FailureKind;

use super::units;

/// The kinds with their names, from which follow the names of one and of all: the manual lists them.
macro_rules! names {
    ($($kind:pat => $name:literal,)*) => {
        /// All names of kinds.
        pub const NAMES: &[&str] = &[$($name),*];

        /// A name that programs can rely on.
        pub fn name(kind: &FailureKind) -> &'static str {
            match kind {
                $($kind => $name),*
            }
        }
    };
}

names! {
    FailureKind::InvalidAddress => "invalid-address",
    FailureKind::UnsupportedScheme => "unsupported-scheme",
    FailureKind::NameNotFound => "name-not-found",
    FailureKind::CannotConnect => "cannot-connect",
    FailureKind::Silence => "silence",
    FailureKind::ConnectionLost => "connection-lost",
    FailureKind::Certificate => "certificate",
    FailureKind::HostKey => "host-key",
    FailureKind::Tls => "tls",
    FailureKind::Proxy => "proxy",
    FailureKind::TooManyRedirects => "too-many-redirects",
    FailureKind::HttpStatus(_) => "http-status",
    FailureKind::LoginRequired => "login-required",
    FailureKind::LoginElsewhere => "login-elsewhere",
    FailureKind::LoginUnsupported => "login-unsupported",
    FailureKind::ProxyLogin => "proxy-login",
    FailureKind::ProxyLoginUnsupported => "proxy-login-unsupported",
    FailureKind::ProxyRefused => "proxy-refused",
    FailureKind::ServerRefused(_) => "server-refused",
    FailureKind::FileNotFound => "file-not-found",
    FailureKind::EndedEarly => "ended-early",
    FailureKind::WrongRange => "wrong-range",
    FailureKind::ChangedOnServer => "changed-on-server",
    FailureKind::UninvitedEncoding => "uninvited-encoding",
    FailureKind::Protocol => "protocol",
    FailureKind::DiskFull { .. } => "disk-full",
    FailureKind::NotWritable => "not-writable",
    FailureKind::FolderMissing => "folder-missing",
    FailureKind::ReadOnly => "read-only",
    FailureKind::BadName => "bad-name",
    FailureKind::TargetExists => "target-exists",
    FailureKind::TooLargeForFileSystem => "too-large-for-file-system",
    FailureKind::PartInUse => "part-in-use",
    FailureKind::DriveFailed => "drive-failed",
    FailureKind::Io(_) => "io",
    FailureKind::ChecksumMismatch { .. } => "checksum-mismatch",
    FailureKind::Internal(_) => "internal",
}

/// The cause, and where there is one the way out in another sentence. `continues`: whether the same command goes on
/// from what is here.
pub fn sentence(kind: &FailureKind, continues: bool) -> String {
    let mut text = cause(kind);
    if let Some(remedy) = remedy(kind, continues) {
        text.push(' ');
        text += remedy;
    }
    text
}

/// What happened, in one sentence: all there is to say of a download that tries again by itself.
pub fn cause(kind: &FailureKind) -> String {
    let words = match kind {
        FailureKind::HttpStatus(status) => return http_status(*status),
        FailureKind::ServerRefused(0) => "The server refused.",
        FailureKind::ServerRefused(code) => return format!("The server refused with reply {code}."),
        FailureKind::DiskFull { needed: Some(needed) } => {
            return format!("The disk is full: {} more are needed.", units::size(*needed));
        }
        FailureKind::DiskFull { needed: None } => "The disk is full.",
        FailureKind::Io(0) => "The file system reported an error.",
        FailureKind::Io(errno) => {
            return format!("The file system reported: {}.", std::io::Error::from_raw_os_error(*errno));
        }
        FailureKind::ChecksumMismatch { expected, actual } if actual.is_empty() => {
            return format!("A part of the file does not match its checksum {expected}, however often it was fetched.");
        }
        FailureKind::ChecksumMismatch { expected, actual } => {
            return format!("The checksum does not match: {expected} was asked for, the file has {actual}.");
        }
        FailureKind::InvalidAddress => "This is not an address.",
        FailureKind::UnsupportedScheme => "Addresses of this kind are not supported.",
        FailureKind::NameNotFound => "The server's name was not found.",
        FailureKind::CannotConnect => "No connection to the server.",
        FailureKind::Silence => "The server fell silent.",
        FailureKind::ConnectionLost => "The connection was lost.",
        FailureKind::Certificate => "Certificate not trusted.",
        FailureKind::HostKey => "The server's SSH key is not known here.",
        FailureKind::Tls => "No secure connection could be agreed on with the server.",
        FailureKind::Proxy => "The proxy does not work.",
        FailureKind::TooManyRedirects => "The server redirects in circles.",
        FailureKind::LoginRequired => "The server wants a log-in.",
        FailureKind::LoginElsewhere => "A server to which this address leads wants a log-in.",
        FailureKind::LoginUnsupported => "The server wants a log-in of another kind than a name and a password.",
        FailureKind::ProxyLogin => "The proxy wants a log-in.",
        FailureKind::ProxyLoginUnsupported => "The proxy wants a log-in of another kind than a name and a password.",
        FailureKind::ProxyRefused => "The proxy does not allow this address.",
        FailureKind::FileNotFound => "There is no such file on the server.",
        FailureKind::EndedEarly => "The server ended before the file did.",
        FailureKind::WrongRange => "The server sent another part of the file than asked for.",
        FailureKind::ChangedOnServer => "The file on the server is no longer the one that was begun.",
        FailureKind::UninvitedEncoding => {
            "The server sent the file in an encoding that was not asked for, so these are not its bytes."
        }
        FailureKind::Protocol => "The server's answer makes no sense.",
        FailureKind::NotWritable => "The folder or file may not be written to.",
        FailureKind::FolderMissing => "The folder is not there.",
        FailureKind::ReadOnly => "The file system is read-only.",
        FailureKind::BadName => "The file system does not take a file of this name.",
        FailureKind::TargetExists => "A file of this name is there already.",
        FailureKind::TooLargeForFileSystem => "The file is too large for this file system.",
        FailureKind::PartInUse => "Another Freshet downloads into the same file.",
        FailureKind::DriveFailed => "The drive does not answer as it should.",
        FailureKind::Internal(0) => "Freshet itself failed.",
        FailureKind::Internal(code) => return format!("libcurl failed with error {code}."),
    };
    words.to_owned()
}

/// What can be done about it.
fn remedy(kind: &FailureKind, continues: bool) -> Option<&'static str> {
    let words = match kind {
        FailureKind::HttpStatus(401) => "Where it takes a token, use --header.",
        FailureKind::HttpStatus(403) => "It may need --user, --referer or a fresh address.",
        FailureKind::HttpStatus(404) | FailureKind::FileNotFound | FailureKind::TooManyRedirects => {
            "Check the address."
        }
        FailureKind::HttpStatus(429) => "Try again later, with fewer --connections.",
        FailureKind::HttpStatus(500..=599) => "Try again later.",
        FailureKind::DiskFull { .. } => "Free some space and run the same command again.",
        FailureKind::ChecksumMismatch { actual, .. } if actual.is_empty() => {
            "The rest is kept with .part added to the name; check the checksums, or get the file from elsewhere."
        }
        FailureKind::ChecksumMismatch { .. } => {
            "It is kept with .part added to its name; check the checksum, or get the file from elsewhere."
        }
        FailureKind::InvalidAddress => "Write one such as https://example.org/file.",
        FailureKind::UnsupportedScheme => "Use http, https, ftp, ftps or sftp.",
        FailureKind::NameNotFound => "Check the address and the connection to the network.",
        FailureKind::CannotConnect => "It may be down; try again later.",
        FailureKind::Silence if continues => "The same command continues; --timeout SECONDS waits longer.",
        FailureKind::Silence => "--timeout SECONDS waits longer.",
        FailureKind::ConnectionLost | FailureKind::EndedEarly if continues => "The same command continues.",
        FailureKind::Certificate => {
            "Use --cacert FILE for a private authority, or --insecure to go on at your own risk."
        }
        FailureKind::HostKey => "Connect once with ssh, which asks whether to trust it.",
        FailureKind::Tls => "If it speaks plain http, write http:// before the address.",
        FailureKind::Proxy => "Check --proxy and the proxy variables.",
        FailureKind::LoginRequired => "Use --user NAME:PASSWORD, or --netrc to take it from ~/.netrc.",
        FailureKind::LoginElsewhere => {
            "Use its own address with --user NAME:PASSWORD, or --netrc to take it from ~/.netrc."
        }
        FailureKind::LoginUnsupported => "Where it takes a token, use --header.",
        FailureKind::ProxyLogin => "Give it as in --proxy http://NAME:PASSWORD@HOST:PORT.",
        FailureKind::ProxyLoginUnsupported | FailureKind::ProxyRefused => "Use another one with --proxy.",
        FailureKind::WrongRange => "Use --no-resume to start anew.",
        FailureKind::ChangedOnServer => "Use --no-resume to get the new one.",
        FailureKind::Protocol => "It may be overloaded; try again later.",
        FailureKind::NotWritable | FailureKind::FolderMissing => "Choose another with --dir.",
        FailureKind::ReadOnly => "Choose another folder with --dir.",
        FailureKind::BadName => "Choose another with --output.",
        FailureKind::TargetExists => "Use --overwrite to replace it, or --output for another name.",
        FailureKind::TooLargeForFileSystem => "Choose a folder on another one with --dir.",
        FailureKind::PartInUse => "Wait for it or end it.",
        FailureKind::DriveFailed => {
            "Connect it again and run the same command, or choose a folder on another one with --dir."
        }
        FailureKind::HttpStatus(_)
        | FailureKind::ServerRefused(_)
        | FailureKind::ConnectionLost
        | FailureKind::EndedEarly
        | FailureKind::UninvitedEncoding
        | FailureKind::Io(_)
        | FailureKind::Internal(_) => return None,
    };
    Some(words)
}

/// What the statuses that people meet mean (RFC 9110 section 15).
fn http_status(status: u16) -> String {
    let meaning = match status {
        401 => "it wants a log-in and does not say of which kind",
        403 => "access is forbidden",
        404 => "there is no such file",
        410 => "the file is gone for good",
        429 => "too many requests",
        500..=599 => "the server has a problem of its own",
        _ => return format!("The server answered {status}."),
    };
    format!("The server answered {status}: {meaning}.")
}

/// Text from a server for a terminal: without the control characters that would steer it.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_cause_and_the_way_out() {
        let sentence = |kind: &FailureKind| sentence(kind, true);
        assert_eq!(
            sentence(&FailureKind::Certificate),
            "Certificate not trusted. Use --cacert FILE for a private authority, \
             or --insecure to go on at your own risk."
        );
        assert_eq!(
            sentence(&FailureKind::HttpStatus(404)),
            "The server answered 404: there is no such file. Check the address."
        );
        assert_eq!(sentence(&FailureKind::HttpStatus(418)), "The server answered 418.");
        assert!(sentence(&FailureKind::DiskFull { needed: Some(1_200_000_000) }).contains("1.2 GB more"));
        let expected = format!("md5:{}", "0".repeat(32)).parse().unwrap();
        let piece = sentence(&FailureKind::ChecksumMismatch { expected, actual: String::new() });
        assert!(piece.starts_with("A part of the file does not match its checksum md5:000"), "{piece}");
        assert!(sentence(&FailureKind::Io(libc::EIO)).contains("Input/output error"));
    }

    #[test]
    fn nothing_is_said_of_continuing_where_the_same_command_starts_anew() {
        for kind in [FailureKind::Silence, FailureKind::ConnectionLost, FailureKind::EndedEarly] {
            assert!(sentence(&kind, true).contains("The same command continues"), "{kind:?}");
            assert!(!sentence(&kind, false).contains("continues"), "{kind:?}");
        }
        assert_eq!(sentence(&FailureKind::ConnectionLost, false), "The connection was lost.");
        assert_eq!(sentence(&FailureKind::Silence, false), "The server fell silent. --timeout SECONDS waits longer.");
    }

    #[test]
    fn a_server_can_not_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nü"), "a\u{fffd}[2Jb\u{fffd}ü");
    }
}
