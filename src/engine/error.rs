// SPDX-License-Identifier: GPL-3.0-or-later
//! What can go wrong with a download, as data. The words a user reads are in `model/failures.rs`;
//! the tables from curl codes and HTTP statuses are in `net/failure.rs`, the one from OS errors is
//! [`FailureKind::from_io`] below; when to try again is decided in `download/retry.rs`.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::download::spec::Checksum;

/// Why a download does not go on. `detail` is the technical text of libcurl, the server or the
/// operating system, untranslated; it never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct Failure {
    pub kind: FailureKind,
    pub detail: String,
    /// The server's own wish (Retry-After, RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
    /// What a server or a proxy that asks for a log-in says it is for (RFC 9110 section 11.5): its own words, in
    /// one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<Box<str>>,
}

/// Who takes a user name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginTo {
    Server,
    Proxy,
}

impl Failure {
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after: None, realm: None }
    }

    /// Who asks for a user name and a password, if anybody does whom they can be given.
    pub fn login_wanted(&self) -> Option<LoginTo> {
        match self.kind {
            FailureKind::LoginRequired => Some(LoginTo::Server),
            FailureKind::ProxyLogin => Some(LoginTo::Proxy),
            _ => None,
        }
    }

    pub fn from_io(error: &io::Error, doing: &str) -> Self {
        Self::new(FailureKind::from_io(error), format!("{doing}: {error}"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    // The address.
    /// It is not an address at all.
    InvalidAddress,
    /// An address, but of a kind this libcurl or Freshet does not fetch (or a redirect to one).
    UnsupportedScheme,

    // The way to the server.
    NameNotFound,
    CannotConnect,
    /// Nothing came for as long as the silence timeout says.
    Silence,
    ConnectionLost,
    /// The certificate is not to be trusted.
    Certificate,
    /// The SSH key of the server is not one that the user has taken for good.
    HostKey,
    /// TLS could not be agreed on, for other reasons.
    Tls,
    Proxy,
    TooManyRedirects,

    // What the server said.
    /// An HTTP status that is no success; 401 and 407 are those that follow, where it is told what is asked for.
    HttpStatus(u16),
    /// The server of the address asks for a user name and a password.
    LoginRequired,
    /// A server asks for them to which a redirect or a mirror has led: those of the address are not for it.
    LoginElsewhere,
    /// A server asks for a log-in, and takes none of the kinds that are a user name and a password.
    LoginUnsupported,
    /// The proxy asks for a user name and a password (RFC 9110 section 15.5.8, RFC 1929).
    ProxyLogin,
    /// The proxy asks for a log-in of another kind.
    ProxyLoginUnsupported,
    /// The proxy works, and does not let this through by its rules.
    ProxyRefused,
    /// FTP and others: refused by the server, with its reply code where there is one.
    ServerRefused(u16),
    /// No such file, said by a protocol other than HTTP (there it is `HttpStatus(404)`).
    FileNotFound,
    /// The body ended before the length it announced.
    EndedEarly,
    /// 206 for another range than the one asked for, or a total that disagrees with what is known.
    WrongRange,
    /// The validator says that the file on the server is no longer the one that was begun.
    ChangedOnServer,
    /// An encoding (gzip, ...) that was not asked for, so the bytes are not the file's.
    UninvitedEncoding,
    /// The answer does not follow its protocol.
    Protocol,

    // The file.
    /// `needed`: how many more bytes would have to be free, where that is known.
    DiskFull {
        needed: Option<u64>,
    },
    NotWritable,
    FolderMissing,
    ReadOnly,
    BadName,
    /// A file of that name is there and it was asked not to be touched.
    TargetExists,
    TooLargeForFileSystem,
    /// Another process downloads into the same part file.
    PartInUse,
    /// The drive or the network share was pulled, does not answer, or reports errors.
    DriveFailed,
    /// Any other error of the file system, with its errno.
    Io(i32),

    // The content.
    ChecksumMismatch {
        expected: Checksum,
        /// Empty: `expected` is that of a piece, which came wrong again and again.
        actual: String,
    },

    /// libcurl or Freshet itself failed; the number is libcurl's code where it is one.
    Internal(u32),
}

/// Whom a failure concerns; the exit status of `freshet get` follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The address, the network, the server, TLS.
    Network,
    /// The local file system.
    File,
    /// The bytes are not the ones wanted.
    Content,
}

impl FailureKind {
    /// Whether the same request may succeed by itself a little later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::CannotConnect
            | Self::NameNotFound
            | Self::Silence
            | Self::ConnectionLost
            | Self::EndedEarly
            | Self::Proxy
            | Self::WrongRange
            | Self::Protocol
            | Self::Tls => true,
            // RFC 9110 section 15 and RFC 6585: these speak of now, not of the file.
            Self::HttpStatus(code) => matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 507 | 509 | 520..=527),
            // RFC 959 section 4.2.1: 4yz is "transient negative", the command may be given again.
            Self::ServerRefused(code) => (400..500).contains(code),
            Self::InvalidAddress
            | Self::UnsupportedScheme
            | Self::Certificate
            | Self::HostKey
            | Self::TooManyRedirects
            | Self::LoginRequired
            | Self::LoginElsewhere
            | Self::LoginUnsupported
            | Self::ProxyLogin
            | Self::ProxyLoginUnsupported
            | Self::ProxyRefused
            | Self::FileNotFound
            | Self::ChangedOnServer
            | Self::UninvitedEncoding
            | Self::DiskFull { .. }
            | Self::NotWritable
            | Self::FolderMissing
            | Self::ReadOnly
            | Self::BadName
            | Self::TargetExists
            | Self::TooLargeForFileSystem
            | Self::PartInUse
            | Self::DriveFailed
            | Self::Io(_)
            | Self::ChecksumMismatch { .. }
            | Self::Internal(_) => false,
        }
    }

    /// Whether the file is all here and only its checksum is another one. A wrong piece has no sum of the
    /// whole, and the file a hole where it was.
    pub fn is_wrong_sum(&self) -> bool {
        matches!(self, Self::ChecksumMismatch { actual, .. } if !actual.is_empty())
    }

    /// Whether what the server has is not the file, or not the range of it, that was meant.
    pub fn is_of_other_file(&self) -> bool {
        matches!(self, Self::WrongRange | Self::ChangedOnServer)
    }

    pub fn class(&self) -> FailureClass {
        match self {
            Self::DiskFull { .. }
            | Self::NotWritable
            | Self::FolderMissing
            | Self::ReadOnly
            | Self::BadName
            | Self::TargetExists
            | Self::TooLargeForFileSystem
            | Self::PartInUse
            | Self::DriveFailed
            | Self::Io(_) => FailureClass::File,
            Self::ChecksumMismatch { .. } | Self::ChangedOnServer | Self::UninvitedEncoding => FailureClass::Content,
            Self::InvalidAddress
            | Self::UnsupportedScheme
            | Self::NameNotFound
            | Self::CannotConnect
            | Self::Silence
            | Self::ConnectionLost
            | Self::Certificate
            | Self::HostKey
            | Self::Tls
            | Self::Proxy
            | Self::TooManyRedirects
            | Self::HttpStatus(_)
            | Self::LoginRequired
            | Self::LoginElsewhere
            | Self::LoginUnsupported
            | Self::ProxyLogin
            | Self::ProxyLoginUnsupported
            | Self::ProxyRefused
            | Self::ServerRefused(_)
            | Self::FileNotFound
            | Self::EndedEarly
            | Self::WrongRange
            | Self::Protocol
            | Self::Internal(_) => FailureClass::Network,
        }
    }

    /// The only table from errors of the operating system to kinds.
    pub fn from_io(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => Self::DiskFull { needed: None },
            Some(libc::EACCES | libc::EPERM) => Self::NotWritable,
            Some(libc::EROFS) => Self::ReadOnly,
            Some(libc::ENOENT | libc::ENOTDIR) => Self::FolderMissing,
            Some(libc::EFBIG) => Self::TooLargeForFileSystem,
            Some(libc::ENAMETOOLONG | libc::EINVAL | libc::EILSEQ) => Self::BadName,
            Some(libc::EEXIST) => Self::TargetExists,
            // The first is what a pulled drive says, and what one with bad sectors says too; the others
            // are those of drives and shares that are gone.
            Some(
                libc::EIO
                | libc::ENODEV
                | libc::ENXIO
                | libc::ENOMEDIUM
                | libc::ESTALE
                | libc::ENOTCONN
                | libc::ESHUTDOWN
                | libc::EHOSTDOWN
                | libc::ENOLINK
                | libc::EREMOTEIO
                | libc::ETIMEDOUT,
            ) => Self::DriveFailed,
            Some(other) => Self::Io(other),
            None => Self::Io(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_of_a_drive_is_told_apart() {
        for (errno, kind) in [
            (libc::ENOSPC, FailureKind::DiskFull { needed: None }),
            (libc::EDQUOT, FailureKind::DiskFull { needed: None }),
            (libc::EFBIG, FailureKind::TooLargeForFileSystem),
            (libc::EROFS, FailureKind::ReadOnly),
            (libc::EACCES, FailureKind::NotWritable),
            (libc::ENOENT, FailureKind::FolderMissing),
            (libc::EIO, FailureKind::DriveFailed),
            (libc::ENODEV, FailureKind::DriveFailed),
            (libc::ESTALE, FailureKind::DriveFailed),
            (libc::EBADF, FailureKind::Io(libc::EBADF)),
        ] {
            assert_eq!(FailureKind::from_io(&io::Error::from_raw_os_error(errno)), kind, "errno {errno}");
        }
    }
}
