// SPDX-License-Identifier: GPL-3.0-or-later
//! The only file with unsafe code: options and infos of libcurl that the curl crate lacks, and what no other crate asks
//! the C library or the kernel. Each function says why its call is sound.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_long};
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

use curl::easy::{Easy2, Handler};
use curl::multi::Easy2Handle;
use glib::SourceId;
use glib::translate::ToGlibPtr;

use super::contact::Times;

// Numbers of curl/curl.h that curl-sys has no names for.
const CURLOPT_SOCKS5_AUTH: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_LONG + 267;
const CURLOPT_PROTOCOLS_STR: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_OBJECTPOINT + 318;
const CURLOPT_REDIR_PROTOCOLS_STR: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_OBJECTPOINT + 319;
const CURLOPT_QUICK_EXIT: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_LONG + 322;
const CURLSSH_AUTH_PUBLICKEY: c_long = 1 << 0;
const CURLSSH_AUTH_PASSWORD: c_long = 1 << 1;
const CURLSSH_AUTH_KEYBOARD: c_long = 1 << 3;
const CURLSSH_AUTH_AGENT: c_long = 1 << 4;
const CURLINFO_STRING: curl_sys::CURLINFO = 0x0010_0000;
const CURLINFO_SCHEME: curl_sys::CURLINFO = CURLINFO_STRING + 49;
const CURLINFO_LONG: curl_sys::CURLINFO = 0x0020_0000;
const CURLINFO_HTTP_VERSION: curl_sys::CURLINFO = CURLINFO_LONG + 46;
/// Since 7.73.
const CURLINFO_PROXY_ERROR: curl_sys::CURLINFO = CURLINFO_LONG + 59;
const CURLINFO_OFF_T: curl_sys::CURLINFO = 0x0060_0000;
const CURLINFO_FILETIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 14;
const CURLINFO_CONTENT_LENGTH_DOWNLOAD_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 15;
const CURLINFO_NAMELOOKUP_TIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 51;
const CURLINFO_CONNECT_TIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 52;
const CURLINFO_PRETRANSFER_TIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 53;
const CURLINFO_STARTTRANSFER_TIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 54;
const CURLINFO_APPCONNECT_TIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 56;

/// Allows only these schemes, comma separated, for the first request and for redirects
/// (`CURLOPT_PROTOCOLS_STR(3)`, since 7.85).
pub fn set_protocols<H: Handler>(easy: &Easy2<H>, first: &CStr, redirects: &CStr) -> Result<(), curl::Error> {
    set_text(easy, CURLOPT_PROTOCOLS_STR, first)?;
    set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, redirects)
}

/// Sets a text that the binding has no function for: one of libcurl's options that take a string.
fn set_text<H: Handler>(easy: &Easy2<H>, option: curl_sys::CURLoption, value: &CStr) -> Result<(), curl::Error> {
    // SAFETY: the handle is alive as long as `easy` is borrowed; the callers below name options that
    // take a pointer to a string, which libcurl copies before it returns.
    check(unsafe { curl_sys::curl_easy_setopt(easy.raw(), option, value.as_ptr()) })
}

/// Takes only servers whose key is in this file, in the format of OpenSSH (`CURLOPT_SSH_KNOWNHOSTS(3)`).
pub fn set_known_hosts<H: Handler>(easy: &Easy2<H>, file: &CStr) -> Result<(), curl::Error> {
    set_text(easy, curl_sys::CURLOPT_SSH_KNOWNHOSTS, file)
}

/// Logs in with the key in this file (`CURLOPT_SSH_PRIVATE_KEYFILE(3)`).
pub fn set_private_key<H: Handler>(easy: &Easy2<H>, file: &CStr) -> Result<(), curl::Error> {
    set_text(easy, curl_sys::CURLOPT_SSH_PRIVATE_KEYFILE, file)
}

/// The ways to log in by SSH that may be tried (`CURLOPT_SSH_AUTH_TYPES(3)`): the user's keys and
/// agent, with a password also that.
pub fn set_ssh_logins<H: Handler>(easy: &Easy2<H>, with_password: bool) -> Result<(), curl::Error> {
    let passwords = if with_password { CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD } else { 0 };
    let logins: c_long = CURLSSH_AUTH_PUBLICKEY | CURLSSH_AUTH_AGENT | passwords;
    // SAFETY: the handle is alive as long as `easy` is borrowed; the option takes a long.
    check(unsafe { curl_sys::curl_easy_setopt(easy.raw(), curl_sys::CURLOPT_SSH_AUTH_TYPES, logins) })
}

