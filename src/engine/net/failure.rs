// SPDX-License-Identifier: GPL-3.0-or-later
//! The only table from libcurl's codes to kinds of failure (`libcurl-errors(3)`). HTTP statuses
//! are read in `proof.rs`, where the rest of the answer is known.

use std::ffi::c_long;

use url::Url;

use crate::engine::error::{Failure, FailureKind};

/// What a libcurl error means for a download; `url` is the address that was asked last, if known.
pub fn from_curl(error: &curl::Error, url: Option<&Url>) -> Failure {
    let by_ssh = url.filter(|url| url.scheme() == "sftp");
    if let Some(url) = by_ssh.filter(|_| error.is_peer_failed_verification()) {
        return unknown_host(url);
    }
    // The extra text is the error buffer's: more precise than the code's own.
    let detail = match error.extra_description() {
        Some(extra) => format!("{extra} (libcurl {})", error.code()),
        None => format!("{} (libcurl {})", error.description(), error.code()),
    };
    let text = error.extra_description().unwrap_or_default();
    Failure::new(if by_ssh.is_some() { ssh_kind(error.code(), text) } else { kind(error.code(), text) }, detail)
}

/// The SSH key of a server is not in the file of known hosts; libcurl does not tell whether there is
/// another one. Nobody but the user can say that the server may be trusted, and `ssh` asks that.
fn unknown_host(url: &Url) -> Failure {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!("-p {port} ")).unwrap_or_default();
    let user = if url.username().is_empty() { String::new() } else { format!("{}@", url.username()) };
    let detail = format!(
        "the SSH key of {host} is not the one in ~/.ssh/known_hosts, or there is none: \
         run “ssh {port}{user}{host}” once, which shows the key and asks whether to trust it, then try again"
    );
    Failure::new(FailureKind::HostKey, detail)
}

/// What is different when the server is asked by SSH.
fn ssh_kind(code: curl_sys::CURLcode, text: &str) -> FailureKind {
    match code {
        // The connection broke, or was cut before it was agreed on: servers do so when many come at a
        // time (MaxStartups of sshd_config(5)).
        curl_sys::CURLE_SSH | curl_sys::CURLE_FAILED_INIT => FailureKind::ConnectionLost,
        // SFTP has no reply codes.
        curl_sys::CURLE_REMOTE_ACCESS_DENIED => FailureKind::ServerRefused(0),
        curl_sys::CURLE_REMOTE_FILE_NOT_FOUND => FailureKind::FileNotFound,
        other => kind(other, text),
    }
}

/// `text` is libcurl's own description: it alone holds the reply code of FTP and file servers, and
/// what exactly a code means that libcurl uses for several things.
fn kind(code: curl_sys::CURLcode, text: &str) -> FailureKind {
    // What a proxy answers that is to make a tunnel; the second are the words of libcurl before 7.87.
    if text.contains("CONNECT tunnel failed") || text.contains("from proxy after CONNECT") {
        return match text {
            _ if text.contains(" 407") => FailureKind::ProxyLogin,
            _ if text.contains(" 403") => FailureKind::ProxyRefused,
            _ => FailureKind::Proxy,
        };
    }
    match code {
        // An answer of HTTP/0.9, of a version or with a status that there is none of.
        curl_sys::CURLE_UNSUPPORTED_PROTOCOL if text.contains("HTTP") => FailureKind::Protocol,
        curl_sys::CURLE_RECV_ERROR if text.contains("chunk") => FailureKind::Protocol,
        // The others of this code are damaged streams, which may be whole the next time.
        curl_sys::CURLE_BAD_CONTENT_ENCODING if text.starts_with("Unrecognized") => FailureKind::UninvitedEncoding,
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
        // Ended by us where libcurl waited inside a call for a server that did not answer, or for a busy machine.
        curl_sys::CURLE_ABORTED_BY_CALLBACK => FailureKind::ConnectionLost,
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
        // Not now: another password would not help.
        curl_sys::CURLE_LOGIN_DENIED => {
            refused(text).filter(FailureKind::is_temporary).unwrap_or(FailureKind::LoginRequired)
        }
        curl_sys::CURLE_REMOTE_FILE_NOT_FOUND | curl_sys::CURLE_FTP_COULDNT_RETR_FILE => {
            refused(text).unwrap_or(FailureKind::FileNotFound)
        }
        curl_sys::CURLE_REMOTE_ACCESS_DENIED => refused(text).unwrap_or(FailureKind::ServerRefused(550)),
        curl_sys::CURLE_FTP_WEIRD_SERVER_REPLY
        | curl_sys::CURLE_FTP_WEIRD_PASS_REPLY
        | curl_sys::CURLE_FTP_WEIRD_PASV_REPLY
        | curl_sys::CURLE_FTP_WEIRD_227_FORMAT => refused(text).unwrap_or(FailureKind::Protocol),
        // The server cannot begin in the middle.
        curl_sys::CURLE_RANGE_ERROR | curl_sys::CURLE_BAD_DOWNLOAD_RESUME | curl_sys::CURLE_FTP_COULDNT_USE_REST => {
            FailureKind::WrongRange
        }
        curl_sys::CURLE_BAD_CONTENT_ENCODING
        | curl_sys::CURLE_CHUNK_FAILED
        | curl_sys::CURLE_FILESIZE_EXCEEDED
        | CURLE_TOO_LARGE => FailureKind::Protocol,
        CURLE_PROXY => FailureKind::Proxy,
        other => FailureKind::Internal(other),
    }
}

