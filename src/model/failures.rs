// SPDX-License-Identifier: GPL-3.0-or-later
//! Everything that goes wrong in words: its cause, and the way out. The one place where a reason that a user reads
//! comes from.

use std::path::Path;

use super::amounts::size;
use super::describe;
use crate::engine::error::FailureKind;
use crate::i18n::{gettext, gettext_f};

/// What went wrong, and what can be done about it.
pub fn failure(kind: &FailureKind, host: Option<&str>, folder: &Path) -> String {
    let later = || kind.is_temporary().then(|| gettext("Try again later."));
    with_remedy(cause(kind, host, folder), remedy(kind).or_else(later))
}

/// The same of a download that tries again by itself.
pub(super) fn passing_failure(kind: &FailureKind, host: &str, folder: &Path) -> String {
    with_remedy(cause(kind, Some(host), folder), remedy(kind))
}

fn with_remedy(cause: String, remedy: Option<String>) -> String {
    match remedy {
        Some(remedy) => {
            // Translators: two whole sentences, like “The server is busy. Tries again in a moment.”
            gettext_f("{cause} {next}", &[("cause", &cause), ("next", &remedy)])
        }
        None => cause,
    }
}

/// What went wrong, for where nothing need be done about it.
pub(super) fn cause(kind: &FailureKind, host: Option<&str>, folder: &Path) -> String {
    let host = ("host", host.unwrap_or_default());
    let folder = describe::folder(folder);
    let folder = ("folder", folder.as_str());
    match kind {
        FailureKind::InvalidAddress => gettext("This is not an address."),
        FailureKind::UnsupportedScheme => gettext("Only http, https, ftp, ftps and sftp addresses can be downloaded."),
        FailureKind::NameNotFound => gettext_f("The server {host} was not found.", &[host]),
        FailureKind::CannotConnect => gettext_f("The server {host} does not answer.", &[host]),
        FailureKind::Silence => gettext("The server stopped sending."),
        FailureKind::ConnectionLost => gettext("The connection was lost."),
        FailureKind::Certificate => gettext_f("The identity of {host} could not be verified.", &[host]),
        FailureKind::HostKey => gettext_f("The identity of {host} is not known here.", &[host]),
        FailureKind::Tls => gettext("A secure connection could not be made."),
        FailureKind::Proxy => gettext("The proxy does not work."),
        FailureKind::TooManyRedirects => gettext("The server redirects in a circle."),
        FailureKind::HttpStatus(404) => gettext("The file is not on the server (error 404)."),
        FailureKind::HttpStatus(410) => gettext("The file is no longer on the server (error 410)."),
        FailureKind::HttpStatus(429 | 503) => gettext("The server is busy."),
        FailureKind::HttpStatus(code @ 500..) => {
            // Translators: {code} is an HTTP status, like 500.
            gettext_f("The server has a problem (error {code}).", &[("code", &code.to_string())])
        }
        FailureKind::LoginRequired => gettext("The server asks for a user name and a password."),
        FailureKind::LoginElsewhere => {
            gettext("Another server, to which this address leads, asks for a user name and a password.")
        }
        FailureKind::LoginUnsupported => gettext("The server asks for a kind of log-in that Freshet does not know."),
        FailureKind::ProxyLogin => gettext("The proxy asks for a user name and a password."),
        FailureKind::ProxyLoginUnsupported => {
            gettext("The proxy asks for a kind of log-in that Freshet does not know.")
        }
        FailureKind::ProxyRefused => gettext("The proxy does not allow this address."),
        FailureKind::ServerRefused(0) => gettext("The server refuses this address."),
        FailureKind::HttpStatus(code) | FailureKind::ServerRefused(code) => {
            gettext_f("The server refuses this address (error {code}).", &[("code", &code.to_string())])
        }
        FailureKind::FileNotFound => gettext("The file is not on the server."),
        FailureKind::EndedEarly => gettext("The server stopped before the end of the file."),
        FailureKind::WrongRange => gettext("The server sent another part of the file than the one asked for."),
        FailureKind::ChangedOnServer => gettext("The file has changed on the server."),
        FailureKind::UninvitedEncoding => gettext("The server sent the file in another form than the one asked for."),
        FailureKind::Protocol => gettext("The server sent an answer that makes no sense."),
        FailureKind::DiskFull { needed: Some(needed) } => {
            gettext_f("The disk is full: {size} more is needed in {folder}.", &[("size", &size(*needed)), folder])
        }
        FailureKind::DiskFull { needed: None } => gettext_f("The disk is full. Make room in {folder}.", &[folder]),
        FailureKind::NotWritable => gettext_f("Files cannot be written to {folder}.", &[folder]),
        FailureKind::FolderMissing => gettext_f("The folder {folder} is not there.", &[folder]),
        FailureKind::ReadOnly => gettext_f("The drive of {folder} is read-only.", &[folder]),
        FailureKind::BadName => gettext("A file of this name cannot be made there."),
        FailureKind::TargetExists => gettext("A file of this name is there already. It was left as it is."),
        FailureKind::TooLargeForFileSystem => gettext_f("The file is too large for the drive of {folder}.", &[folder]),
        FailureKind::PartInUse => gettext("Another program is downloading this file."),
        FailureKind::DriveFailed => gettext_f("The drive of {folder} does not answer as it should.", &[folder]),
        FailureKind::Io(0) => gettext("The file could not be written."),
        FailureKind::Io(code) => {
            // Translators: {code} is an error number of the system.
            gettext_f("The file could not be written (system error {code}).", &[("code", &code.to_string())])
        }
        // Its pieces have checksums, and one of them came wrong again and again.
        FailureKind::ChecksumMismatch { .. } if !kind.is_wrong_sum() => {
            gettext("A part of the file does not match its checksum.")
        }
        FailureKind::ChecksumMismatch { .. } => {
            gettext("The checksum does not match: this is not the file that was wanted.")
        }
        FailureKind::Internal(code) => {
            gettext_f("Something went wrong inside Freshet (code {code}).", &[("code", &code.to_string())])
        }
    }
}

