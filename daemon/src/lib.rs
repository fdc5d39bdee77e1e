//! The parts that every long-running program of ours needs: sockets, the connections on them, descriptors,
//! the log and signals.
//!
//! A stranger may connect to each of our listeners, so what a connection can hold is decided here once:
//!
//! - [`Places`] counts connections by the network of the peer. Where there is no place left, the longest
//!   idle connection of the network that has the most loses its own.
//! - [`Guarded`] is a stream that loses its place when it is wanted, or when the peer takes nothing of
//!   what is written for too long.
//! - [`Listener`] binds TCP addresses and Unix sockets, and accepts without end.
//! - [`descriptors`] sees to it that connections leave enough open files for everything else.
//! - [`log`] refuses filters that mean nothing and survives the end of whoever reads the log.
//! - [`Signals`] takes those that would else end the process.

pub mod descriptors;
pub mod doors;
mod guarded;
mod listener;
pub mod log;
mod peer;
mod places;
mod signals;

pub use guarded::{Guarded, linger};
pub use listener::{Access, AccessError, Listen, ListenError, Listener, Stream, privileged_hint};
pub use peer::Peer;
pub use places::{Busy, Limits, Place, Places};
pub use signals::{Signal, Signals};
