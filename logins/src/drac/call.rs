//! DRAC's program: what a call asks for, and what it is answered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::rpc::{Call, CallBody, Procedure, Refusal, Reply};

#[cfg(test)]
mod tests;

/// The number of DRAC's program.
pub(super) const PROGRAM: u32 = 900_101;
/// The version that adds IPv4 addresses, DRAC's first.
pub(super) const IPV4_VERSION: u32 = 1;
/// The version that adds IPv6 addresses, `DRACVERS6`.
pub(super) const IPV6_VERSION: u32 = 2;
/// The longest datagram that is read, in octets. A call with the longest credential and verifier has 904.
pub const MAX_CALL: usize = 1024;

/// The procedure that every version of every program has, and which does nothing.
const NULL: u32 = 0;
/// The procedure `DRACPROC_ADD` of both versions.
const ADD: u32 = 1;

/// A call of DRAC's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DracCall {
    /// The number by which the caller knows the reply.
    pub(super) xid: u32,
    pub(super) request: Result<Request, Refusal>,
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Whether anybody answers.
    Null,
    /// That the address may send.
    Add(IpAddr),
}

/// The outcome of adding an address, as DRAC's clients are told: `addstat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddResult {
    /// `ADD_SUCCESS`: the address has its grant.
    Success,
    /// `ADD_PERM`: the address, or the one who asks, may have none.
    Permission,
    /// `ADD_SYSERR`: the server failed.
    System,
    /// `ADD_UNKOWN`, which is how DRAC spells it: anything else.
    Unknown,
}

impl DracCall {
    /// Reads a datagram; `None` if it is to be left without an answer, as it is no call or too long for one.
    pub(super) fn read(datagram: &[u8]) -> Option<Self> {
        if datagram.len() > MAX_CALL {
            return None;
        }
        let call = Call::read(datagram)?;
        Some(Self { xid: call.xid, request: call.body.and_then(Request::read) })
    }
}

impl Request {
    fn read(body: CallBody<'_>) -> Result<Self, Refusal> {
        let Procedure { program, version, number } = body.procedure;
        if program != PROGRAM {
            return Err(Refusal::Program);
        }
        let read_address = match version {
            IPV4_VERSION => read_ipv4,
            IPV6_VERSION => read_ipv6,
            _ => return Err(Refusal::ProgramVersion { low: IPV4_VERSION, high: IPV6_VERSION }),
        };
        let request = match number {
            NULL => body.arguments.is_empty().then_some(Self::Null),
            ADD => read_address(body.arguments).map(Self::Add),
            _ => return Err(Refusal::Procedure),
        };
        request.ok_or(Refusal::Arguments)
    }
}

/// An `unsigned long` (RFC 4506 section 4.2), of which DRAC's client library makes sure that it is the number of the
/// address: 192.0.2.1 is C0 00 02 01.
fn read_ipv4(arguments: &[u8]) -> Option<IpAddr> {
    let octets: [u8; 4] = arguments.try_into().ok()?;
    Some(Ipv4Addr::from(octets).into())
}

/// A `char[16]` as `rpcgen` writes it, or the 16 octets alone, as whoever took it for opaque data would. An
/// IPv4-mapped address is the IPv4 address.
fn read_ipv6(arguments: &[u8]) -> Option<IpAddr> {
    let octets = arguments.try_into().ok().or_else(|| read_chars(arguments))?;
    Some(Ipv6Addr::from(octets).to_canonical())
}

/// 16 elements of four octets each, as XDR knows no integer that is shorter (RFC 4506 sections 4.1 and 4.12).
fn read_chars(arguments: &[u8]) -> Option<[u8; 16]> {
    let (units, []) = arguments.as_chunks() else { return None };
    let units: &[_; 16] = units.try_into().ok()?;
    let mut octets = [0; 16];
    for (octet, unit) in octets.iter_mut().zip(units) {
        *octet = read_char(i32::from_be_bytes(*unit))?;
    }
    Some(octets)
}

/// A `char` has a sign on some machines and none on others, so 0x80 comes as -128 or as 128.
fn read_char(number: i32) -> Option<u8> {
    let signed = || i8::try_from(number).ok().map(i8::cast_unsigned);
    u8::try_from(number).ok().or_else(signed)
}

impl AddResult {
    /// The number on the wire.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::Permission => 1,
            Self::System => 2,
            Self::Unknown => 3,
        }
    }
}

/// What is replied to a datagram where each address can be added; `None`: nothing.
///
/// It is for the fuzz target.
#[doc(hidden)]
pub fn answer(datagram: &[u8]) -> Option<Vec<u8>> {
    let DracCall { xid, request } = DracCall::read(datagram)?;
    let outcome = request.map(|request| match request {
        Request::Null => None,
        Request::Add(_) => Some(AddResult::Success.number()),
    });
    Some(Reply { xid, outcome }.write())
}
