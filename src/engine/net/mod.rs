// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine asks of the network and what the network tells.
//!
//! | question | file |
//! |---|---|
//! | how is libcurl driven on the main loop? | `driver.rs`, with `sockets.rs` and `round.rs` |
//! | what happens with each byte of an answer? | `handler.rs`, `sink.rs` |
//! | what do we send? | `request.rs` |
//! | may these bytes be taken? | `proof.rs`, reading `headers.rs` |
//! | what does an error mean? | `failure.rs` |
//! | the unsafe code | `raw.rs` |

pub mod driver;
pub mod failure;
mod gate;
mod handler;
pub mod headers;
pub mod proof;
mod raw;
mod request;
mod round;
pub mod sink;
mod sockets;
pub mod version;

use std::time::Duration;

use url::Url;

use super::download::spec::Manners;
use super::error::Failure;
use super::types::{Moment, PartId, Speed, TransferId};
use headers::Validator;
use proof::Answer;

/// The priority of everything the engine does on the main loop: below GDK's redraw (120, see
/// `GDK_PRIORITY_REDRAW`), so that a frame that is due is drawn first, above idle (200).
pub const PRIORITY: i32 = 130;

/// [`PRIORITY`] as GLib's type, which has no constant constructor.
pub fn priority() -> glib::Priority {
    PRIORITY.into()
}

/// The network as the engine sees it: libcurl, or in tests a script.
pub trait Transport {
    /// Ask a server. What comes of it is told by events, never from inside this call.
    fn start(&self, id: TransferId, request: Request);

    /// Where the body of this transfer goes; called once its `Answered` came. Until then the
    /// transfer keeps what fits into one block, and waits.
    fn attach(&self, id: TransferId, part: PartId);

    /// End it. What came is handed to the disk before this returns; no event of it follows.
    fn cancel(&self, id: TransferId);

    /// Blocks came back to the disk's pool: transfers that waited for one go on.
    fn room(&self);

    /// Hand over what waits in blocks that fill up slowly. Called about once a second, so that what
    /// came is soon durable, and idle transfers keep no memory.
    fn flush(&self);

    /// How the transfer is doing; `None` once it has ended.
    fn vitals(&self, id: TransferId) -> Option<Vitals>;

    fn set_rate(&self, rate: Option<Speed>);

    /// Takes what happened since the last call, in order.
    fn events(&self) -> Vec<TransferEvent>;

    /// What to call, from the main loop, when there are events.
    fn on_events(&self, ready: Box<dyn Fn()>);

    /// End everything: sources first, then transfers, then the multi handle.
    fn stop(&self);
}

/// What to ask a server for.
#[derive(Clone, Debug)]
pub struct Request {
    pub url: Url,
    pub manners: Manners,
    pub asked: Asked,
    /// How long connecting may take; silence later is watched by the engine.
    pub connect_timeout: Duration,
}

/// Which bytes are asked for and what is known of the file: what an answer is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The first byte wanted; 0 asks for the whole file, without a Range field.
    pub from: u64,
    /// The file's length, where it is known from an earlier answer.
    pub total: Option<u64>,
    pub validator: Option<Validator>,
    /// Take a compressed answer and undo the compression: only after a server has compressed
    /// uninvited, since such an answer can not be resumed.
    pub decode: bool,
}

/// How a running transfer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Bytes of the body that came in this transfer.
    pub received: u64,
    /// When something last came from the server (the start counts).
    pub last_sign: Moment,
    /// It is us who do not read at present (disk, rate limit), so silence says nothing.
    pub held: bool,
}

/// What a transfer tells.
#[derive(Clone, Debug)]
pub enum TransferEvent {
    /// The answer has proven itself; its body follows.
    Answered { id: TransferId, answer: Box<Answer> },
    /// It is over, as `curl_multi_info_read` said. `Ok` holds the offset behind its last byte; all
    /// bytes up to there were given to the disk.
    Ended { id: TransferId, result: Result<u64, Failure> },
}
