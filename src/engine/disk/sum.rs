// SPDX-License-Identifier: GPL-3.0-or-later
//! The checksum of a stretch of a file, computed in turns that other work can come between.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::engine::download::spec::Algorithm;
use crate::engine::types::ByteRange;

/// How much is read before other work gets its turn.
pub const TURN: u64 = 4 * 1024 * 1024;

/// What has been read of the stretch so far.
pub struct Sum {
    algorithm: Algorithm,
    hasher: Hasher,
    range: ByteRange,
    done: u64,
}

/// The crates use the processor's own instructions for SHA; there is none for MD5, and GLib's is the
/// fastest at hand.
enum Hasher {
    Md5(glib::Checksum),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Sum {
    pub fn new(algorithm: Algorithm, range: ByteRange) -> io::Result<Self> {
        let no_md5 = || io::Error::other("this GLib has no MD5");
        let hasher = match algorithm {
            Algorithm::Md5 => Hasher::Md5(glib::Checksum::new(glib::ChecksumType::Md5).ok_or_else(no_md5)?),
            Algorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(Sha512::new()),
        };
        Ok(Self { algorithm, hasher, range, done: 0 })
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Where in the file the next byte is.
    pub fn at(&self) -> u64 {
        self.range.start.saturating_add(self.done)
    }

    /// How many bytes have been taken in.
    pub fn done(&self) -> u64 {
        self.done
    }

    pub fn is_complete(&self) -> bool {
        self.done >= self.range.len()
    }

    /// As [`Sum::new`] with another end, which must not lie before [`Sum::at`].
    pub fn with_end(mut self, end: u64) -> Self {
        debug_assert!(self.at() <= end, "{} bytes of {end} are taken in", self.at());
        self.range.end = end;
        self
    }

    /// Takes in what is before `limit`, of more the first [`TURN`] bytes.
    pub fn advance(&mut self, file: &File, limit: u64, buffer: &mut [u8]) -> io::Result<()> {
        let limit = limit.min(self.range.end).min(self.at().saturating_add(TURN));
        while self.at() < limit {
            let wanted = usize::try_from(limit - self.at()).unwrap_or(usize::MAX).min(buffer.len());
            let chunk = buffer.get_mut(..wanted).unwrap_or_default();
            match file.read_at(chunk, self.at()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.hasher.update(chunk.get(..read).unwrap_or_default());
                    self.done = self.done.saturating_add(read as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// In lower-case hexadecimal digits.
    pub fn finish(self) -> String {
        match self.hasher {
            // It is closed by this call and by no other, so there is a string.
            Hasher::Md5(sum) => sum.string().unwrap_or_default(),
            Hasher::Sha1(sum) => hex(&sum.finalize()),
            Hasher::Sha256(sum) => hex(&sum.finalize()),
            Hasher::Sha512(sum) => hex(&sum.finalize()),
        }
    }
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(sum) => sum.update(bytes),
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Sha512(sum) => sum.update(bytes),
        }
    }
}

pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn sum_of(bytes: &[u8], range: ByteRange, algorithm: Algorithm) -> io::Result<(String, u32)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut sum = Sum::new(algorithm, range)?;
        let mut turns = 0;
        while !sum.is_complete() {
            sum.advance(&file, u64::MAX, &mut [0; 4096])?;
            turns += 1;
        }
        Ok((sum.finish(), turns))
    }

    #[test]
    fn known_sums_are_found() {
        // RFC 1321 A.5 and FIPS 180-4's examples of "abc".
        for (algorithm, hex) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            assert_eq!(sum_of(b"abc", ByteRange::new(0, 3), algorithm).unwrap().0, hex);
            assert_eq!(sum_of(b"xxabcdef", ByteRange::new(2, 5), algorithm).unwrap().0, hex, "only these bytes");
        }
    }

    #[test]
    fn a_file_longer_than_the_buffer_is_read_to_its_end_in_turns() {
        let bytes: Vec<u8> = (0..2 * TURN + 7).map(|i| (i % 251) as u8).collect();
        let range = ByteRange::new(0, bytes.len() as u64);
        for (algorithm, of_glib) in [
            (Algorithm::Md5, glib::ChecksumType::Md5),
            (Algorithm::Sha1, glib::ChecksumType::Sha1),
            (Algorithm::Sha256, glib::ChecksumType::Sha256),
            (Algorithm::Sha512, glib::ChecksumType::Sha512),
        ] {
            let whole = glib::compute_checksum_for_data(of_glib, &bytes).unwrap();
            assert_eq!(sum_of(&bytes, range, algorithm).unwrap(), (whole.to_string(), 3));
        }
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let short = sum_of(b"abc", ByteRange::new(0, 4), Algorithm::Md5);
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
