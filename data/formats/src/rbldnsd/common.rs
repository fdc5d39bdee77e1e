//! What readers of every type do with a line.

use super::{
    bytes::{self, trim},
    directive::{self, Directives},
    error::{FileError, LineError},
    trap::{Trap, Traps},
};
use dnsbl_types::UnixTime;

/// The state that does not depend on the type: where the reader is, directives, and traps.
#[derive(Debug)]
pub(super) struct Common {
    strict: bool,
    pub(super) line: u64,
    pub(super) directives: Directives,
    pub(super) traps: Traps,
}

/// What a line is before its type is looked at.
pub(super) enum Kind<'a> {
    /// It says nothing, or was a directive and is taken.
    Done,
    /// Anything else, without blanks at its ends.
    Text(&'a [u8]),
}

impl Common {
    pub(super) fn new(strict: bool, directives: Directives) -> Self {
        Self { strict, line: 0, directives, traps: Traps::default() }
    }

    /// Begins a line: takes it if it is a directive.
    pub(super) fn begin<'a>(&mut self, number: u64, line: &'a [u8]) -> Result<Kind<'a>, LineError> {
        self.line = number;
        let line = self.without_marks(line)?;
        match directive::of_line(line) {
            _ if line.is_empty() => Ok(Kind::Done),
            Some(directive) => self.directive(line, directive).map(|()| Kind::Done),
            None if bytes::is_comment(line) => Ok(Kind::Done),
            None => Ok(Kind::Text(line)),
        }
    }

    /// Meets a trap; with `strict` that is an error.
    pub(super) fn trap(&mut self, trap: Trap) -> Result<(), LineError> {
        if self.strict {
            return Err(LineError::Trap(trap));
        }
        self.traps.add(trap, self.line);
        Ok(())
    }

    /// Whether rbldnsd would serve a file with these directives at `now`.
    pub(super) fn check(&self, now: UnixTime) -> Result<(), FileError> {
        if let Some(line) = self.directives.dataset {
            return Err(FileError::Combined { line });
        }
        self.directives.settings.check(now)
    }

    /// The line without what rbldnsd does not take for space.
    fn without_marks<'a>(&mut self, line: &'a [u8]) -> Result<&'a [u8], LineError> {
        let bare = line.strip_suffix(b"\r").unwrap_or(line);
        let bom = bare.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.line == 1);
        let text = trim(bom.unwrap_or(bare));
        // It makes no difference to lines that say nothing.
        if text.is_empty() || bytes::is_comment(text) && directive::of_line(text).is_none() {
            return Ok(text);
        }
        if bom.is_some() {
            self.trap(Trap::ByteOrderMark)?;
        }
        if bare.len() < line.len() {
            self.trap(Trap::CarriageReturn)?;
        }
        Ok(text)
    }

    fn directive(&mut self, line: &[u8], text: &[u8]) -> Result<(), LineError> {
        let taken = self.directives.take(text, self.line);
        match taken {
            Ok(None) => Ok(()),
            Ok(Some(trap)) => self.trap(trap),
            // Else it is a comment that begins with a dollar.
            Err(LineError::Directive(_)) if bytes::is_comment(line) => Ok(()),
            Err(wrong) => Err(wrong),
        }
    }
}
