//! From lines to entries.

use super::{
    adblock, addresses, entry::Entry, error::ListError, format::ListFormat, hosts, rpz::PolicyZone,
};

/// Reads the lines of a list.
#[derive(Debug)]
pub struct ListReader {
    format: ListFormat,
    zone: PolicyZone,
}

impl ListReader {
    /// A reader of the first line.
    pub fn new(format: ListFormat) -> Self {
        Self { format, zone: PolicyZone::default() }
    }

    /// Reads a line, without its end; `None` where it lists nothing and means nothing else.
    ///
    /// # Errors
    /// Not all of the line is understood; other lines still count.
    pub fn read(&mut self, line: &str) -> Result<Option<Entry>, ListError> {
        match self.format {
            ListFormat::Ranges => addresses::range(line),
            ListFormat::Netmask => addresses::netmask(line),
            ListFormat::Netset => addresses::netset(line),
            ListFormat::Hosts => hosts::line(line),
            ListFormat::Rpz => self.zone.line(line),
            ListFormat::Adblock => adblock::line(line),
        }
    }
}
