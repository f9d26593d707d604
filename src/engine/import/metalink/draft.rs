// SPDX-License-Identifier: GPL-3.0-or-later
//! One file of a metalink while it is read: takes what its elements say, and decides at the end
//! which of it counts.

use std::collections::HashSet;

use url::Url;

use super::File;
use crate::engine::download::pieces::Pieces;
use crate::engine::download::spec::{Algorithm, Checksum, ChecksumError};
use crate::engine::import::address;

/// No file has so many mirrors.
const MOST_URLS: usize = 1_000;

#[derive(Default)]
pub struct Draft {
    line: usize,
    name: String,
    size: Option<u64>,
    checksums: Vec<Checksum>,
    pieces: Vec<Pieces>,
    urls: Vec<(u32, Url)>,
    description: Option<String>,
    publisher: Option<String>,
    // What the open element's attributes said.
    hash_type: Option<String>,
    open_pieces: Option<PiecesDraft>,
    url_rank: Option<u32>,
}

/// Pieces of a known algorithm and with a length, while their hashes come.
struct PiecesDraft {
    algorithm: Algorithm,
    length: u64,
    /// With the number of the piece.
    hashes: Vec<(u64, String)>,
    number: u64,
}

impl Draft {
    pub fn new(line: usize, name: &str) -> Result<Self, String> {
        // RFC 5854 section 4.1.2.1. Other systems' separators count too: the metalink may be of one.
        let leads_out = name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|component| component == "..");
        if name.trim().is_empty() || leads_out || name.contains(char::is_control) {
            return Err(format!("“{name}” cannot be the name of a file in the folder"));
        }
        Ok(Self { line, name: name.to_owned(), ..Self::default() })
    }

    pub fn set_size(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let size = number(text).ok_or_else(|| format!("“{text}” is not a number of bytes"))?;
        match self.size.replace(size).filter(|before| *before != size) {
            Some(before) => Err(format!("the file cannot have {before} bytes and {size}")),
            None => Ok(()),
        }
    }

    pub fn set_description(&mut self, text: &str) {
        self.description = self.description.take().or(not_empty(text));
    }

    pub fn set_publisher(&mut self, text: &str) {
        self.publisher = self.publisher.take().or(not_empty(text));
    }

    pub fn begin_hash(&mut self, hash_type: Option<String>) {
        self.hash_type = hash_type;
    }

    /// Hashes of unknown algorithms are passed over. A damaged one is an error: without it, the file
    /// would be believed unproven.
    pub fn end_hash(&mut self, text: &str) -> Result<(), String> {
        let Some(hash_type) = self.hash_type.take().filter(|_| !text.is_empty()) else { return Ok(()) };
        match format!("{hash_type}:{text}").parse() {
            Ok(checksum) => self.checksums.push(checksum),
            Err(ChecksumError::UnknownAlgorithm(_)) => {}
            Err(error) => return Err(format!("the hash is wrong: {error}")),
        }
        Ok(())
    }

    pub fn begin_pieces(&mut self, algorithm: Option<Algorithm>, length: Option<&str>) {
        let length = length.and_then(number);
        self.open_pieces = algorithm.zip(length).map(|(algorithm, length)| PiecesDraft {
            algorithm,
            length,
            hashes: Vec::new(),
            number: 0,
        });
    }

    /// `index` is the number that version 3 gives a piece; without one they come in order.
    pub fn begin_piece(&mut self, index: Option<&str>) {
        if let Some(pieces) = &mut self.open_pieces {
            let next = pieces.hashes.len() as u64;
            pieces.number = index.map_or(next, |text| number(text).unwrap_or(u64::MAX));
        }
    }

    pub fn end_piece(&mut self, text: &str) {
        if let Some(pieces) = &mut self.open_pieces {
            pieces.hashes.push((pieces.number, text.to_ascii_lowercase()));
        }
    }

    pub fn end_pieces(&mut self) {
        self.pieces.extend(self.open_pieces.take().and_then(PiecesDraft::finish));
    }

    pub fn begin_url(&mut self, rank: u32, is_file: bool) {
        self.url_rank = is_file.then_some(rank);
    }

    pub fn end_url(&mut self, text: &str) -> Result<(), String> {
        let url = self.url_rank.take().zip(address::absolute(text).ok());
        if url.is_some() && self.urls.len() == MOST_URLS {
            return Err(format!("a file has no more than {MOST_URLS} addresses"));
        }
        self.urls.extend(url);
        Ok(())
    }

    pub fn finish(mut self) -> File {
        // Stable: of equals the first is the better.
        self.urls.sort_by_key(|(rank, _)| *rank);
        let mut seen = HashSet::new();
        let urls = self.urls.into_iter().map(|(_, url)| url).filter(|url| seen.insert(url.clone())).collect();
        let size = self.size;
        let fits = |pieces: &Pieces| size.is_none_or(|size| pieces.check(size).is_ok());
        File {
            line: self.line,
            name: self.name,
            size,
            checksums: self.checksums,
            pieces: self.pieces.into_iter().filter(fits).max_by_key(|pieces| pieces.algorithm),
            urls,
            description: self.description,
            publisher: self.publisher,
        }
    }
}

impl PiecesDraft {
    /// `None` where a piece is missing, is there twice, or has no sound hash.
    fn finish(mut self) -> Option<Pieces> {
        self.hashes.sort_by_key(|(number, _)| *number);
        let is_whole = (0..).zip(&self.hashes).all(|(expected, (number, _))| *number == expected);
        let hashes = self.hashes.into_iter().map(|(_, hash)| hash).collect::<Vec<_>>();
        let pieces = Pieces { algorithm: self.algorithm, length: self.length, hashes };
        (is_whole && !pieces.hashes.is_empty() && pieces.check_hashes().is_ok()).then_some(pieces)
    }
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn not_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
