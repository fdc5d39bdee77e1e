//! Ids and choices that nobody can guess.

use std::io;

/// Random numbers, taken in blocks: a call of the system's generator for each would cost more than the
/// rest of a question.
pub(super) struct Random {
    block: [u8; BLOCK],
    used: usize,
    fill: fn(&mut [u8]) -> io::Result<()>,
}

const BLOCK: usize = 1024;

impl Random {
    /// Numbers of the system's generator.
    pub(super) fn of_system() -> Self {
        Self::new(|block| getrandom::fill(block).map_err(io::Error::from))
    }

    /// Numbers from where blocks are filled so.
    pub(super) fn new(fill: fn(&mut [u8]) -> io::Result<()>) -> Self {
        Self { block: [0; BLOCK], used: BLOCK, fill }
    }

    /// The next one.
    pub(super) fn next(&mut self) -> io::Result<u16> {
        if self.used == BLOCK {
            (self.fill)(&mut self.block)?;
            self.used = 0;
        }
        let number = u16::from_ne_bytes([self.block[self.used], self.block[self.used + 1]]);
        self.used += 2;
        Ok(number)
    }

    /// One of so many, at least 1.
    pub(super) fn below(&mut self, count: usize) -> io::Result<usize> {
        Ok(usize::from(self.next()?) % count)
    }
}