/// Offers a SOCKS5 proxy a user name and a password alone (`CURLOPT_SOCKS5_AUTH(3)`). The other way that libcurl
/// knows, GSSAPI, it goes in one call, however long the proxy takes.
pub fn set_socks_logins<H: Handler>(easy: &Easy2<H>) -> Result<(), curl::Error> {
    let passwords = curl_sys::CURLAUTH_BASIC as c_long;
    // SAFETY: the handle is alive as long as `easy` is borrowed; the option takes a long.
    check(unsafe { curl_sys::curl_easy_setopt(easy.raw(), CURLOPT_SOCKS5_AUTH, passwords) })
}

/// Lets a removal skip the wait for a name lookup (`CURLOPT_QUICK_EXIT(3)`, since 7.87). The lookup
/// thread ends by itself later. Older versions do not know it.
pub fn set_quick_exit<H: Handler>(handle: &Easy2Handle<H>) -> Result<(), curl::Error> {
    let on: c_long = 1;
    // SAFETY: the handle is alive as long as `handle` is borrowed; the option takes a long.
    check(unsafe { curl_sys::curl_easy_setopt(handle.raw(), CURLOPT_QUICK_EXIT, on) })
}

/// Keeps what was freed for what is asked for next, instead of giving it back to the kernel, which clears it each
/// time: libcurl takes a buffer for each transfer, and each small file is one (mallopt(3)).
pub fn keep_freed_memory() {
    const KEPT: c_int = 4 << 20;
    /// Beyond it the kernel is asked each time.
    const LARGE: c_int = 1 << 19;
    // SAFETY: both only set a number that the allocator goes by.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// From now on this thread, once woken, does not take a core from who is at work, but waits for a free one or for its
/// turn, which is as long as before (`SCHED_BATCH` of sched(7)). So do threads that it starts.
pub fn wait_for_a_core() {
    // SAFETY: a struct of integers, for which zeros are values, and the only ones that this policy takes; the kernel
    // reads it. 0 is the thread that asks.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &std::mem::zeroed()) };
    if result != 0 {
        // It works as well, only less evenly.
        tracing::debug!("a thread may interrupt others: {}", std::io::Error::last_os_error());
    }
}

/// The easy handle that a handler belongs to, for questions from inside its callbacks.
#[derive(Clone, Copy, Debug)]
pub struct EasyRef(*mut curl_sys::CURL);

impl EasyRef {
    /// Of the handle that owns the handler which keeps this; see [`EasyRef::infos`].
    pub fn of<H: Handler>(easy: &Easy2<H>) -> Self {
        Self(easy.raw())
    }

    /// What libcurl knows of the answer that is being delivered.
    ///
    /// Only the handler of this very handle keeps an `EasyRef`, and it is dropped with the handle;
    /// `curl_easy_getinfo` is allowed in callbacks.
    pub fn infos(self) -> Infos {
        Infos {
            status: u16::try_from(self.long(curl_sys::CURLINFO_RESPONSE_CODE)).unwrap_or_default(),
            length: u64::try_from(self.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)).ok(),
            filetime: u64::try_from(self.offset(CURLINFO_FILETIME_T)).ok(),
            url: self.text(curl_sys::CURLINFO_EFFECTIVE_URL),
            is_http: self.text(CURLINFO_SCHEME).is_none_or(|scheme| is_http(scheme.to_bytes())),
        }
    }

    /// The ports of its connection, ours and the server's, which tell whose socket it is: libcurl
    /// names the socket itself (`CURLINFO_ACTIVESOCKET(3)`) only after the transfer; see
    /// [`EasyRef::infos`].
    pub fn ports(self) -> (u16, u16) {
        let port = |info| u16::try_from(self.long(info)).unwrap_or_default();
        (port(curl_sys::CURLINFO_LOCAL_PORT), port(curl_sys::CURLINFO_PRIMARY_PORT))
    }

    /// The version that HTTP was spoken in (`CURLINFO_HTTP_VERSION(3)`); see [`EasyRef::infos`].
    pub fn http_version(self) -> Option<&'static str> {
        match self.long(CURLINFO_HTTP_VERSION) {
            1 => Some("HTTP/1.0"),
            2 => Some("HTTP/1.1"),
            3 => Some("HTTP/2"),
            30 | 31 => Some("HTTP/3"),
            _ => None,
        }
    }

    /// What exactly a SOCKS proxy did (`CURLINFO_PROXY_ERROR(3)`); see [`EasyRef::infos`].
    pub fn proxy_error(self) -> c_long {
        self.long(CURLINFO_PROXY_ERROR)
    }

    /// The address of the other machine; see [`EasyRef::infos`].
    pub fn peer(self) -> Option<String> {
        Some(self.text(curl_sys::CURLINFO_PRIMARY_IP)?.to_string_lossy().into_owned())
    }

    /// Whether no connection had to be made (`CURLINFO_NUM_CONNECTS(3)`); see [`EasyRef::infos`].
    pub fn is_reused(self) -> bool {
        self.long(curl_sys::CURLINFO_NUM_CONNECTS) == 0
    }

    /// When each step was over; see [`EasyRef::infos`].
    pub fn times(self) -> Times {
        let time = |info| Duration::from_micros(u64::try_from(self.offset(info)).unwrap_or_default());
        Times {
            lookup: time(CURLINFO_NAMELOOKUP_TIME_T),
            connect: time(CURLINFO_CONNECT_TIME_T),
            agree: time(CURLINFO_APPCONNECT_TIME_T),
            request: time(CURLINFO_PRETRANSFER_TIME_T),
            answer: time(CURLINFO_STARTTRANSFER_TIME_T),
        }
    }

    fn long(self, info: curl_sys::CURLINFO) -> c_long {
        let mut value: c_long = 0;
        // SAFETY: the handle is alive (see `infos`); infos of this class are written as one long.
        let code = unsafe { curl_sys::curl_easy_getinfo(self.0, info, &raw mut value) };
        if code == curl_sys::CURLE_OK { value } else { 0 }
    }

    fn offset(self, info: curl_sys::CURLINFO) -> i64 {
        let mut value: i64 = -1;
        // SAFETY: the handle is alive (see `infos`); infos of this class are written as one
        // curl_off_t, which is 64 bits wide on every platform.
        let code = unsafe { curl_sys::curl_easy_getinfo(self.0, info, &raw mut value) };
        if code == curl_sys::CURLE_OK { value } else { -1 }
    }

    fn text(self, info: curl_sys::CURLINFO) -> Option<CString> {
        let mut value: *const c_char = std::ptr::null();
        // SAFETY: the handle is alive (see `infos`); infos of this class are written as one pointer,
        // null or to a string that libcurl keeps until the next transfer. It is copied at once.
        unsafe {
            let code = curl_sys::curl_easy_getinfo(self.0, info, &raw mut value);
            (code == curl_sys::CURLE_OK && !value.is_null()).then(|| CStr::from_ptr(value).to_owned())
        }
    }
}

