//! Calls and replies of ONC RPC version 2 (RFC 5531 section 9), whatever their program is.

use super::xdr::{XdrReader, octets};

#[cfg(test)]
mod tests;

/// The version of the protocol.
const RPC_VERSION: u32 = 2;
/// The longest credential or verifier, in octets (section 8.2).
const MAX_AUTH: usize = 400;

// msg_type
const CALL: u32 = 0;
const REPLY: u32 = 1;
// reply_stat
const MSG_ACCEPTED: u32 = 0;
const MSG_DENIED: u32 = 1;
// accept_stat
const SUCCESS: u32 = 0;
const PROG_UNAVAIL: u32 = 1;
const PROG_MISMATCH: u32 = 2;
const PROC_UNAVAIL: u32 = 3;
const GARBAGE_ARGS: u32 = 4;
const SYSTEM_ERR: u32 = 5;
// reject_stat
const RPC_MISMATCH: u32 = 0;
const AUTH_ERROR: u32 = 1;
// auth_stat
const AUTH_REJECTEDCRED: u32 = 2;
// auth_flavor
const AUTH_NONE: u32 = 0;
const AUTH_SYS: u32 = 1;

/// A procedure by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Procedure {
    pub(super) program: u32,
    pub(super) version: u32,
    pub(super) number: u32,
}

/// A call whose sender can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    /// The number by which the caller knows the reply.
    pub(super) xid: u32,
    pub(super) body: Result<CallBody<'a>, Refusal>,
}

/// What is called, and with which arguments, still as octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallBody<'a> {
    pub(super) procedure: Procedure,
    pub(super) arguments: &'a [u8],
}

/// A reply to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) xid: u32,
    /// The result, which is one integer; `None` where the procedure has none.
    pub(super) outcome: Result<Option<u32>, Refusal>,
}

/// The reason why a procedure was not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `RPC_MISMATCH`: another version of RPC than 2.
    RpcVersion,
    /// `AUTH_ERROR`: a flavor of credentials that is not known here.
    Credential,
    /// `PROG_UNAVAIL`: another program.
    Program,
    /// `PROG_MISMATCH`: a version of the program that is not among these.
    ProgramVersion { low: u32, high: u32 },
    /// `PROC_UNAVAIL`: a procedure that the version has not.
    Procedure,
    /// `GARBAGE_ARGS`: arguments that are not those of the procedure.
    Arguments,
    /// `SYSTEM_ERR`: the server failed. Only others say so.
    System,
}

impl<'a> Call<'a> {
    /// Reads a call; `None` for anything else, and where its head can't be read.
    pub(super) fn read(message: &'a [u8]) -> Option<Self> {
        let mut reader = XdrReader::new(message);
        let xid = reader.unsigned()?;
        if reader.unsigned()? != CALL {
            return None;
        }
        // What follows in another version nobody knows.
        let body = match reader.unsigned()? {
            RPC_VERSION => CallBody::read(reader)?,
            _ => Err(Refusal::RpcVersion),
        };
        Some(Self { xid, body })
    }
}

impl<'a> CallBody<'a> {
    /// Reads what comes after the version of RPC. The credential is not looked into: anybody can write one.
    fn read(mut reader: XdrReader<'a>) -> Option<Result<Self, Refusal>> {
        let program = reader.unsigned()?;
        let version = reader.unsigned()?;
        let number = reader.unsigned()?;
        let flavor = reader.unsigned()?;
        reader.skip_opaque(MAX_AUTH)?;
        let _verifier_flavor = reader.unsigned()?;
        reader.skip_opaque(MAX_AUTH)?;
        let procedure = Procedure { program, version, number };
        Some(match flavor {
            AUTH_NONE | AUTH_SYS => Ok(Self { procedure, arguments: reader.rest() }),
            _ => Err(Refusal::Credential),
        })
    }

    /// The message of a call without credentials.
    pub(super) fn write(&self, xid: u32) -> Vec<u8> {
        let Procedure { program, version, number } = self.procedure;
        let mut message = octets(&[xid, CALL, RPC_VERSION, program, version, number]);
        message.extend(octets(&[AUTH_NONE, 0, AUTH_NONE, 0]));
        message.extend(self.arguments);
        message
    }
}

impl Reply {
    /// Reads a reply; `None` for anything else. Of a result that is longer only the beginning is read.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let mut reader = XdrReader::new(message);
        let xid = reader.unsigned()?;
        if reader.unsigned()? != REPLY {
            return None;
        }
        let outcome = match reader.unsigned()? {
            MSG_ACCEPTED => read_accepted(reader)?,
            MSG_DENIED => Err(match reader.unsigned()? {
                RPC_MISMATCH => Refusal::RpcVersion,
                AUTH_ERROR => Refusal::Credential,
                _ => return None,
            }),
            _ => return None,
        };
        Some(Self { xid, outcome })
    }

    /// The message; at most 32 octets.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut units = vec![self.xid, REPLY];
        match self.outcome {
            Ok(result) => {
                units.extend([MSG_ACCEPTED, AUTH_NONE, 0, SUCCESS]);
                units.extend(result);
            }
            Err(refusal) => refusal.append_to(&mut units),
        }
        octets(&units)
    }
}

fn read_accepted(mut reader: XdrReader<'_>) -> Option<Result<Option<u32>, Refusal>> {
    let _verifier_flavor = reader.unsigned()?;
    reader.skip_opaque(MAX_AUTH)?;
    Some(match reader.unsigned()? {
        SUCCESS => Ok(reader.unsigned()),
        PROG_UNAVAIL => Err(Refusal::Program),
        PROG_MISMATCH => {
            Err(Refusal::ProgramVersion { low: reader.unsigned()?, high: reader.unsigned()? })
        }
        PROC_UNAVAIL => Err(Refusal::Procedure),
        GARBAGE_ARGS => Err(Refusal::Arguments),
        SYSTEM_ERR => Err(Refusal::System),
        _ => return None,
    })
}

impl Refusal {
    fn append_to(self, units: &mut Vec<u32>) {
        let accept_stat = match self {
            Self::RpcVersion => {
                return units.extend([MSG_DENIED, RPC_MISMATCH, RPC_VERSION, RPC_VERSION]);
            }
            Self::Credential => return units.extend([MSG_DENIED, AUTH_ERROR, AUTH_REJECTEDCRED]),
            Self::Program => PROG_UNAVAIL,
            Self::ProgramVersion { .. } => PROG_MISMATCH,
            Self::Procedure => PROC_UNAVAIL,
            Self::Arguments => GARBAGE_ARGS,
            Self::System => SYSTEM_ERR,
        };
        units.extend([MSG_ACCEPTED, AUTH_NONE, 0, accept_stat]);
        if let Self::ProgramVersion { low, high } = self {
            units.extend([low, high]);
        }
    }
}
