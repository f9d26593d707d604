// SPDX-License-Identifier: GPL-3.0-or-later
//! What it means that libcurl failed, by all that is known of the transfer.

use super::{Judged, TransferHandler};
use crate::engine::error::{Failure, FailureKind};
use crate::engine::net::failure;
use crate::engine::net::raw::EasyRef;

impl TransferHandler {
    pub(super) fn failure(&self, error: &curl::Error) -> Failure {
        if matches!(self.judged, Judged::NotYet) && error.is_out_of_memory() {
            // What libcurl before 8.6 says of a line that is longer than its bound.
            let detail = format!("a line of the header fields is larger than 100 KiB (libcurl {})", error.code());
            return Failure::new(FailureKind::Protocol, detail);
        }
        let mut failure = failure::from_curl(error, self.url().as_ref());
        if let Some(easy) = self.easy.filter(|_| failure.kind == FailureKind::Proxy) {
            failure.kind = failure::by_proxy(easy.proxy_error(), self.has_proxy_login);
        }
        let infos = self.easy.filter(|_| failure.kind == FailureKind::Silence).map(EasyRef::infos);
        if let Some(refusal) = infos.filter(|infos| !infos.is_http).and_then(|infos| failure::by_reply(infos.status)) {
            failure = refusal;
        }
        match failure.kind {
            // An FTP server may be one that HTTP redirected to.
            FailureKind::LoginRequired if self.head.is_from_elsewhere(self.url().as_ref()) => {
                failure.kind = FailureKind::LoginElsewhere;
            }
            // libcurl hands over the head of the proxy's answer as well. SOCKS has none.
            FailureKind::ProxyLogin if self.head.status == 407 && !self.head.takes_password() => {
                failure.kind = FailureKind::ProxyLoginUnsupported;
            }
            FailureKind::ProxyLogin => failure.realm = self.head.realm(),
            _ => {}
        }
        failure
    }
}