/// See [`EasyRef::infos`].
#[derive(Debug)]
pub struct Infos {
    /// The HTTP status or the last reply code of another protocol.
    pub status: u16,
    /// Bytes that the body will have.
    pub length: Option<u64>,
    /// Seconds since 1970.
    pub filetime: Option<u64>,
    /// The address after redirects.
    pub url: Option<CString>,
    /// It came by HTTP (`CURLINFO_SCHEME(3)`), which is not always what the address says: a proxy of HTTP is
    /// asked for an address of FTP in its own words, and answers in these.
    pub is_http: bool,
}

/// Versions of libcurl write the scheme in capitals or not.
fn is_http(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
}

/// Keeps a TCP socket from taking in more than about `size` bytes ahead of its reader (the kernel has
/// a least size of its own, of about a kilobyte). `connected`: also offer no more than that from now
/// on; before the connection is made this would narrow it for its whole life (tcp(7)).
pub fn narrow_window(fd: RawFd, size: usize, offer: Option<usize>) -> bool {
    let number = |size: usize| c_int::try_from(size).unwrap_or(c_int::MAX);
    let is_set = set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, number(size));
    if is_set && let Some(offer) = offer {
        // What it refuses is only less exact.
        narrow_offer(fd, offer);
    }
    is_set
}

/// From now on offers the other side no more than so many bytes at a time, and keeps the buffer.
pub fn narrow_offer(fd: RawFd, offer: usize) -> bool {
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_WINDOW_CLAMP, c_int::try_from(offer).unwrap_or(c_int::MAX))
}

/// The size of a socket's receive buffer in bytes, as the kernel counts: about twice what fits into it.
pub fn buffer(fd: RawFd) -> Option<usize> {
    let (mut size, mut length): (c_int, _) = (0, size_of::<c_int>() as libc::socklen_t);
    // SAFETY: the kernel writes one int, and checks the descriptor.
    let result =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, (&raw mut size).cast(), &raw mut length) };
    usize::try_from(size).ok().filter(|_| result == 0)
}

