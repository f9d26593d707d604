// SPDX-License-Identifier: GPL-3.0-or-later
//! What the engine asks of the network and what the network tells.
//!
//! | question | file |
//! |---|---|
//! | how is libcurl driven on the main loop? | `driver.rs`, with `sockets.rs` and `round.rs` |
//! | what happens with each byte of an answer? | `handler.rs`, `decode.rs`, `sink.rs`, `memory.rs` |
//! | what do we send? | `request.rs` |
//! | through which proxy? | `proxied.rs` |
//! | who follows redirects, and what is told there? | `handler/redirects.rs` |
//! | how much may a server send ahead? | `window.rs` |
//! | may these bytes be taken? | `proof.rs`, reading `headers.rs`; `framing.rs` |
//! | what does an error mean? | `failure.rs` |
//! | how did it come about, and how long did each step take? | `contact.rs` |
//! | the unsafe code | `raw.rs` |

pub mod contact;
mod decode;
pub mod driver;
pub mod failure;
mod framing;
mod gate;
mod handler;
mod head;
pub mod headers;
mod idle;
mod memory;
pub mod proof;
pub mod proxied;
mod raw;
pub mod request;
mod round;
pub mod sink;
mod sockets;
pub mod version;
mod window;

use std::time::{Duration, SystemTime};

pub use raw::{keep_freed_memory, wait_for_a_core};
use url::Url;

use super::download::spec::Manners;
use super::error::Failure;
use super::types::{ByteRange, DownloadId, Moment, PartId, Speed, TransferId};
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

    /// End it. What came is handed to the disk before this returns; no event of it follows. Answers
    /// the offset behind the last byte that was handed over; `None` if nothing was.
    fn cancel(&self, id: TransferId) -> Option<u64>;

    /// Sets how far the transfer goes: less far because somebody else fetches what lies behind, or
    /// further, up to the end of its body, because nobody does. It is complete when it has come so far,
    /// at once if it has already; bytes beyond `end` are not taken.
    fn set_end(&self, id: TransferId, end: u64);

    /// Blocks came back to the disk's pool: transfers that waited for one go on.
    fn room(&self);

    /// Hand over what waits in blocks that fill up slowly. Called about once a second, so that what
    /// came is soon durable, and idle transfers keep no memory.
    fn flush(&self);

    /// How the transfer is doing; `None` once it has ended.
    fn vitals(&self, id: TransferId) -> Option<Vitals>;

    /// What its connection shows of the line to us; nothing where nobody can tell.
    fn line(&self, _id: TransferId) -> Line {
        Line::default()
    }

    /// Most bytes a second over all transfers, from now on.
    fn set_rate(&self, rate: Option<Speed>);

    /// Most bytes a second over the transfers of one download, whether or not there are any now;
    /// `None`: no limit of its own, and nothing is kept for it any more.
    fn set_download_rate(&self, download: DownloadId, rate: Option<Speed>);

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
    /// Whose limit it counts towards.
    pub download: DownloadId,
    pub url: Url,
    pub manners: Manners,
    pub asked: Asked,
    pub body: Body,
    /// The part that will probably be attached.
    pub part: Option<PartId>,
    /// Bytes that are here already, with which the range that was asked for has to begin: they are not
    /// written again, and of a body that begins otherwise nothing is.
    pub overlap: Vec<u8>,
    /// How long connecting may take; silence later is watched by the engine.
    pub connect_timeout: Duration,
}

/// Where the body of an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// To the part file that is attached: [`TransferEvent::Answered`], then [`TransferEvent::Ended`].
    Part,
    /// To memory, for something small that is read, not kept: [`TransferEvent::Fetched`], a failure
    /// if it has more bytes than this.
    Memory { most: usize },
    /// Nowhere, only the head is wanted: [`TransferEvent::Fetched`], without a byte. `by_get`: HTTP is asked for
    /// all of it, and the transfer ends when the body begins, as it does for other protocols.
    Head { by_get: bool },
}

/// Which bytes are asked for and what is known of the file: what an answer is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The bytes wanted; `None` asks for the whole file, without a Range field.
    pub range: Option<ByteRange>,
    /// The file's length, where it is known from an earlier answer.
    pub total: Option<u64>,
    /// How long the file has to be, where somebody else told: nothing beyond it is taken.
    pub size: Option<u64>,
    /// What the answer must carry to speak of the same file, where that is known: sent as If-Range.
    pub validator: Option<Validator>,
    /// When the file was last changed, where that is known and the source has to agree.
    pub modified: Option<SystemTime>,
    /// The answer must carry this validator itself: another server than the one it is known from proves
    /// nothing by leaving it out.
    pub is_strict: bool,
    /// Take a compressed answer and undo the compression: only after a server has compressed
    /// uninvited, since such an answer cannot be resumed.
    pub decode: bool,
}

/// How a running transfer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Bytes of the body that came in this transfer.
    pub received: u64,
    /// The offset in the file behind the last byte taken; `None` before the answer has proven itself.
    pub next: Option<u64>,
    /// The offset behind the last byte of the body, where that is known: so far it could go.
    pub end: Option<u64>,
    /// When something last came from the server (the start counts).
    pub last_sign: Moment,
    /// It is us who do not read at present (disk, rate limit), so silence says nothing.
    pub held: bool,
}

/// What the line from a server to us is like, as far as its kernel end here can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Packets were lost on it.
    pub is_lossy: bool,
    /// They wait for each other: no more fits on it, and what does not fit is lost.
    pub is_full: bool,
}

impl From<raw::Connection> for Line {
    fn from(connection: raw::Connection) -> Self {
        // The handshake finds no queue of its own making; below a quarter more is the jitter of a line that is not full.
        let is_full = connection.round_trip_back * 4 > connection.round_trip * 5;
        Self { is_lossy: connection.out_of_order > 0, is_full }
    }
}

/// What a transfer tells.
#[derive(Clone, Debug)]
pub enum TransferEvent {
    /// The answer has proven itself; its body follows.
    Answered { id: TransferId, answer: Box<Answer> },
    /// It is over, as `curl_multi_info_read` said. `end` is the offset behind the last byte that was
    /// handed to the disk, failed or not; `None` if nothing was.
    Ended { id: TransferId, end: Option<u64>, result: Result<(), Failure> },
    /// A transfer to memory is over.
    Fetched { id: TransferId, result: Result<Fetched, Failure> },
}

/// What a transfer to memory brought.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub answer: Box<Answer>,
    pub bytes: Vec<u8>,
}
