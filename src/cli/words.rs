// SPDX-License-Identifier: GPL-3.0-or-later
//! A failure in words for the terminal: what happened and what can be done, in terms of the
//! options of `freshet get`. The window has words of its own (`model/describe.rs`).

use crate::engine::FailureKind;

use super::units;

/// A name that programs can rely on.
pub fn name(kind: &FailureKind) -> &'static str {
    match kind {
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
}

/// The cause in one sentence, and where there is one the way out in another.
pub fn sentence(kind: &FailureKind) -> String {
    match kind {
        FailureKind::HttpStatus(status) => http_status(*status),
        FailureKind::ServerRefused(0) => "The server refused.".to_owned(),
        FailureKind::ServerRefused(code) => format!("The server refused with reply {code}."),
        FailureKind::DiskFull { needed: Some(needed) } => {
            format!(
                "The disk is full: {} more are needed. Free some space and run the same command again.",
                units::size(*needed)
            )
        }
        FailureKind::Io(0) => "The file system reported an error.".to_owned(),
        FailureKind::Io(errno) => format!("The file system reported: {}.", std::io::Error::from_raw_os_error(*errno)),
        FailureKind::ChecksumMismatch { expected, actual } if actual.is_empty() => format!(
            "A part of the file does not match its checksum {expected}, however often it was fetched. \
             The rest is kept with .part added to the name; check the checksums, or get the file from elsewhere."
        ),
        FailureKind::ChecksumMismatch { expected, actual } => format!(
            "The checksum does not match: {expected} was asked for, the file has {actual}. \
             It is kept with .part added to its name; check the checksum, or get the file from elsewhere."
        ),
        FailureKind::InvalidAddress => "This is not an address. Write one such as https://example.org/file.".to_owned(),
        FailureKind::UnsupportedScheme => {
            "Addresses of this kind are not supported. Use http, https, ftp, ftps or sftp.".to_owned()
        }
        FailureKind::NameNotFound => {
            "The server's name was not found. Check the address and the connection to the network.".to_owned()
        }
        FailureKind::CannotConnect => "No connection to the server. It may be down; try again later.".to_owned(),
        FailureKind::Silence => {
            "The server fell silent. The same command continues; --timeout SECONDS waits longer.".to_owned()
        }
        FailureKind::ConnectionLost => "The connection was lost. The same command continues.".to_owned(),
        FailureKind::Certificate => "Certificate not trusted. Use --cacert FILE for a private authority, \
                                     or --insecure to go on at your own risk."
            .to_owned(),
        FailureKind::HostKey => {
            "The server's SSH key is not known here. Connect once with ssh, which asks whether to trust it.".to_owned()
        }
        FailureKind::Tls => "No secure connection could be agreed on with the server. If it speaks plain http, write \
                             http:// before the address."
            .to_owned(),
        FailureKind::Proxy => "The proxy does not work. Check --proxy and the proxy variables.".to_owned(),
        FailureKind::TooManyRedirects => "The server redirects in circles. Check the address.".to_owned(),
        FailureKind::LoginRequired => {
            "The server wants a login. Use --user NAME:PASSWORD, or --netrc to take it from ~/.netrc.".to_owned()
        }
        FailureKind::LoginElsewhere => "A server to which this address leads wants a login. Use its own address with \
                                        --user NAME:PASSWORD, or --netrc to take it from ~/.netrc."
            .to_owned(),
        FailureKind::LoginUnsupported => "The server wants a login of another kind than a name and a password. \
                                          Where it takes a token, use --header."
            .to_owned(),
        FailureKind::ProxyLogin => {
            "The proxy wants a login. Give it as in --proxy http://NAME:PASSWORD@HOST:PORT.".to_owned()
        }
        FailureKind::ProxyLoginUnsupported => "The proxy wants a login of another kind than a name and a password. \
                                               Use another one with --proxy."
            .to_owned(),
        FailureKind::ProxyRefused => "The proxy does not allow this address. Use another one with --proxy.".to_owned(),
        FailureKind::FileNotFound => "There is no such file on the server. Check the address.".to_owned(),
        FailureKind::EndedEarly => "The server ended before the file did. The same command continues.".to_owned(),
        FailureKind::WrongRange => {
            "The server sent another part of the file than asked for. Use --no-resume to start anew.".to_owned()
        }
        FailureKind::ChangedOnServer => {
            "The file on the server is no longer the one that was begun. Use --no-resume to get the new one.".to_owned()
        }
        FailureKind::UninvitedEncoding => {
            "The server sent the file in an encoding that was not asked for, so these are not its bytes.".to_owned()
        }
        FailureKind::Protocol => {
            "The server's answer makes no sense. It may be overloaded; try again later.".to_owned()
        }
        FailureKind::DiskFull { needed: None } => {
            "The disk is full. Free some space and run the same command again.".to_owned()
        }
        FailureKind::NotWritable => "The folder or file may not be written to. Choose another with --dir.".to_owned(),
        FailureKind::FolderMissing => "The folder is not there. Choose another with --dir.".to_owned(),
        FailureKind::ReadOnly => "The file system is read-only. Choose another folder with --dir.".to_owned(),
        FailureKind::BadName => {
            "The file system does not take a file of this name. Choose another with --output.".to_owned()
        }
        FailureKind::TargetExists => {
            "A file of this name is there already. Use --overwrite to replace it, or --output for another name."
                .to_owned()
        }
        FailureKind::TooLargeForFileSystem => {
            "The file is too large for this file system. Choose a folder on another one with --dir.".to_owned()
        }
        FailureKind::PartInUse => "Another Freshet downloads into the same file. Wait for it or end it.".to_owned(),
        FailureKind::DriveFailed => {
            "The drive does not answer as it should. Connect it again and run the same command, \
             or choose a folder on another one with --dir."
                .to_owned()
        }
        FailureKind::Internal(0) => "Freshet itself failed.".to_owned(),
        FailureKind::Internal(code) => format!("libcurl failed with error {code}."),
    }
}

/// What the statuses that people meet mean (RFC 9110 section 15), and what follows for them.
fn http_status(status: u16) -> String {
    let meaning = match status {
        401 => "it wants a login and does not say of which kind. Where it takes a token, use --header",
        403 => "access is forbidden. It may need --user, --referer or a fresh address",
        404 => "there is no such file. Check the address",
        410 => "the file is gone for good",
        429 => "too many requests. Try again later, with fewer --connections",
        500..=599 => "the server has a problem of its own. Try again later",
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
    fn a_server_can_not_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nü"), "a\u{fffd}[2Jb\u{fffd}ü");
    }
}
