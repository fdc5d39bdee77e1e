//! Forms that anybody may send, and what stands in the way of programs that send them by the thousand, or in
//! somebody else's name.
//!
//! Nobody has a session here, and without scripts nobody can be made to work for an answer. So a form is taken
//! only from the network that it was shown to, some seconds after that at the earliest (`seal.rs`), from a page
//! of ours as far as the browser tells (`origin.rs`), so often from one network (`rates.rs`), and up to a size
//! (`fields.rs`).

mod fields;
mod origin;
mod seal;

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use axum::{extract::Request, http::HeaderMap};
use dnsbl_daemon::PeerNetwork;
use dnsbl_types::UnixTime;
use url::Url;

use self::seal::Sealer;
pub(crate) use self::{
    fields::Fields,
    origin::is_ours,
    seal::{Form, SealError},
};
use crate::rates::Rates;

/// A form that was sent.
pub(crate) struct Posted {
    /// Who sent it.
    pub(crate) from: IpAddr,
    /// What was typed.
    pub(crate) fields: Fields,
    /// Whether its seal holds. What was typed is shown again where it does not.
    pub(crate) seal: Result<(), SealError>,
}

/// The reason why a form is not even read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A page of somebody else's sent it.
    Elsewhere,
    /// It is not known who sent it: a proxy does not say.
    NoAddress,
    /// The network has sent too many.
    TooMany(Duration),
    /// It is no form, or larger than any of ours.
    Unreadable,
}

/// What stands before every form.
pub(crate) struct FormGate {
    rates: Rates,
    sealer: Sealer,
    /// Where the pages are found from outside.
    url: Option<Url>,
}

impl FormGate {
    /// For so many forms an hour from one network, 0: any. `key` is random.
    pub(crate) fn new(key: [u8; 32], per_hour: u32, url: Option<Url>, began: Instant) -> Self {
        Self { rates: Rates::of_forms(per_hour, began), sealer: Sealer::new(key), url }
    }

    /// The seal of a form that is shown to a visitor.
    pub(crate) fn seal(&self, form: Form, visitor: Option<IpAddr>, now: UnixTime) -> String {
        self.sealer.seal(form, visitor.map_or(PeerNetwork::Local, PeerNetwork::of), now)
    }

    /// Lets a form in that needs no seal, since what it holds is a secret itself.
    ///
    /// # Errors
    /// It is not even looked at.
    pub(crate) fn admit(
        &self,
        visitor: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<(), Refused> {
        if !is_ours(headers, self.url.as_ref()) {
            return Err(Refused::Elsewhere);
        }
        let network = visitor.map_or(PeerNetwork::Local, PeerNetwork::of);
        self.rates.charge(network, Instant::now()).map_err(Refused::TooMany)
    }

    /// Takes a form.
    ///
    /// # Errors
    /// It is not even read.
    pub(crate) async fn receive(
        &self,
        form: Form,
        visitor: Option<IpAddr>,
        request: Request,
    ) -> Result<Posted, Refused> {
        self.admit(visitor, request.headers())?;
        let from = visitor.ok_or(Refused::NoAddress)?;
        let fields = Fields::read(request).await.ok_or(Refused::Unreadable)?;
        let network = PeerNetwork::of(from);
        let seal = self.sealer.check(fields.get("seal"), form, network, UnixTime::now());
        Ok(Posted { from, fields, seal })
    }
}
