//! Ids and choices that nobody can guess.

use std::io;

/// Numbers of the system's random generator, taken in blocks: a call for each would cost more than
/// the rest of a question.
pub(super) struct Random {
    block: [u8; BLOCK],
    used: usize,
}

const BLOCK: usize = 1024;

impl Random {
    pub(super) fn new() -> Self {
        Self { block: [0; BLOCK], used: BLOCK }
    }

    /// The next one.
    pub(super) fn next(&mut self) -> io::Result<u16> {
        if self.used == BLOCK {
            getrandom::fill(&mut self.block).map_err(io::Error::from)?;
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
