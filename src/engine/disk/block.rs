// SPDX-License-Identifier: GPL-3.0-or-later
//! Blocks of bytes on their way to a device, out of a pool with a bound.

/// Room for bytes; gives itself back to its pool when dropped.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
}

impl Block {
    /// How many bytes can still be added.
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Adds bytes; there must be room for them.
    pub fn extend(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.room());
        self.bytes.extend_from_slice(bytes);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
