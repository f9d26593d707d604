// SPDX-License-Identifier: GPL-3.0-or-later
//! A request as it was read from the connection.

use std::io::{self, Read};
use std::net::TcpStream;

const LONGEST_HEAD: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// The how-manieth request for its path, from 0.
    pub number: usize,
    /// The how-manieth connection of the server, from 0.
    pub connection: usize,
    /// How many other requests for its path are being answered.
    pub others: usize,
}

impl Request {
    /// Reads a request up to, not including, the last byte of its head. That one stays in the socket
    /// until [`Self::finish`]: closing a connection with unread bytes makes the kernel send a reset,
    /// which needs no socket option. `None` when the connection is over.
    pub fn read(stream: &mut TcpStream, connection: usize) -> io::Result<Option<Self>> {
        let mut head = Vec::with_capacity(512);
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r") {
            if head.len() >= LONGEST_HEAD || stream.read(&mut byte)? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
        }
        Ok(Self::parse(&String::from_utf8_lossy(&head), connection))
    }

    /// Takes the last byte of the head.
    pub fn finish(stream: &mut TcpStream) -> io::Result<()> {
        stream.read_exact(&mut [0])
    }

    fn parse(head: &str, connection: usize) -> Option<Self> {
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Some(Self { method, target, headers, number: 0, connection, others: 0 })
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The one range of bytes it asks for: first, and last where it is told.
    pub fn range(&self) -> Option<(u64, Option<u64>)> {
        let (first, last) = self.header("Range")?.strip_prefix("bytes=")?.split_once('-')?;
        let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
        Some((first.parse().ok()?, last))
    }

    /// Whether it brings these credentials by Basic authentication (RFC 7617).
    pub fn is_from(&self, user: &str, password: &str) -> bool {
        let wanted = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
        self.header("Authorization") == Some(wanted.as_str())
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit > group.len() { '=' } else { DIGITS[value as usize] as char });
        }
    }
    text
}
