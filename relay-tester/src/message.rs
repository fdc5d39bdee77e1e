//! Messages, and the identity of their sender.

mod compose;
mod header_text;
#[cfg(test)]
pub(crate) mod sample;

use std::{net::IpAddr, sync::Arc};

use dnsbl_types::UnixTime;

pub(crate) use compose::{compose, date, quoted_printable, wire};
pub use header_text::{HeaderText, LocalPart, TextError};

use crate::{
    Binding, HostName, Kind, Probe, RelayTarget, TestId, TokenKeys,
    probe::{Placeholders, literal},
    words::words,
};

words! {
    /// The ground on which a host is tested; stored with every test.
    pub enum Ground {
        /// The request came from the tested address.
        Own = "self",
        /// A verified owner asked.
        Owner = "owner",
        /// There is evidence that it relayed.
        Evidence = "evidence",
        /// It is listed, and its time has come.
        Retest = "retest",
        /// Somebody wants it delisted.
        Delist = "delist",
    }
}

/// The identity that the tester shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Our name in EHLO. It should lead to the address that connects, and back.
    pub ehlo: HostName,
    /// The domain whose mail the receiver takes.
    pub probe_domain: HostName,
    /// The local part of senders elsewhere than at the probe domain, and of `From:`.
    pub mail_from_local: LocalPart,
    /// The Subject; `{address}` and `{id}` are filled in.
    pub subject: HeaderText,
    /// The page of a test; `{address}` and `{id}` are filled in. Not mentioned where there is none.
    pub lookup_url: Option<HeaderText>,
    /// Who answers questions and takes opt-outs: an address or a URL. Not the probe domain: its
    /// receiver takes mail for postmaster, but nobody reads it.
    pub contact: HeaderText,
    /// How to opt out, in English.
    pub opt_out_en: String,
    /// How to opt out, in Japanese.
    pub opt_out_ja: String,
}

/// A test as the dialogue needs to know it.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Its number.
    pub test: TestId,
    /// Who is tested.
    pub target: RelayTarget,
    /// Why.
    pub ground: Ground,
    /// A domain whose MX the host is, checked by [`mx`](crate::mx).
    pub domain: Option<HostName>,
    /// The host's name in the DNS, for want of a better one.
    pub ptr: Option<HostName>,
    /// The public address of our receiver.
    pub receiver: Option<IpAddr>,
    /// From when on what comes back counts no more.
    pub expires_at: UnixTime,
    /// The date of the messages.
    pub date: UnixTime,
    /// As whom.
    pub identity: Arc<Identity>,
    /// What tokens are made with.
    pub keys: Arc<TokenKeys>,
}

impl Identity {
    /// Says who we are under these names; questions go to the postmaster of the EHLO name.
    pub fn new(ehlo: HostName, probe_domain: HostName) -> Self {
        let contact = HeaderText::postmaster(&ehlo);
        Self {
            opt_out_en: format!("write to {contact} from an address of the network's owner."),
            opt_out_ja: format!(
                "ネットワークの管理者のアドレスから {contact} までご連絡ください。"
            ),
            ehlo,
            probe_domain,
            mail_from_local: LocalPart::relaytest(),
            subject: HeaderText::subject(),
            lookup_url: None,
            contact,
        }
    }
}

impl Assignment {
    /// What its tokens hold for.
    pub fn binding(&self) -> Binding {
        let target = self.target;
        Binding { addr: target.addr(), port: target.port(), expires_at: self.expires_at }
    }

    /// The placeholders of one of its probes; the host is called by its address where it has no name.
    pub(crate) fn placeholders(&self, probe: &Probe, host: Option<&HostName>) -> Placeholders {
        let token = |kind| {
            let token = self.keys.mint(kind, self.test, probe.index, &self.binding());
            token.expose().to_owned()
        };
        let own = literal(self.target.addr());
        Placeholders {
            token: token(Kind::Return),
            bounce: token(Kind::Bounce),
            sender: self.identity.mail_from_local.to_string(),
            probe_domain: self.identity.probe_domain.to_string(),
            host: host.map_or_else(|| own.clone(), HostName::to_string),
            literal: own,
            domain: self.domain.as_ref().map(HostName::to_string).unwrap_or_default(),
            receiver: self.receiver.map(literal).unwrap_or_default(),
        }
    }
}
