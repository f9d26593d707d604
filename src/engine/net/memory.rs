// SPDX-License-Identifier: GPL-3.0-or-later
//! A body that is read, not kept.

use super::proof::Answer;
use super::{Asked, Fetched};
use crate::engine::error::{Failure, FailureKind};

#[derive(Debug)]
pub struct Memory {
    /// Nothing of the body is taken.
    pub is_of_head: bool,
    most: usize,
    /// How many bytes the range has that was asked for.
    wanted: Option<usize>,
    bytes: Vec<u8>,
    pub answer: Option<Box<Answer>>,
}

impl Memory {
    pub fn new(most: usize, asked: &Asked) -> Self {
        let wanted = asked.range.map(|range| usize::try_from(range.len()).unwrap_or(usize::MAX));
        Self { is_of_head: false, most, wanted, bytes: Vec::new(), answer: None }
    }

    pub fn of_head() -> Self {
        Self { is_of_head: true, ..Self::new(0, &Asked::default()) }
    }

    /// Whether a body like this is of use: a part file may begin anew with a whole file, who reads a
    /// range of it may not.
    pub fn check(&self, answer: &Answer) -> Result<(), Failure> {
        if self.wanted.is_some() && !answer.continues {
            let detail = "the whole file came in place of a range of it".to_owned();
            return Err(Failure::new(FailureKind::WrongRange, detail));
        }
        Ok(())
    }

    /// Takes as many of these bytes as are wanted: FTP sends all to the end of the file.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let left = self.wanted.map_or(usize::MAX, |wanted| wanted.saturating_sub(self.bytes.len()));
        let wanted = bytes.get(..left).unwrap_or(bytes);
        if self.bytes.len() + wanted.len() > self.most {
            let detail = format!("the answer is larger than the {} bytes that are read of it", self.most);
            return Err(Failure::new(FailureKind::Protocol, detail));
        }
        self.bytes.extend_from_slice(wanted);
        Ok(wanted.len())
    }

    /// All of the range is here.
    pub fn is_full(&self) -> bool {
        self.wanted == Some(self.bytes.len())
    }

    /// What it came to, where nothing went wrong.
    pub fn fetched(self) -> Result<Fetched, Failure> {
        let none = || Failure::new(FailureKind::Protocol, "there was no answer");
        Ok(Fetched { answer: self.answer.ok_or_else(none)?, bytes: self.bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::ByteRange;

    #[test]
    fn a_range_is_cut_and_what_has_none_is_refused_beyond_the_most() {
        let asked = Asked { range: Some(ByteRange::new(10, 14)), ..Asked::default() };
        let mut range = Memory::new(4, &asked);
        assert_eq!((range.take(b"abc").unwrap(), range.is_full()), (3, false));
        assert_eq!((range.take(b"def").unwrap(), range.is_full()), (1, true));
        assert_eq!((range.take(b"ghi").unwrap(), range.bytes.as_slice()), (0, &b"abcd"[..]));
        let mut all = Memory::new(4, &Asked::default());
        assert_eq!((all.take(b"abcd").unwrap(), all.is_full()), (4, false));
        assert_eq!(all.take(b"e").unwrap_err().kind, FailureKind::Protocol);
    }
}
