//! Queries of the fast path, read in place.
//!
//! It takes what resolvers send: one question of class IN with a plain name, nothing else but EDNS.
//! Everything else is left to `message.rs`, which knows all of DNS.

use super::{
    lookup::Question,
    wire::{CLASS_IN, HEADER, option, rtype},
};

/// The longest name in wire form, in octets.
const LONGEST_NAME: usize = 255;

/// A query of the fast path. Made to be filled again and again, since moving it about takes time.
pub(super) struct Query {
    /// The name asked for, in lower case; beyond its length the array means nothing.
    name: [u8; LONGEST_NAME],
    name_len: usize,
    qtype: u16,
    pub(super) edns: Option<Edns>,
}

/// The EDNS part of a query (RFC 6891 section 6).
#[derive(Clone, Copy)]
pub(super) struct Edns {
    /// How much it takes over UDP, in bytes.
    pub(super) payload: u16,
    pub(super) dnssec_ok: bool,
    cookie: Option<OptionPlace>,
}

/// The place of an option's data in the message.
#[derive(Clone, Copy)]
struct OptionPlace {
    /// How far its beginning is from the end of the message, in octets.
    from_end: usize,
    len: usize,
}

impl Query {
    /// Room for a query.
    pub(super) const EMPTY: Self =
        Self { name: [0; LONGEST_NAME], name_len: 1, qtype: 0, edns: None };

    /// Reads a message; false if it is none for the fast path, and then `self` means nothing.
    pub(super) fn read(&mut self, packet: &[u8]) -> bool {
        self.try_read(packet).is_some()
    }

    fn try_read(&mut self, packet: &[u8]) -> Option<()> {
        let (&[_, _, high, low, counts @ ..], body) = packet.split_first_chunk::<HEADER>()?;
        // QR, opcode, AA and TC are clear; of the rest only RD, AD and CD may be set.
        let is_plain = high & !0x01 == 0 && low & !0x30 == 0;
        let [0, 1, 0, 0, 0, 0, 0, additional @ 0..=1] = counts else { return None };
        self.name_len = read_name(body, &mut self.name)?;
        let (&[t1, t2, c1, c2], rest) = body.get(self.name_len..)?.split_first_chunk::<4>()?;
        self.qtype = u16::from_be_bytes([t1, t2]);
        self.edns = match (additional, rest) {
            (0, []) => None,
            (1, rest) => Some(Edns::read(rest)?),
            _ => return None,
        };
        let transfer = matches!(self.qtype, rtype::AXFR | rtype::IXFR);
        (is_plain && [c1, c2] == CLASS_IN && !transfer).then_some(())
    }

    /// What is asked.
    pub(super) fn question(&self) -> Question<'_> {
        Question { qname: &self.name[..self.name_len], qtype: self.qtype }
    }

    /// The data of the COOKIE option (RFC 7873 section 4) of the packet that this was read from, whatever its
    /// length.
    pub(super) fn cookie<'p>(&self, packet: &'p [u8]) -> Option<&'p [u8]> {
        let OptionPlace { from_end, len } = self.edns?.cookie?;
        let at = packet.len().checked_sub(from_end)?;
        packet.get(at..at + len)
    }

    /// How much the client takes over UDP, in bytes, if it says so.
    pub(super) fn payload(&self) -> Option<u16> {
        self.edns.map(|edns| edns.payload)
    }

    /// The length of header and question, in bytes.
    pub(super) fn head_len(&self) -> usize {
        HEADER + self.name_len + 4
    }
}

/// Copies an uncompressed name in lower case, and returns its length with the root label.
fn read_name(bytes: &[u8], name: &mut [u8; LONGEST_NAME]) -> Option<usize> {
    let mut at = 0;
    loop {
        let label = usize::from(*bytes.get(at)?);
        match label {
            0 => break,
            1..=63 => at += 1 + label,
            _ => return None,
        }
    }
    let (from, to) = (bytes.get(..=at)?, name.get_mut(..=at)?);
    to.copy_from_slice(from);
    // A length is at most 63, which is no letter.
    to.make_ascii_lowercase();
    Some(at + 1)
}

impl Edns {
    /// Reads an OPT record of version 0 that is the rest of a message.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[0, t1, t2, p1, p2, rcode, version, flags, _, l1, l2], options) =
            bytes.split_first_chunk::<11>()?
        else {
            return None;
        };
        let len = usize::from(u16::from_be_bytes([l1, l2]));
        let is_plain = u16::from_be_bytes([t1, t2]) == rtype::OPT
            && rcode == 0
            && version == 0
            && len == options.len();
        let payload = u16::from_be_bytes([p1, p2]);
        let cookie = read_options(options)?;
        is_plain.then_some(Self { payload, dnssec_ok: flags & 0x80 != 0, cookie })
    }
}

/// Reads options that are the rest of a message: where the cookie stands, the first if there are several (RFC
/// 7873 section 5.2), and nothing else but Padding. `None` where one is cut off, or is another.
fn read_options(mut options: &[u8]) -> Option<Option<OptionPlace>> {
    let mut cookie = None;
    while let Some((&[c1, c2, l1, l2], rest)) = options.split_first_chunk::<4>() {
        let len = usize::from(u16::from_be_bytes([l1, l2]));
        let next = rest.get(len..)?;
        match u16::from_be_bytes([c1, c2]) {
            option::COOKIE => {
                cookie = cookie.or(Some(OptionPlace { from_end: rest.len(), len }));
            }
            option::PADDING => {}
            _ => return None,
        }
        options = next;
    }
    options.is_empty().then_some(cookie)
}
