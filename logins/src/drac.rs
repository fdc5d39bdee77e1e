//! Logins by DRAC's own remote procedure call, which POP and IMAP servers of the time make.
//!
//! DRAC is ONC RPC (RFC 5531) over UDP: program 900101, in which procedure 1 of version 1 adds an IPv4
//! address and procedure 1 of version 2, which Debian's patch for IPv6 brought, an IPv6 address. Nothing takes an
//! address away. No secret is in a call and the sender's address can be forged, so a [`DracListener`] hears
//! loopback only, unless its settings say otherwise, and gives no sign of life to anybody else.
//!
//! # The way of a call
//!
//! `listener.rs` receives a datagram and looks whose it is ► `call.rs` reads what it asks, in terms of `rpc.rs` and
//! `xdr.rs` (all pure) ► `duplicates.rs` says whether it was here before (pure) ► the [`Drac`] that is served
//! decides ► `listener.rs` replies. Beside that, `portmapper.rs` tells rpcbind the port, which is whom DRAC's clients ask.
//!
//! No reply is longer than the shortest call of a procedure.

mod call;
mod counters;
mod duplicates;
mod listener;
mod portmapper;
mod rpc;
mod xdr;

#[doc(hidden)]
pub use call::answer;
pub use call::{AddResult, MAX_CALL};
pub use counters::{DracCounters, DracOutcome};
pub use listener::{Drac, DracBindError, DracListener, DracSettings};
