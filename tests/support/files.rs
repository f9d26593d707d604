// SPDX-License-Identifier: GPL-3.0-or-later
//! Bytes that are a function of seed and offset, so that a server can send any range of a file of any
//! size and a test can check one, without either keeping it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

const BLOCK: usize = 256 * 1024;

/// The eight bytes at `8 * index`: splitmix64's output function, which needs no state before it.
fn word(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The byte of file `seed` at `offset`.
pub fn body_byte(seed: u64, offset: u64) -> u8 {
    word(seed, offset / 8).to_le_bytes()[(offset % 8) as usize]
}

/// Fills `buffer` with the bytes of file `seed` from `offset` on.
pub fn fill(seed: u64, offset: u64, buffer: &mut [u8]) {
    let to_word = ((8 - offset % 8) % 8).min(buffer.len() as u64);
    let (head, rest) = buffer.split_at_mut(to_word as usize);
    for (at, byte) in (offset..).zip(head) {
        *byte = body_byte(seed, at);
    }
    for (index, bytes) in ((offset + to_word) / 8..).zip(rest.chunks_mut(8)) {
        bytes.copy_from_slice(&word(seed, index).to_le_bytes()[..bytes.len()]);
    }
}

/// These bytes of file `seed`, for small ranges.
pub fn bytes(seed: u64, range: Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; (range.end - range.start) as usize];
    fill(seed, range.start, &mut bytes);
    bytes
}

/// The SHA-256 of file `seed` with `len` bytes, as `sha256:HEX`.
pub fn sha256(seed: u64, len: u64) -> String {
    let hex = glib::compute_checksum_for_data(glib::ChecksumType::Sha256, &bytes(seed, 0..len));
    format!("sha256:{}", hex.expect("a known algorithm"))
}

/// Writes a whole file.
pub fn write(path: &Path, seed: u64, len: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut block = vec![0; BLOCK];
    let mut offset = 0;
    while offset < len {
        let take = (len - offset).min(BLOCK as u64);
        let part = &mut block[..take as usize];
        fill(seed, offset, part);
        file.write_all(part)?;
        offset += take;
    }
    Ok(())
}

/// Whether the file at `path` is file `seed` with `len` bytes; if not, what is the matter.
pub fn compare(path: &Path, seed: u64, len: u64) -> Result<(), String> {
    let said = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(said)?;
    let found = file.metadata().map_err(said)?.len();
    if found != len {
        return Err(format!("{}: {found} bytes, not {len}", path.display()));
    }
    let (mut wanted, mut block) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut offset = 0;
    while offset < len {
        let take = (len - offset).min(BLOCK as u64) as usize;
        file.read_exact(&mut block[..take]).map_err(said)?;
        fill(seed, offset, &mut wanted[..take]);
        // As a whole first: byte by byte takes many times as long.
        let (found, meant) = (&block[..take], &wanted[..take]);
        if found != meant {
            let at = found.iter().zip(meant).take_while(|(a, b)| a == b).count();
            return Err(format!("{}: first wrong byte at {}", path.display(), offset + at as u64));
        }
        offset += take as u64;
    }
    Ok(())
}

/// Fails the test unless the file at `path` is file `seed` with `len` bytes.
#[track_caller]
pub fn assert_same(path: &Path, seed: u64, len: u64) {
    if let Err(difference) = compare(path, seed, len) {
        panic!("{difference}");
    }
}

/// These bytes as a gzip member (RFC 1952) of stored blocks: right for every reader, not smaller.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        let len = block.len() as u16;
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
