//! Integers and opaque data of XDR (RFC 4506): units of four octets, the high one first.

/// A reader of units, which takes each from the front of what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct XdrReader<'a>(&'a [u8]);

impl<'a> XdrReader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// An unsigned integer (section 4.2) or an enumeration (section 4.3).
    pub(super) fn unsigned(&mut self) -> Option<u32> {
        let (unit, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*unit))
    }

    /// Passes over opaque data of variable length with its padding (section 4.10), at most `max` octets.
    pub(super) fn skip_opaque(&mut self, max: usize) -> Option<()> {
        let len = usize::try_from(self.unsigned()?).ok().filter(|len| *len <= max)?;
        self.0 = self.0.get(len.next_multiple_of(4)..)?;
        Some(())
    }

    /// What nothing was read of yet.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// The octets of unsigned integers.
pub(super) fn octets(units: &[u32]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_be_bytes()).collect()
}
