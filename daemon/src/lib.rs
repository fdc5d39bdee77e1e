//! The parts that every long-running program of ours needs: sockets, the connections on them, descriptors,
//! the log and signals.
//!
//! A stranger may connect to each of our listeners, so what a connection can hold is decided here once:
//!
//! - [`ConnectionPermits`] counts connections by the network of the peer. Where there is no permit left, the
//!   longest idle connection of the network that has the most loses its own.
//! - [`Guarded`] is a stream that ends when its permit is revoked, or when the peer takes nothing of what is
//!   written for too long.
//! - [`Listener`] is bound to a TCP address or a Unix socket, and accepts without end.
//! - [`Tls`] is what may lie over TCP, with certificates that are replaced while connections live.
//! - [`file_access`] warns of secrets that others can read.
//! - [`descriptors`] sees to it that connections leave enough open files for everything else.
//! - [`log`] refuses filters that mean nothing and survives the end of whoever reads the log.
//! - [`Signals`] takes those that would else end the process.

pub mod descriptors;
pub mod file_access;
mod guarded;
mod listener;
pub mod log;
mod network;
mod permits;
mod signals;
mod tls;

pub use guarded::{Guarded, linger};
pub use listener::{Access, AccessError, Listen, ListenError, Listener, Stream, privileged_hint};
pub use network::PeerNetwork;
pub use permits::{BusyGuard, ConnectionLimits, ConnectionPermit, ConnectionPermits};
pub use signals::{Signal, Signals};
pub use tls::{Tls, TlsClients, TlsError, TlsFiles, TlsIdentity, Transport};
