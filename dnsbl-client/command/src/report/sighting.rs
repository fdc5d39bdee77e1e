//! What is seen of a client.

use std::net::IpAddr;

use jiff::Timestamp;

/// What an SMTP server did with something of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// When.
    pub(crate) at: Timestamp,
    /// Whose it was.
    pub(crate) client: IpAddr,
    pub(crate) event: Event,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A recipient whom nobody knows was refused.
    Unknown {
        /// Which one.
        recipient: RecipientHash,
        /// Whether the sender was `<>`, as that of a bounce is (RFC 5321 section 4.5.5).
        is_bounce: bool,
    },
    /// Recipients were accepted.
    Accepted {
        /// How many; at least 1.
        recipients: u32,
    },
}

/// A recipient, by which equal ones are told and no other thing: a hash with a key that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RecipientHash(pub(crate) u64);
