// SPDX-License-Identifier: GPL-3.0-or-later
//! The only table from libcurl's codes to kinds of failure (`libcurl-errors(3)`). HTTP statuses
//! are read in `proof.rs`, where the rest of the answer is known.

use crate::engine::error::{Failure, FailureKind};

/// What a libcurl error means for a download.
pub fn from_curl(error: &curl::Error) -> Failure {
    // The extra text is the error buffer's: more precise than the code's own.
    let detail = match error.extra_description() {
        Some(extra) => format!("{extra} (libcurl {})", error.code()),
        None => format!("{} (libcurl {})", error.description(), error.code()),
    };
    Failure::new(kind(error.code(), error.extra_description().unwrap_or_default()), detail)
}

/// `text` is libcurl's own description: it alone holds the reply code of FTP and file servers.
fn kind(code: curl_sys::CURLcode, text: &str) -> FailureKind {
    match code {
        curl_sys::CURLE_UNSUPPORTED_PROTOCOL => FailureKind::UnsupportedScheme,
        curl_sys::CURLE_URL_MALFORMAT => FailureKind::InvalidAddress,
        curl_sys::CURLE_COULDNT_RESOLVE_HOST => FailureKind::NameNotFound,
        curl_sys::CURLE_COULDNT_RESOLVE_PROXY => FailureKind::Proxy,
        curl_sys::CURLE_COULDNT_CONNECT => FailureKind::CannotConnect,
        curl_sys::CURLE_OPERATION_TIMEDOUT => FailureKind::Silence,
        curl_sys::CURLE_PARTIAL_FILE => FailureKind::EndedEarly,
        curl_sys::CURLE_RECV_ERROR
        | curl_sys::CURLE_SEND_ERROR
        | curl_sys::CURLE_GOT_NOTHING
        | curl_sys::CURLE_HTTP2
        | curl_sys::CURLE_HTTP2_STREAM => FailureKind::ConnectionLost,
        curl_sys::CURLE_PEER_FAILED_VERIFICATION
        | curl_sys::CURLE_SSL_CACERT_BADFILE
        | curl_sys::CURLE_SSL_ISSUER_ERROR
        | curl_sys::CURLE_SSL_CRL_BADFILE
        | curl_sys::CURLE_SSL_PINNEDPUBKEYNOTMATCH
        | curl_sys::CURLE_SSL_INVALIDCERTSTATUS => FailureKind::Certificate,
        curl_sys::CURLE_SSL_CONNECT_ERROR | curl_sys::CURLE_SSL_CIPHER | curl_sys::CURLE_USE_SSL_FAILED => {
            FailureKind::Tls
        }
        curl_sys::CURLE_TOO_MANY_REDIRECTS => FailureKind::TooManyRedirects,
        curl_sys::CURLE_LOGIN_DENIED => FailureKind::LoginRequired,
        curl_sys::CURLE_REMOTE_FILE_NOT_FOUND | curl_sys::CURLE_FTP_COULDNT_RETR_FILE => {
            refused(text).unwrap_or(FailureKind::FileNotFound)
        }
        curl_sys::CURLE_REMOTE_ACCESS_DENIED => refused(text).unwrap_or(FailureKind::ServerRefused(550)),
        curl_sys::CURLE_FTP_WEIRD_SERVER_REPLY
        | curl_sys::CURLE_FTP_WEIRD_PASS_REPLY
        | curl_sys::CURLE_FTP_WEIRD_PASV_REPLY
        | curl_sys::CURLE_FTP_WEIRD_227_FORMAT => refused(text).unwrap_or(FailureKind::Protocol),
        // The server can not begin in the middle.
        curl_sys::CURLE_RANGE_ERROR | curl_sys::CURLE_BAD_DOWNLOAD_RESUME | curl_sys::CURLE_FTP_COULDNT_USE_REST => {
            FailureKind::WrongRange
        }
        curl_sys::CURLE_BAD_CONTENT_ENCODING | curl_sys::CURLE_CHUNK_FAILED | curl_sys::CURLE_FILESIZE_EXCEEDED => {
            FailureKind::Protocol
        }
        CURLE_PROXY => FailureKind::Proxy,
        other => FailureKind::Internal(other),
    }
}

/// Since libcurl 7.73; the binding has no name for it.
const CURLE_PROXY: curl_sys::CURLcode = 97;

/// A three-digit reply of the 4yz or 5yz class at the end of libcurl's text.
fn refused(text: &str) -> Option<FailureKind> {
    let number = text.rsplit([' ', ':']).find_map(|word| word.trim().parse::<u16>().ok())?;
    (400..600).contains(&number).then_some(FailureKind::ServerRefused(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_kind_and_unknown_ones_keep_their_number() {
        assert_eq!(kind(6, ""), FailureKind::NameNotFound);
        assert_eq!(kind(7, ""), FailureKind::CannotConnect);
        assert_eq!(kind(18, ""), FailureKind::EndedEarly);
        assert_eq!(kind(60, ""), FailureKind::Certificate);
        assert_eq!(kind(97, ""), FailureKind::Proxy);
        assert_eq!(kind(9999, ""), FailureKind::Internal(9999));
    }

    #[test]
    fn a_reply_code_of_ftp_is_kept() {
        assert_eq!(kind(19, "RETR response: 550"), FailureKind::ServerRefused(550));
        assert_eq!(kind(78, "The file does not exist"), FailureKind::FileNotFound);
        assert_eq!(kind(13, "response reading failed (errno: 104)"), FailureKind::Protocol);
    }

    #[test]
    fn the_text_of_the_error_buffer_is_kept() {
        let mut error = curl::Error::new(7);
        error.set_extra("Failed to connect to h port 1".into());
        let failure = from_curl(&error);
        assert_eq!(failure.kind, FailureKind::CannotConnect);
        assert!(failure.detail.contains("port 1"), "{}", failure.detail);
    }
}