/// Undoes [`narrow_window`]: the kernel decides again how large the buffer is. Before Linux 5.14 it
/// cannot be made to, and the buffer stays as large as `net.core.rmem_max` lets it be.
pub fn widen_window(fd: RawFd) {
    const LARGE: c_int = 4 << 20;
    /// Of asm-generic/socket.h: which buffers the program has decided on.
    const SO_BUF_LOCK: c_int = 72;
    set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, LARGE);
    set_option(fd, libc::SOL_SOCKET, SO_BUF_LOCK, 0);
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_WINDOW_CLAMP, 1 << 30);
}

fn set_option(fd: RawFd, level: c_int, name: c_int, value: c_int) -> bool {
    // SAFETY: the kernel reads one int, and checks the descriptor and all else.
    let result =
        unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), size_of::<c_int>() as libc::socklen_t) };
    result == 0
}

/// A descriptor that libcurl owns, for one call, which answers by an error if it has been closed.
pub fn borrowed(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: libcurl hands out no -1; the callers make one system call with it and keep nothing.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// The ports of a TCP socket's ends, ours and the other; `None` if it is none, or not connected.
pub fn ports(fd: RawFd) -> Option<(u16, u16)> {
    let fd = borrowed(fd);
    let socket = socket2::SockRef::from(&fd);
    let port = |address: std::io::Result<socket2::SockAddr>| Some(address.ok()?.as_socket()?.port());
    Some((port(socket.local_addr())?, port(socket.peer_addr())?))
}

/// What the kernel knows of a connection (`TCP_INFO` of tcp(7)); zeros if it knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection {
    /// How long a segment to the other side and its acknowledgement take.
    pub round_trip: Duration,
    /// The size of the segments that come, in bytes.
    pub segment: usize,
    /// How many segments came before one that was sent earlier, as they do where that one was lost.
    pub out_of_order: u32,
    /// How long it takes until what is acknowledged has its answer, as the segments that come show it: longer than
    /// `round_trip` by what they wait in queues. Zero as long as nobody knows.
    pub round_trip_back: Duration,
}

pub fn connection(fd: RawFd) -> Connection {
    // SAFETY: a struct of integers, for which zeros are values.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes of the struct, and checks the descriptor.
    let result =
        unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut length) };
    if result != 0 {
        return Connection::default();
    }
    Connection {
        round_trip: Duration::from_micros(info.tcpi_rtt.into()),
        segment: usize::try_from(info.tcpi_rcv_mss).unwrap_or_default(),
        out_of_order: info.tcpi_rcv_ooopack,
        round_trip_back: Duration::from_micros(info.tcpi_rcv_rtt.into()),
    }
}

/// Ends a connection in both directions, and leaves its descriptor to whom it belongs.
pub fn shut_down(fd: RawFd) {
    let fd = borrowed(fd);
    if let Err(error) = socket2::SockRef::from(&fd).shutdown(std::net::Shutdown::Both) {
        tracing::debug!("it was over already: {error}");
    }
}

/// Leaves a source's descriptors in the set that is polled while it is dispatched. GLib takes them out
/// and puts them back otherwise, so that a main loop inside the callback would not dispatch it again, and
/// writes to its own wake-up descriptor each time: two more system calls and one more round of the loop
/// for each event. Only for sources in whose callbacks no main loop is run.
pub fn keep_polled(source: &SourceId) {
    let Some(source) = glib::MainContext::default().find_source_by_id(source) else { return };
    // SAFETY: `source` is a reference to a source that is alive, on the thread that runs its context.
    unsafe { glib::ffi::g_source_set_can_recurse(source.to_glib_none().0, glib::ffi::GTRUE) };
}

/// Those of these sockets on which something came or that are over, by one question to the kernel. All
/// of them if it cannot tell.
pub fn readable(fds: impl Iterator<Item = RawFd>) -> Vec<RawFd> {
    let mut questions: Vec<_> = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect();
    if questions.is_empty() {
        return Vec::new();
    }
    // SAFETY: the kernel reads and writes the structs of the vector, of which there are so many, and
    // checks the descriptors; it does not wait.
    let result = unsafe { libc::poll(questions.as_mut_ptr(), questions.len() as libc::nfds_t, 0) };
    questions.into_iter().filter(|question| result < 0 || question.revents != 0).map(|question| question.fd).collect()
}

/// How many bytes lie in a socket's receive buffer.
pub fn unread(fd: RawFd) -> Option<usize> {
    let mut count: c_int = 0;
    // SAFETY: the kernel writes one int, and checks the descriptor.
    let result = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut count) };
    usize::try_from(count).ok().filter(|_| result == 0)
}

fn check(code: curl_sys::CURLcode) -> Result<(), curl::Error> {
    if code == curl_sys::CURLE_OK { Ok(()) } else { Err(curl::Error::new(code)) }
}
