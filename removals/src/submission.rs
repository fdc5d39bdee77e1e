//! What somebody asks for, and the reasons for which it is not taken.

use std::{fmt, net::IpAddr, str::FromStr};

use dnsbl_reports::Comment;
use dnsbl_store::Actor;
use dnsbl_types::{Name, Subject};
use ipnet::IpNet;
use lettre::Address;

use crate::Language;

/// A mailbox that answers go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contact(Address);

/// A text that is no mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a contact is a mailbox such as taro@example.jp, in ASCII and of at most {} bytes",
    Contact::MAX
)]
pub struct ContactError;

impl Contact {
    /// The longest, in bytes (RFC 5321 section 4.5.3.1.3).
    pub const MAX: usize = 254;

    /// The mailbox as SMTP has it.
    pub(crate) fn address(&self) -> &Address {
        &self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl FromStr for Contact {
    type Err = ContactError;

    fn from_str(text: &str) -> Result<Self, ContactError> {
        let text = text.trim();
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"');
        if text.len() > Self::MAX || !text.bytes().all(is_plain) {
            return Err(ContactError);
        }
        text.parse().map(Self).map_err(|_| ContactError)
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What shall be listed no more.
    pub subject: Subject,
    /// The zone that lists it; `None`: the only one that does.
    pub zone: Option<Name>,
    /// Who asks.
    pub asker: Asker,
    /// Where answers go.
    pub contact: Option<Contact>,
    /// What is said for it.
    pub comment: Option<Comment>,
    /// The language of whoever asks.
    pub language: Language,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The holder of a token, from a network unless over a Unix socket.
    Token(Actor, Option<IpNet>),
    /// Somebody from a network.
    Anybody(IpNet),
}

impl Asker {
    /// The network of an address, as limits count it: its /24, or its /48 of IPv6.
    pub fn network(address: IpAddr) -> IpNet {
        let address = address.to_canonical();
        IpNet::new_assert(address, if address.is_ipv4() { 24 } else { 48 }).trunc()
    }

    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Self::Token(actor, _) => Some(&actor.name),
            Self::Anybody(_) => None,
        }
    }

    pub(crate) fn from(&self) -> Option<IpNet> {
        match self {
            Self::Token(_, network) => *network,
            Self::Anybody(network) => Some(*network),
        }
    }
}

/// The reason for which a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
    /// It is granted there, by logins.
    #[error("{0} is an allow zone: what logins grant there ends by itself")]
    Grants(Name),
    /// It is not listed there.
    #[error("{subject} is not listed in {zone}")]
    NotListed {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
    },
    /// It is listed nowhere.
    #[error("{0} is not listed in any zone here")]
    NowhereListed(Subject),
    /// It is listed in several zones.
    #[error("{subject} is listed in {}: name one", names(.zones))]
    SeveralList {
        /// The subject.
        subject: Subject,
        /// The zones.
        zones: Vec<Name>,
    },
    /// It is listed in a zone that the named one includes.
    #[error("{zone} includes {}, where {subject} is listed: name that zone", names(.included))]
    Elsewhere {
        /// The zone.
        zone: Name,
        /// The subject.
        subject: Subject,
        /// Zones that list it.
        included: Vec<Name>,
    },
    /// It is a test entry.
    #[error("{0} is a test entry of RFC 5782 section 5: it always exists and is no listing")]
    TestEntry(Subject),
    /// A contact is needed.
    #[error("{0} wants requests to be confirmed by mail: give a contact")]
    NoContact(Name),
    /// Many requests wait.
    #[error("{0} requests for removal wait, which is the most")]
    Full(u64),
    /// Many have asked the same.
    #[error("{count} others have asked to remove {subject} already, which is the most")]
    Crowded {
        /// The subject.
        subject: Subject,
        /// How many.
        count: usize,
    },
    /// Whoever asks has asked often.
    #[error("{0}; try again in {1} seconds")]
    Often(Often, u64),
    /// Many mails wait.
    #[error("{0} mails wait to be sent, which is the most")]
    MailFull(u64),
}

/// A limit on how often is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Often {
    /// Of one network, or one token.
    #[error("as many requests for removal as one network or token may make in an hour were made")]
    Asker,
    /// Of one mailbox.
    #[error("as many mails as one mailbox is sent in a day were sent")]
    Contact,
}

fn names(zones: &[Name]) -> String {
    zones.iter().map(Name::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::Contact;

    #[test]
    fn a_contact_is_one_mailbox_and_nothing_that_a_header_obeys() {
        for good in ["taro@example.jp", " taro+x@mail.example.jp "] {
            assert_eq!(good.parse::<Contact>().unwrap().as_str(), good.trim());
        }
        for bad in [
            "",
            "taro",
            "taro@",
            "@example.jp",
            "taro@example.jp\r\nBcc: x@example.jp",
            "<taro@example.jp>",
            "a@example.jp,b@example.jp",
            "太郎@example.jp",
            "\"a b\"@example.jp",
            &format!("{}@example.jp", "x".repeat(250)),
        ] {
            assert!(bad.parse::<Contact>().is_err(), "{bad}");
        }
    }
}