// The binding has no names for these.
/// Since libcurl 7.73.
const CURLE_PROXY: curl_sys::CURLcode = 97;
/// Since libcurl 8.6: header fields beyond its bounds.
const CURLE_TOO_LARGE: curl_sys::CURLcode = 100;

/// What it means that libcurl says that the time is over, and this was the last reply of a server of FTP: a 421 ends
/// the connection, whatever was asked (RFC 959 section 4.2.2), and libcurl takes each for one that came of idleness.
pub fn by_reply(reply: u16) -> Option<Failure> {
    let detail = "the server has ended the connection by the reply 421";
    (reply == 421).then(|| Failure::new(FailureKind::ServerRefused(reply), detail))
}

/// What it means that a SOCKS proxy did this, a number of libcurl's (`CURLINFO_PROXY_ERROR(3)`). A proxy that could
/// not reach the server is none that does not work. `was_offered`: it could have had a user name and a password.
pub fn by_proxy(error: c_long, was_offered: bool) -> FailureKind {
    match error {
        CURLPX_NO_AUTH if was_offered => FailureKind::ProxyLoginUnsupported,
        CURLPX_NO_AUTH | CURLPX_USER_REJECTED | CURLPX_LONG_PASSWD | CURLPX_LONG_USER => FailureKind::ProxyLogin,
        CURLPX_REPLY_NOT_ALLOWED => FailureKind::ProxyRefused,
        CURLPX_REPLY_CONNECTION_REFUSED
        | CURLPX_REPLY_HOST_UNREACHABLE
        | CURLPX_REPLY_NETWORK_UNREACHABLE
        | CURLPX_REPLY_TTL_EXPIRED => FailureKind::CannotConnect,
        CURLPX_RESOLVE_HOST => FailureKind::NameNotFound,
        _ => FailureKind::Proxy,
    }
}

// Numbers of curl/curl.h. They stand for every way a SOCKS proxy may fail; these are those that matter here.
const CURLPX_LONG_PASSWD: c_long = 10;
const CURLPX_LONG_USER: c_long = 11;
/// It takes none of what was offered: a user name and a password are only where there are some. What it would
/// take, it does not say.
const CURLPX_NO_AUTH: c_long = 12;
const CURLPX_REPLY_CONNECTION_REFUSED: c_long = 19;
const CURLPX_REPLY_HOST_UNREACHABLE: c_long = 21;
const CURLPX_REPLY_NETWORK_UNREACHABLE: c_long = 22;
const CURLPX_REPLY_NOT_ALLOWED: c_long = 23;
const CURLPX_REPLY_TTL_EXPIRED: c_long = 24;
const CURLPX_RESOLVE_HOST: c_long = 27;
const CURLPX_USER_REJECTED: c_long = 33;

