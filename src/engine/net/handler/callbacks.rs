// SPDX-License-Identifier: GPL-3.0-or-later
//! The callbacks as libcurl knows them, each of them guarded.

use std::os::fd::{IntoRawFd, OwnedFd};

use curl::easy::WriteError;
use socket2::Socket;

use super::{Judged, TransferHandler};
use crate::engine::types::Speed;

impl curl::easy::Handler for TransferHandler {
    fn header(&mut self, data: &[u8]) -> bool {
        self.guarded(false, |this| this.on_header(data))
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, WriteError> {
        self.guarded(Ok(0), |this| this.on_body(data))
    }

    fn open_socket(&mut self, family: i32, kind: i32, protocol: i32) -> Option<curl_sys::curl_socket_t> {
        self.guarded(None, |this| {
            this.resolved = true;
            if this.abandoned {
                return None;
            }
            // Like the binding's own: libcurl's would not be closed on exec.
            let socket = Socket::new(family.into(), kind.into(), Some(protocol.into())).ok()?;
            if this.url().is_some_and(|url| url.scheme() == "sftp") {
                this.ssh = socket.try_clone().ok();
            }
            let pace = this.gate.limiter.borrow().pace(this.id, Speed(0));
            let fd = OwnedFd::from(socket).into_raw_fd();
            this.gate.windows.borrow_mut().opened(fd, pace);
            // With FTP the last one is that of the data.
            this.socket = Some(fd);
            Some(fd)
        })
    }

    /// Called for protocols in which libcurl waits inside a call for the server to answer. While a
    /// file comes our turn is over after a few milliseconds: here it waits, and is told to give up.
    fn progress(&mut self, _: f64, _: f64, _: f64, _: f64) -> bool {
        self.guarded(false, |this| {
            let waits =
                matches!(this.judged, Judged::Taken | Judged::Enough) && this.gate.is_overdue(this.gate.clock.now());
            if waits {
                this.hang_up();
            }
            !waits
        })
    }
}
