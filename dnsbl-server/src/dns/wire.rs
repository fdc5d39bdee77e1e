//! Numbers of the wire format.

/// The length of the header, in octets (RFC 1035 section 4.1.1).
pub(super) const HEADER: usize = 12;
/// Class IN as two octets (RFC 1035 section 3.2.4).
pub(super) const CLASS_IN: [u8; 2] = [0, 1];
/// The longest message that we take and send over UDP, in octets: one that is not fragmented (DNS flag day
/// 2020).
pub(super) const PAYLOAD: u16 = 1232;
/// The longest message over UDP for a client that offers no other size, in octets (RFC 1035 section 4.2.1).
pub(super) const CLASSIC: u16 = 512;
/// The length of owner, type, class, TTL and length of a record whose owner is a pointer, in octets (RFC 1035
/// sections 4.1.3 and 4.1.4).
pub(super) const RECORD_HEAD: usize = 12;

/// The record types that make a difference (RFC 1035 section 3.2.2, RFC 3596, RFC 4034, RFC 6891).
pub(super) mod rtype {
    pub(crate) const A: u16 = 1;
    pub(crate) const NS: u16 = 2;
    pub(crate) const SOA: u16 = 6;
    pub(crate) const TXT: u16 = 16;
    pub(crate) const AAAA: u16 = 28;
    pub(crate) const OPT: u16 = 41;
    pub(crate) const DS: u16 = 43;
    pub(crate) const IXFR: u16 = 251;
    pub(crate) const AXFR: u16 = 252;
    pub(crate) const ANY: u16 = 255;
}

/// The EDNS options that make a difference, and the one that is only passed over (RFC 7873, RFC 7830, RFC 8914).
pub(super) mod option {
    pub(crate) const COOKIE: u16 = 10;
    pub(crate) const PADDING: u16 = 12;
    pub(crate) const EXTENDED_ERROR: u16 = 15;
}

/// The name of a type, or its number where it is none that lists are asked for (RFC 3597 section 5).
pub(crate) fn type_name(number: u16) -> String {
    let name = match number {
        rtype::A => "A",
        rtype::NS => "NS",
        rtype::SOA => "SOA",
        rtype::TXT => "TXT",
        rtype::AAAA => "AAAA",
        rtype::DS => "DS",
        rtype::ANY => "ANY",
        number => return format!("TYPE{number}"),
    };
    name.into()
}
