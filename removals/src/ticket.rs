//! Tickets: what opens the page of a request, and what confirms it.

use std::{fmt, str::FromStr};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};

use crate::RemovalId;

/// How many bytes of a ticket are random.
const SECRET: usize = 16;

/// An unguessable text that leads to a request: its number, and 128 bits that only whoever asked was told.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) id: RemovalId,
    secret: [u8; SECRET],
}

/// What is kept of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TicketDigest(pub(crate) [u8; 32]);

/// A text that is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no ticket: one has {} letters and digits", Ticket::LEN)]
pub struct TicketError;

impl Ticket {
    /// Characters of a ticket.
    pub const LEN: usize = 39;
    /// Random bytes of a ticket.
    pub(crate) const RANDOM: usize = SECRET;

    pub(crate) fn new(id: RemovalId, secret: [u8; Self::RANDOM]) -> Self {
        Self { id, secret }
    }

    /// The number of the request that it leads to.
    pub fn request(&self) -> RemovalId {
        self.id
    }

    /// The text, for whoever asked.
    pub fn reveal(&self) -> String {
        let bytes = [&self.id.0.to_be_bytes()[..], &self.secret].concat();
        BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
    }

    pub(crate) fn digest(&self) -> TicketDigest {
        TicketDigest(*blake3::hash(self.reveal().as_bytes()).as_bytes())
    }

    /// Whether it is the one that is known by a digest, in constant time.
    pub(crate) fn is(&self, digest: &TicketDigest) -> bool {
        blake3::hash(self.reveal().as_bytes()) == blake3::Hash::from_bytes(digest.0)
    }
}

/// Shows which request, and not the secret.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({}, …)", self.id)
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text = text.trim();
        if text.len() != Self::LEN {
            return Err(TicketError);
        }
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes());
        let bytes = bytes.map_err(|_| TicketError)?;
        let (id, secret) = bytes.split_first_chunk().ok_or(TicketError)?;
        let secret = secret.try_into().map_err(|_| TicketError)?;
        Ok(Self { id: RemovalId(u64::from_be_bytes(*id)), secret })
    }
}

/// A name for something that has none of its own, as URLs take it: its parts, each without a line feed.
pub(crate) fn name_of(parts: &[&str]) -> String {
    BASE64URL_NOPAD.encode(parts.join("\n").as_bytes())
}

/// The parts of such a name.
pub(crate) fn parts_of(name: &str) -> Option<Vec<String>> {
    let bytes = BASE64URL_NOPAD.decode(name.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split('\n').map(ToOwned::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_is_written_and_no_other_opens_the_request() {
        let ticket = Ticket::new(RemovalId(7), [9; Ticket::RANDOM]);
        let text = ticket.reveal();
        assert_eq!((text.len(), text.parse()), (Ticket::LEN, Ok(ticket.clone())));
        assert_eq!(format!(" {}\n", text.to_uppercase()).parse(), Ok(ticket.clone()));
        assert!(ticket.is(&ticket.digest()));
        assert!(!Ticket::new(RemovalId(7), [8; Ticket::RANDOM]).is(&ticket.digest()));
        assert!(!Ticket::new(RemovalId(8), [9; Ticket::RANDOM]).is(&ticket.digest()));
        assert!(!format!("{ticket:?}").contains(&text));
        for bad in ["", "a", &text[1..], &format!("{text}a"), &text.replace(&text[..1], "1")] {
            assert_eq!(bad.parse::<Ticket>(), Err(TicketError), "{bad}");
        }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let parts = ["bl.example.org", "192.0.2.0/24", "ops"];
        assert_eq!(parts_of(&name_of(&parts)).unwrap(), parts);
        assert_eq!(parts_of("="), None);
    }
}