/// What the user can do; `None` where it is only to be waited, or where the row asks for what is missing.
fn remedy(kind: &FailureKind) -> Option<String> {
    let words = match kind {
        FailureKind::InvalidAddress => gettext("It should look like https://example.org/file."),
        FailureKind::NameNotFound => gettext("Check the address and the network."),
        FailureKind::CannotConnect => gettext("Check the network."),
        FailureKind::Certificate => gettext("Do not trust this address."),
        FailureKind::HostKey => gettext("Connect to it once with ssh to check it."),
        FailureKind::Proxy => gettext("Check the network settings."),
        FailureKind::HttpStatus(403) => gettext("The address may have expired. Give the download a new one."),
        FailureKind::HttpStatus(404) | FailureKind::FileNotFound => gettext("Check the address."),
        FailureKind::LoginElsewhere => gettext("Use the address that the file has on that server."),
        FailureKind::ProxyLoginUnsupported | FailureKind::ProxyRefused => {
            gettext("Use another proxy, or ask those who run this one.")
        }
        FailureKind::ChangedOnServer => {
            gettext("Remove it and download it again, or give it an address of the old file.")
        }
        FailureKind::DiskFull { needed: Some(_) } => gettext("Make room, or choose another folder."),
        FailureKind::FolderMissing | FailureKind::DriveFailed => gettext("Is its drive connected?"),
        FailureKind::NotWritable | FailureKind::ReadOnly | FailureKind::TooLargeForFileSystem => {
            gettext("Choose another folder.")
        }
        FailureKind::BadName => gettext("Remove it and add it with another name."),
        FailureKind::TargetExists => gettext("Move it elsewhere and try again."),
        FailureKind::PartInUse => gettext("Try again later."),
        FailureKind::Io(_) => gettext("Try again, or choose another folder."),
        FailureKind::ChecksumMismatch { .. } if !kind.is_wrong_sum() => {
            gettext("Check the address, or try again later.")
        }
        FailureKind::ChecksumMismatch { .. } => {
            gettext("Check the address and the checksum, or keep the file as it is.")
        }
        FailureKind::Internal(_) => gettext("Please report it."),
        FailureKind::TooManyRedirects
        | FailureKind::LoginUnsupported
        | FailureKind::UninvitedEncoding
        | FailureKind::HttpStatus(_)
        | FailureKind::ServerRefused(_)
            if !kind.is_temporary() =>
        {
            gettext("Give it a new address.")
        }
        FailureKind::TooManyRedirects
        | FailureKind::LoginUnsupported
        | FailureKind::UninvitedEncoding
        | FailureKind::HttpStatus(_)
        | FailureKind::ServerRefused(_)
        | FailureKind::Silence
        | FailureKind::ConnectionLost
        | FailureKind::EndedEarly
        | FailureKind::Tls
        | FailureKind::WrongRange
        | FailureKind::Protocol
        | FailureKind::UnsupportedScheme
        | FailureKind::LoginRequired
        | FailureKind::ProxyLogin
        | FailureKind::DiskFull { needed: None } => return None,
    };
    Some(words)
}

