// SPDX-License-Identifier: GPL-3.0-or-later
//! Checksums of finished part files, computed on a thread of their own, one at a time for each
//! device: a second one would only make the head of a hard disk jump.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::download::spec::Algorithm;

/// How much is read at a time.
const CHUNK: usize = 1024 * 1024;
/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(200);

/// A piece of work for the thread.
type Work = Box<dyn FnOnce() + Send>;

/// The thread, started with the first work; it ends when this is dropped and its work is done.
#[derive(Debug, Default)]
pub struct Verifier {
    work: Option<Sender<Work>>,
}

impl Verifier {
    /// Does this after the work given before.
    pub fn run(&mut self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let sender = match self.work.take() {
            Some(sender) => sender,
            None => {
                let (sender, receiver) = mpsc::channel::<Work>();
                thread::Builder::new().name("verify".into()).spawn(move || receiver.iter().for_each(|work| work()))?;
                sender
            }
        };
        let sent = sender.send(Box::new(work)).map_err(|_| io::Error::other("the verifying thread is gone"));
        self.work = sent.is_ok().then_some(sender);
        sent
    }
}

/// The checksum of the first `total` bytes in lower-case hexadecimal digits; `None` if `is_ended`
/// was set before it was done.
pub fn checksum(
    file: &File,
    total: u64,
    algorithm: Algorithm,
    is_ended: &AtomicBool,
    mut progress: impl FnMut(u64),
) -> io::Result<Option<String>> {
    let mut sum = glib::Checksum::new(match algorithm {
        Algorithm::Md5 => glib::ChecksumType::Md5,
        Algorithm::Sha1 => glib::ChecksumType::Sha1,
        Algorithm::Sha256 => glib::ChecksumType::Sha256,
        Algorithm::Sha512 => glib::ChecksumType::Sha512,
    })
    .ok_or_else(|| io::Error::other(format!("this GLib has no {}", algorithm.name())))?;
    let mut buffer = vec![0; CHUNK];
    let (mut done, mut told) = (0, Instant::now());
    while done < total {
        if is_ended.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let wanted = usize::try_from(total - done).unwrap_or(CHUNK).min(CHUNK);
        let chunk = buffer.get_mut(..wanted).unwrap_or_default();
        let read = match file.read_at(chunk, done) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        sum.update(chunk.get(..read).unwrap_or_default());
        done += read as u64;
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            progress(done);
        }
    }
    Ok(sum.string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn sum_of(bytes: &[u8], total: u64, algorithm: Algorithm) -> io::Result<Option<String>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        checksum(&file, total, algorithm, &AtomicBool::new(false), |_| {})
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
            assert_eq!(sum_of(b"abc", 3, algorithm).unwrap().as_deref(), Some(hex));
            assert_eq!(sum_of(b"abcdef", 3, algorithm).unwrap().as_deref(), Some(hex), "only the first 3 bytes");
        }
    }

    #[test]
    fn a_file_longer_than_the_buffer_is_read_to_its_end() {
        let bytes: Vec<u8> = (0..CHUNK * 2 + 7).map(|i| (i % 251) as u8).collect();
        let whole = glib::compute_checksum_for_data(glib::ChecksumType::Md5, &bytes).unwrap();
        assert_eq!(sum_of(&bytes, bytes.len() as u64, Algorithm::Md5).unwrap().unwrap(), whole.as_str());
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error_and_an_ended_one_no_result() {
        assert_eq!(sum_of(b"abc", 4, Algorithm::Md5).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        assert!(checksum(&file, 3, Algorithm::Md5, &AtomicBool::new(true), |_| {}).unwrap().is_none());
    }
}
