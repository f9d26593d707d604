// SPDX-License-Identifier: GPL-3.0-or-later
//! One connection: reads requests, sends their answers with all that is to go wrong, keeps the record.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::answer::{Answer, Ending, Framing};
use super::{Request, Shared};

const PIECE: u64 = 64 * 1024;

/// How often a slow body sends a little.
const DRIP: Duration = Duration::from_millis(20);

/// Serves a connection to its end. That the other side went away is ordinary and ends it quietly.
pub(super) fn serve(mut stream: TcpStream, number: usize, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    while let Ok(Some(request)) = Request::read(&mut stream, number) {
        let (index, request) = shared.record(request);
        let answer = shared.answer(&request);
        shared.update(index, |seen| seen.status = answer.status);
        let ending = send(&mut stream, &answer, &request, index, shared);
        shared.update(index, |seen| seen.over = true);
        match ending {
            Ok(Ending::KeepAlive) => {}
            Ok(Ending::Close) => {
                // Nothing may be left unread, or the close would be a reset.
                let _ = stream.shutdown(Shutdown::Write);
                break;
            }
            Ok(Ending::Reset) | Err(_) => break,
        }
    }
}

fn send(
    stream: &mut TcpStream,
    answer: &Answer,
    request: &Request,
    index: usize,
    shared: &Shared,
) -> io::Result<Ending> {
    if answer.ending != Ending::Reset {
        Request::finish(stream)?;
    }
    shared.still(answer.silence)?;
    send_head(stream, answer, shared)?;
    if request.method == "HEAD" || matches!(answer.status, 204 | 304) {
        return Ok(answer.ending);
    }
    let len = answer.body.len();
    let end = answer.cut.map_or(len, |cut| cut.min(len));
    let mut stall = answer.stall;
    let mut buffer = vec![0; PIECE.min(end.max(1)) as usize];
    let begin = Instant::now();
    let mut sent = 0;
    while sent < end {
        if let Some((_, time)) = stall.take_if(|(at, _)| *at <= sent) {
            shared.still(time)?;
        }
        let mut take = (end - sent).min(PIECE);
        if let Some((at, _)) = stall {
            take = take.min(at - sent);
        }
        if let Some(rate) = answer.rate {
            shared.still((begin + Duration::from_secs_f64(sent as f64 / rate as f64)) - Instant::now())?;
            take = take.min((rate as f64 * DRIP.as_secs_f64()).max(1.0) as u64);
        }
        let piece = &mut buffer[..take as usize];
        answer.body.copy(sent, piece);
        if sent + take == len && stall.is_none() {
            // Before the write: who has all may ask again before this thread runs once more.
            shared.update(index, |seen| seen.over = true);
        }
        if answer.framing == Framing::Chunked {
            write!(stream, "{take:x}\r\n")?;
            stream.write_all(piece)?;
            stream.write_all(b"\r\n")?;
        } else {
            stream.write_all(piece)?;
        }
        sent += take;
        shared.update(index, |seen| seen.sent = sent);
    }
    if let Some((_, time)) = stall.filter(|(at, _)| *at <= sent) {
        shared.still(time)?;
    }
    if answer.framing == Framing::Chunked && answer.cut.is_none() {
        stream.write_all(b"0\r\n\r\n")?;
    }
    stream.write_all(&answer.postscript)?;
    Ok(answer.ending)
}

fn send_head(stream: &mut TcpStream, answer: &Answer, shared: &Shared) -> io::Result<()> {
    stream.write_all(&answer.preface)?;
    if answer.framing == Framing::Raw {
        return Ok(());
    }
    let version = if answer.framing == Framing::Close { "1.0" } else { "1.1" };
    let usual = || format!("HTTP/{version} {} {}", answer.status, reason(answer.status));
    let mut lines = vec![format!("{}\r\n", answer.status_line.clone().unwrap_or_else(usual))];
    lines.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    match answer.framing {
        Framing::Length(len) => lines.push(format!("Content-Length: {len}\r\n")),
        Framing::Chunked => lines.push("Transfer-Encoding: chunked\r\n".to_owned()),
        Framing::Close | Framing::Untold | Framing::Raw => {}
    }
    lines.push("\r\n".to_owned());
    if answer.line_pause.is_zero() {
        return stream.write_all(lines.concat().as_bytes());
    }
    for line in lines {
        stream.write_all(line.as_bytes())?;
        shared.still(answer.line_pause)?;
    }
    Ok(())
}

impl Shared {
    /// Waits; an error when the server ended meanwhile.
    fn still(&self, time: Duration) -> io::Result<()> {
        if self.pause(time) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        401 => "Unauthorized",
        404 => "Not Found",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Some Status",
    }
}