/// A three-digit reply of the 4yz or 5yz class in libcurl's text, which may name the one that was expected, too.
fn refused(text: &str) -> Option<FailureKind> {
    let mut numbers = text.split([' ', ':']).filter_map(|word| word.parse::<u16>().ok());
    numbers.find(|number| (400..600).contains(number)).map(FailureKind::ServerRefused)
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
    fn a_full_server_is_no_wrong_one_and_wants_no_log_in() {
        // The words are those of lib/ftp.c in libcurl 7.88 and 8.x.
        for (code, text, reply) in [
            (8, "Got a 450 ftp-server response when 220 was expected", 450),
            (8, "Got a 530 ftp-server response when 220 was expected", 530),
            (11, "ACCT rejected by server: 532", 532),
            (13, "Bad PASV/EPSV response: 425", 425),
            (67, "Access denied: 430", 430),
            (67, "Access denied: 450", 450),
        ] {
            assert_eq!(kind(code, text), FailureKind::ServerRefused(reply), "{text}");
        }
        assert_eq!(kind(67, "Access denied: 530"), FailureKind::LoginRequired);
        assert_eq!(kind(67, "Authentication failure"), FailureKind::LoginRequired);
        assert_eq!(kind(8, "Got a 120 ftp-server response when 220 was expected"), FailureKind::Protocol);
    }

    #[test]
    fn what_a_server_says_wrong_is_not_blamed_on_the_address_or_the_way() {
        assert_eq!(kind(1, "Received HTTP/0.9 when not allowed"), FailureKind::Protocol);
        assert_eq!(kind(1, "Protocol \"scp\" not supported or disabled in libcurl"), FailureKind::UnsupportedScheme);
        assert_eq!(kind(56, "Malformed encoding found in chunked-encoding"), FailureKind::Protocol);
        assert_eq!(kind(56, "Recv failure: Connection reset by peer"), FailureKind::ConnectionLost);
        assert_eq!(kind(61, "Unrecognized content encoding type."), FailureKind::UninvitedEncoding);
        assert_eq!(kind(61, "incorrect data check"), FailureKind::Protocol);
        assert_eq!(kind(100, "Too large response headers"), FailureKind::Protocol);
    }

    #[test]
    fn what_a_proxy_says_of_a_tunnel_is_not_taken_for_a_lost_connection() {
        for text in ["CONNECT tunnel failed, response 407", "Received HTTP code 407 from proxy after CONNECT"] {
            assert_eq!(kind(56, text), FailureKind::ProxyLogin, "{text}");
        }
        assert_eq!(kind(56, "CONNECT tunnel failed, response 403"), FailureKind::ProxyRefused);
        assert_eq!(kind(56, "CONNECT tunnel failed, response 502"), FailureKind::Proxy);
    }

    #[test]
    fn the_text_of_the_error_buffer_is_kept() {
        let mut error = curl::Error::new(7);
        error.set_extra("Failed to connect to h port 1".into());
        let failure = from_curl(&error, None);
        assert_eq!(failure.kind, FailureKind::CannotConnect);
        assert!(failure.detail.contains("port 1"), "{}", failure.detail);
    }

    #[test]
    fn a_key_that_is_not_known_says_how_to_get_to_know_it() {
        let url = Url::parse("sftp://ann:secret@h:2022/f").unwrap();
        let failure = from_curl(&curl::Error::new(60), Some(&url));
        assert_eq!(failure.kind, FailureKind::HostKey);
        assert!(failure.detail.contains("“ssh -p 2022 ann@h”"), "{}", failure.detail);
        assert!(!failure.detail.contains("secret"), "{}", failure.detail);
        let https = Url::parse("https://h/f").unwrap();
        assert_eq!(from_curl(&curl::Error::new(60), Some(&https)).kind, FailureKind::Certificate);
    }

    #[test]
    fn a_broken_ssh_connection_is_tried_again() {
        let url = Url::parse("sftp://h/f").unwrap();
        for code in [2, 42, 79] {
            assert!(from_curl(&curl::Error::new(code), Some(&url)).kind.is_temporary(), "{code}");
        }
        assert_eq!(from_curl(&curl::Error::new(2), None).kind, FailureKind::Internal(2));
    }
}
