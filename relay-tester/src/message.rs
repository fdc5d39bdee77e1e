//! What is sent, and as whom.

use std::{net::IpAddr, sync::Arc};

use dnsbl_types::UnixTime;

use crate::{HostName, RelayTarget, TestId, TokenKeys};

/// Why a host is tested; stored with every test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// The request came from the tested address.
    Own,
    /// A verified owner asked.
    Owner,
    /// There is evidence that it relayed.
    Evidence,
    /// It is listed, and its time has come.
    Retest,
    /// Somebody wants it delisted.
    Delist,
}

/// As whom the tester shows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Our name in EHLO.
    pub ehlo: HostName,
    /// The domain whose mail the receiver takes.
    pub probe_domain: HostName,
    /// The local part of senders elsewhere than at the probe domain, and of `From:`.
    pub mail_from_local: String,
    /// The Subject; `{address}` and `{id}` are filled in.
    pub subject: String,
    /// The page of a test, with `{id}` and `{address}`.
    pub lookup_url: String,
    /// Who answers questions: an address or a URL.
    pub contact: String,
    /// How to opt out, in English.
    pub opt_out_en: String,
    /// How to opt out, in Japanese.
    pub opt_out_ja: String,
}

/// One test as the dialogue needs to know it.
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

impl Ground {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Owner => "owner",
            Self::Evidence => "evidence",
            Self::Retest => "retest",
            Self::Delist => "delist",
        }
    }
}
