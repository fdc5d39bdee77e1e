//! Where messages go that the receiver takes.

use std::{future::Future, net::SocketAddr};

use dnsbl_types::UnixTime;

use crate::Candidate;

/// A message that came to the receiver, with at least one recipient whose token the inbox expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// From where. IPv4 is never mapped into IPv6.
    pub peer: SocketAddr,
    /// To which of our addresses.
    pub local: SocketAddr,
    /// What the peer called itself; empty where it did not.
    pub helo: String,
    /// The envelope sender without brackets; empty where it is null.
    pub mail_from: String,
    /// The tokens of the recipients, each once; the inbox expects them all.
    pub candidates: Vec<Candidate>,
    /// The message, dots unstuffed; at most [`max_size`](crate::ReceiverSettings::max_size) octets.
    pub data: Vec<u8>,
    /// When.
    pub at: UnixTime,
}

/// The message could not be stored; the peer is told to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken;

/// An inbox, which gets the messages.
pub trait Inbox: Send + Sync + 'static {
    /// Whether the token verifies, for a test that still waits. What can't be told at the moment is
    /// expected: the peer would not try again, and [`Inbox::returned`] can still refuse.
    fn expects(&self, candidate: &Candidate) -> impl Future<Output = bool> + Send;

    /// Takes a message; it is durable when this has finished. The peer is told that the message was
    /// taken only then, so one that came may come again: once stored, a second one changes nothing.
    fn returned(&self, received: Received) -> impl Future<Output = Result<(), NotTaken>> + Send;
}