/// Whether another address of the same file could be what is missing.
pub fn new_address_helps(kind: &FailureKind) -> bool {
    match kind {
        FailureKind::InvalidAddress
        | FailureKind::UnsupportedScheme
        | FailureKind::NameNotFound
        | FailureKind::CannotConnect
        | FailureKind::Certificate
        | FailureKind::Tls
        | FailureKind::TooManyRedirects
        | FailureKind::LoginRequired
        | FailureKind::LoginElsewhere
        | FailureKind::LoginUnsupported
        | FailureKind::FileNotFound
        | FailureKind::ChangedOnServer
        | FailureKind::WrongRange
        | FailureKind::UninvitedEncoding => true,
        // What the server says of this moment is not said of the address.
        FailureKind::HttpStatus(_) | FailureKind::ServerRefused(_) => !kind.is_temporary(),
        _ => false,
    }
}

/// Whether another folder could be what is missing.
pub fn new_folder_helps(kind: &FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::DiskFull { .. }
            | FailureKind::NotWritable
            | FailureKind::FolderMissing
            | FailureKind::ReadOnly
            | FailureKind::DriveFailed
            | FailureKind::TooLargeForFileSystem
            | FailureKind::Io(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::download::spec::Checksum;

    fn said(kind: &FailureKind) -> String {
        failure(kind, Some("example.org"), Path::new("/srv"))
    }

    #[test]
    fn a_failure_names_the_cause_and_the_way_out() {
        for (kind, words) in [
            (FailureKind::HttpStatus(404), "The file is not on the server (error 404). Check the address."),
            (FailureKind::HttpStatus(451), "The server refuses this address (error 451). Give it a new address."),
            (FailureKind::HttpStatus(500), "The server has a problem (error 500). Try again later."),
            (FailureKind::ServerRefused(421), "The server refuses this address (error 421). Try again later."),
            (FailureKind::CannotConnect, "The server example.org does not answer. Check the network."),
            (FailureKind::ConnectionLost, "The connection was lost. Try again later."),
            (FailureKind::ReadOnly, "The drive of /srv is read-only. Choose another folder."),
            (FailureKind::Io(0), "The file could not be written. Try again, or choose another folder."),
            (FailureKind::LoginRequired, "The server asks for a user name and a password."),
        ] {
            assert_eq!(said(&kind), words);
        }
    }

    #[test]
    fn what_tries_again_by_itself_is_not_to_be_tried_later() {
        let said = |kind| passing_failure(&kind, "example.org", Path::new("/srv"));
        assert_eq!(said(FailureKind::HttpStatus(503)), "The server is busy.");
        assert_eq!(said(FailureKind::CannotConnect), "The server example.org does not answer. Check the network.");
    }

    #[test]
    fn a_wrong_piece_is_no_wrong_file() {
        let expected: Checksum = format!("md5:{}", "0".repeat(32)).parse().unwrap();
        let failed = |actual: &str| {
            said(&FailureKind::ChecksumMismatch { expected: expected.clone(), actual: actual.to_owned() })
        };
        assert!(failed("").starts_with("A part of the file does not match its checksum."));
        assert!(failed("12").starts_with("The checksum does not match"));
    }

    #[test]
    fn who_is_told_to_choose_another_folder_is_helped_by_one() {
        for kind in [
            FailureKind::DiskFull { needed: Some(1) },
            FailureKind::NotWritable,
            FailureKind::ReadOnly,
            FailureKind::TooLargeForFileSystem,
            FailureKind::Io(5),
            FailureKind::BadName,
            FailureKind::HttpStatus(404),
        ] {
            assert_eq!(said(&kind).contains("another folder"), new_folder_helps(&kind), "{kind:?}");
        }
    }
}
