//! What a token may do: the one place that says so.
//!
//! A handler asks, and gets a value that nothing else makes: a [`PermittedZone`] to read from, a [`Permitted`] change to
//! hand to the store. What was not asked for can't be changed.
//!
//! The rights of a token are what it and all the tokens above it have in common, so that whoever takes something from a
//! token takes it from those that were made with it too.

use std::{collections::BTreeSet, net::IpAddr, ops::Deref, sync::Arc};

use dnsbl_store::{Actor, Authenticated, Operation, TokenRecord};
use dnsbl_types::{MaxPrefix, Name, Subject, Subscriber, TokenTerms, UnixTime};
use ipnet::IpNet;

use crate::{error::NotPermitted, sources::SourceRights};

/// The rights of a token.
#[derive(Clone, Debug)]
pub struct Rights {
    scopes: BTreeSet<String>,
    sources: SourceRights,
    zones: ZoneRights,
    prefixes: PrefixRights,
    /// Of each of these lists one network.
    networks: Vec<Vec<IpNet>>,
    expires_at: Option<UnixTime>,
    terms: TokenTerms,
}

/// The zones that somebody may see and change.
#[derive(Clone, Debug)]
pub enum ZoneRights {
    /// All that there are and will be.
    All,
    /// These.
    Only(Arc<BTreeSet<Name>>),
}

/// The prefixes whose listings somebody may change.
#[derive(Clone, Copy, Debug)]
pub struct PrefixRights(Option<MaxPrefix>);

/// A zone that the caller may see and change, as far as scopes and prefixes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermittedZone(Name);

/// A change that its actor may make.
#[derive(Debug)]
pub struct Permitted {
    actor: Actor,
    operation: Operation,
}

impl Rights {
    /// Those of a token that counts.
    pub fn of(Authenticated { token, ancestors, .. }: &Authenticated) -> Self {
        ancestors.iter().fold(Self::alone(token), |rights, above| rights.and(Self::alone(above)))
    }

    /// Those that a token has by itself.
    fn alone(token: &TokenRecord) -> Self {
        let TokenTerms { zones, max_prefix, networks, .. } = &token.terms;
        Self {
            scopes: token.scopes.iter().cloned().collect(),
            sources: SourceRights::of(token),
            zones: match zones.is_empty() {
                true => ZoneRights::All,
                false => ZoneRights::Only(Arc::new(zones.iter().cloned().collect())),
            },
            prefixes: PrefixRights(*max_prefix),
            networks: Some(networks.clone()).filter(|all| !all.is_empty()).into_iter().collect(),
            expires_at: token.expires_at,
            terms: token.terms.clone(),
        }
    }

    /// What it has in common with a token above it.
    fn and(self, above: Self) -> Self {
        let ends = [self.expires_at, above.expires_at];
        Self {
            scopes: self.scopes.intersection(&above.scopes).cloned().collect(),
            sources: self.sources.and(&above.sources),
            zones: self.zones.and(above.zones),
            prefixes: self.prefixes.and(above.prefixes),
            networks: [self.networks, above.networks].concat(),
            expires_at: ends.into_iter().flatten().min(),
            terms: self.terms,
        }
    }

    /// Whether it has a scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// Refuses what needs a scope that it lacks.
    ///
    /// # Errors
    /// It lacks the scope.
    pub fn require(&self, scope: &str) -> Result<(), NotPermitted> {
        if self.has(scope) { Ok(()) } else { Err(NotPermitted::Scope(scope.into())) }
    }

    /// The sources that it writes and deletes as.
    pub fn sources(&self) -> &SourceRights {
        &self.sources
    }

    /// The zones that it sees and changes.
    pub fn zones(&self) -> &ZoneRights {
        &self.zones
    }

    /// The prefixes whose listings it changes.
    pub fn prefixes(&self) -> PrefixRights {
        self.prefixes
    }

    /// Refuses requests from elsewhere than its networks. `None` is a Unix socket, which is on this machine.
    ///
    /// # Errors
    /// It is for other networks.
    pub fn admit(&self, from: Option<IpAddr>) -> Result<(), NotPermitted> {
        let is_from = |network: &IpNet| match from {
            Some(from) => network.contains(&from.to_canonical()),
            None => network.addr().is_loopback(),
        };
        match self.networks.iter().all(|networks| networks.iter().any(is_from)) {
            true => Ok(()),
            false => Err(NotPermitted::Network),
        }
    }

    /// Refuses what tells of all zones, or changes what is theirs together, to who may not see all of them.
    ///
    /// # Errors
    /// It is for some zones only.
    pub fn require_every_zone(&self, what: &str) -> Result<(), NotPermitted> {
        let ZoneRights::Only(zones) = &self.zones else { return Ok(()) };
        Err(NotPermitted::ServerWide { what: what.into(), zones: zones.iter().cloned().collect() })
    }

    /// Refuses what acts on prefixes of any size to who may change small ones only.
    ///
    /// # Errors
    /// It is for prefixes of some size only.
    pub fn require_every_prefix(&self, what: &str) -> Result<(), NotPermitted> {
        match self.prefixes.0 {
            None => Ok(()),
            Some(max) => Err(NotPermitted::AnyPrefix { what: what.into(), max }),
        }
    }

    /// A change of its holder.
    ///
    /// # Errors
    /// It may not.
    pub fn permit(&self, actor: Actor, operation: Operation) -> Result<Permitted, NotPermitted> {
        match &operation {
            Operation::PutZone { zone, .. } => {
                self.require_every_prefix("a zone")?;
                self.zones.permit(&zone.origin)?;
                // Whoever includes a zone shows what it lists.
                for include in zone.includes.as_slice() {
                    self.zones.permit(&include.zone)?;
                }
            }
            Operation::DeleteZone(origin) => {
                self.require_every_prefix("a zone")?;
                self.zones.permit(origin)?;
            }
            Operation::PutListing { zone, subject, .. }
            | Operation::DeleteListing { zone, subject, .. } => {
                self.zones.permit(zone)?;
                self.prefixes.permit(subject)?;
            }
            Operation::PutAllow { entry, .. } => {
                self.permit_what_is_of(entry.zone.as_ref())?;
                self.prefixes.permit(&entry.subject)?;
            }
            Operation::DeleteAllow { zone, subject, .. } => {
                self.permit_what_is_of(zone.as_ref())?;
                self.prefixes.permit(subject)?;
            }
            Operation::PutSource { zone, .. } => {
                self.require_every_prefix("a source")?;
                self.zones.permit(zone)?;
            }
            // It was staged for permitted zones, and each row was asked for.
            Operation::CommitImport(_) => {}
            Operation::Undo { .. } => self.permit_undo()?,
            Operation::PutToken(token) => self.cover(token)?,
            Operation::PutSubscriber { subscriber, .. } => self.permit_subscriber(subscriber)?,
            // What these are about is not said in them: `permit_for` is told.
            Operation::DeleteToken { .. }
            | Operation::RotateSubscriber { .. }
            | Operation::DeleteSubscriber { .. } => {
                self.require_every_zone("this")?;
                self.require_every_prefix("this")?;
            }
            Operation::PutDocument { .. }
            | Operation::DeleteDocument { .. }
            | Operation::Sweep
            | Operation::CompactSegments
            | Operation::ForgetUndo { .. }
            | Operation::TruncateLog { .. } => {
                return Err(NotPermitted::ServersOwn);
            }
        }
        Ok(Permitted { actor, operation })
    }

    /// Refuses what holds in a zone that it is not for, or in all of them.
    ///
    /// # Errors
    /// It is not for that zone, or not for all.
    pub fn permit_what_is_of(&self, zone: Option<&Name>) -> Result<(), NotPermitted> {
        match zone {
            Some(zone) => self.zones.permit(zone).map(drop),
            None => self.require_every_zone("an entry of all zones"),
        }
    }

    /// Refuses an undo to a token with limits: what it would take back is known only once it is done.
    ///
    /// # Errors
    /// It is for some zones or prefixes only.
    pub fn permit_undo(&self) -> Result<(), NotPermitted> {
        self.require_every_zone("an undo")?;
        self.require_every_prefix("an undo")
    }

    /// A change of a token as it is, be it that it goes.
    ///
    /// # Errors
    /// The token may do more than this one.
    pub fn permit_for_token(
        &self,
        actor: Actor,
        token: &TokenRecord,
        operation: Operation,
    ) -> Result<Permitted, NotPermitted> {
        if actor.token.as_ref() != Some(&token.id) {
            self.cover(token)?;
        }
        Ok(Permitted { actor, operation })
    }

    /// A change of a subscriber as it is, be it that it goes.
    ///
    /// # Errors
    /// The subscriber has a zone that it is not for.
    pub fn permit_for_subscriber(
        &self,
        actor: Actor,
        subscriber: &Subscriber,
        operation: Operation,
    ) -> Result<Permitted, NotPermitted> {
        self.permit_subscriber(subscriber)?;
        Ok(Permitted { actor, operation })
    }

    /// Refuses a subscriber to a zone that it may not see.
    ///
    /// # Errors
    /// The subscriber has a zone that it is not for.
    pub fn permit_subscriber(&self, subscriber: &Subscriber) -> Result<(), NotPermitted> {
        subscriber.zones.iter().try_for_each(|zone| self.zones.permit(zone).map(drop))
    }

    /// Refuses a token that may do more than this one, be it to hand it out, to change it or to take it away.
    ///
    /// # Errors
    /// That one may do more.
    pub fn cover(&self, other: &TokenRecord) -> Result<(), NotPermitted> {
        other.scopes.iter().try_for_each(|scope| self.require(scope))?;
        self.sources.cover(other)?;
        let TokenTerms { zones, max_prefix, networks, requests_per_minute } = &other.terms;
        if let ZoneRights::Only(own) = &self.zones
            && (zones.is_empty() || !zones.iter().all(|zone| own.contains(zone)))
        {
            return Err(self.beyond(&other.name, "zones", &texts(own).join(", ")));
        }
        if let Some(own) = self.prefixes.0
            && !max_prefix.is_some_and(|max| max.is_within(own))
        {
            return Err(self.beyond(&other.name, "max_prefix", &own.to_string()));
        }
        for own in &self.networks {
            let is_inside = |network: &IpNet| own.iter().any(|own| own.contains(network));
            if networks.is_empty() || !networks.iter().all(is_inside) {
                let own: Vec<String> = own.iter().map(IpNet::to_string).collect();
                return Err(self.beyond(&other.name, "networks", &own.join(", ")));
            }
        }
        if let Some(own) = self.terms.requests_per_minute
            && requests_per_minute.is_none_or(|most| most > own)
        {
            return Err(self.beyond(&other.name, "requests_per_minute", &own.to_string()));
        }
        Ok(())
    }

    fn beyond(&self, name: &str, term: &'static str, own: &str) -> NotPermitted {
        NotPermitted::Beyond { name: name.into(), term, own: own.into() }
    }

    /// The terms of a token that is made with this one, where nothing else is asked for.
    pub fn inherited(&self, asked: TokenTerms) -> TokenTerms {
        let TokenTerms { zones, max_prefix, networks, requests_per_minute } = asked;
        let or =
            |asked: Vec<IpNet>, own: &[IpNet]| if asked.is_empty() { own.to_vec() } else { asked };
        TokenTerms {
            zones: match &self.zones {
                ZoneRights::Only(own) if zones.is_empty() => own.iter().cloned().collect(),
                _ => zones,
            },
            max_prefix: max_prefix.or(self.prefixes.0),
            networks: or(networks, &self.terms.networks),
            requests_per_minute: requests_per_minute.or(self.terms.requests_per_minute),
        }
    }

    /// When it ends.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }
}

impl ZoneRights {
    /// A zone, if it may be seen and changed.
    ///
    /// # Errors
    /// It may not.
    pub fn permit(&self, origin: &Name) -> Result<PermittedZone, NotPermitted> {
        match self {
            Self::Only(zones) if !zones.contains(origin) => {
                let zones = zones.iter().cloned().collect();
                Err(NotPermitted::Zone { zone: origin.clone(), zones })
            }
            Self::All | Self::Only(_) => Ok(PermittedZone(origin.clone())),
        }
    }

    /// Whether a zone may be seen, for lists that show what may be.
    pub fn has(&self, origin: &Name) -> bool {
        match self {
            Self::All => true,
            Self::Only(zones) => zones.contains(origin),
        }
    }

    /// The same of what is about a zone, or about none, which only those see that see all zones.
    pub fn has_what_is_of(&self, origin: Option<&Name>) -> bool {
        match origin {
            Some(origin) => self.has(origin),
            None => matches!(self, Self::All),
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, other) | (other, Self::All) => other,
            (Self::Only(a), Self::Only(b)) => Self::Only(Arc::new(&*a & &*b)),
        }
    }
}

impl PrefixRights {
    /// Those of the server itself.
    pub const ALL: Self = Self(None);

    /// Refuses a subject that is too large.
    ///
    /// # Errors
    /// It may not.
    pub fn permit(self, subject: &Subject) -> Result<(), NotPermitted> {
        match self.0.filter(|max| !max.admits(subject)) {
            Some(max) => Err(NotPermitted::Prefix { subject: subject.clone(), max }),
            None => Ok(()),
        }
    }

    /// Why a subject may not be changed, if so; for the errors of rows.
    pub fn why_not(self, subject: &Subject) -> Option<String> {
        self.permit(subject).err().map(|why| why.to_string())
    }

    /// The largest prefixes, if there are any.
    pub fn max(self) -> Option<MaxPrefix> {
        self.0
    }

    fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Self(Some(a.and(b))),
            (a, b) => Self(a.or(b)),
        }
    }
}

impl Permitted {
    /// Who makes it, and what it is.
    pub(crate) fn into_parts(self) -> (Actor, Operation) {
        (self.actor, self.operation)
    }
}

impl PermittedZone {
    /// Its name.
    pub fn into_name(self) -> Name {
        self.0
    }
}

impl Deref for PermittedZone {
    type Target = Name;

    fn deref(&self) -> &Name {
        &self.0
    }
}

fn texts(zones: &BTreeSet<Name>) -> Vec<String> {
    zones.iter().map(Name::to_string).collect()
}

#[cfg(test)]
mod tests {
    use dnsbl_store::MintedToken;

    use super::*;

    fn token(name: &str, scopes: &[&str], terms: TokenTerms) -> TokenRecord {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let random = [7; MintedToken::RANDOM];
        let mut record = MintedToken::mint(random, name.into(), scopes, UnixTime(1), None).record;
        record.terms = terms;
        record
    }

    fn terms(zones: &[&str], max: Option<(u8, u8)>, networks: &[&str], most: u32) -> TokenTerms {
        TokenTerms {
            zones: zones.iter().map(|zone| zone.parse().unwrap()).collect(),
            max_prefix: max.map(|(ipv4, ipv6)| MaxPrefix::new(ipv4, ipv6).unwrap()),
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            requests_per_minute: most.try_into().ok(),
        }
    }

    fn rights(chain: &[TokenRecord]) -> Rights {
        let (token, ancestors) = chain.split_first().unwrap();
        let (token, ancestors) = (token.clone(), ancestors.to_vec());
        Rights::of(&Authenticated { token, ancestors, until: None })
    }

    #[test]
    fn a_token_has_nothing_that_one_above_it_lacks() {
        let child = token(
            "child",
            &["zones:read", "listings:write", "sources:all"],
            terms(&["a.example", "b.example"], Some((16, 32)), &["10.0.0.0/8"], 0),
        );
        let above = token(
            "above",
            &["zones:read", "listings:write"],
            terms(&["b.example", "c.example"], Some((24, 24)), &["10.1.0.0/16"], 0),
        );
        let rights = rights(&[child, above]);
        assert!(rights.has("zones:read") && !rights.has("sources:all"));
        assert!(rights.sources().may_write(&"child".parse().unwrap()).is_err());
        let zone = |text: &str| rights.zones().has(&text.parse().unwrap());
        assert_eq!([zone("a.example"), zone("b.example"), zone("c.example")], [false, true, false]);
        let max = rights.prefixes().max().unwrap();
        assert_eq!((max.ipv4(), max.ipv6()), (24, 32));
        let from = |text: &str| rights.admit(Some(text.parse().unwrap())).is_ok();
        assert!(from("10.1.2.3") && from("::ffff:10.1.2.3"));
        assert!(!from("10.2.2.3") && !from("192.0.2.1"));
    }

    #[test]
    fn a_unix_socket_is_on_this_machine() {
        let of = |networks: &[&str]| rights(&[token("a", &[], terms(&[], None, networks, 0))]);
        assert!(of(&[]).admit(None).is_ok());
        assert!(of(&["192.0.2.0/24", "127.0.0.0/8"]).admit(None).is_ok());
        assert!(of(&["192.0.2.0/24"]).admit(None).is_err());
    }

    #[test]
    fn a_token_covers_those_that_may_do_no_more() {
        let own = terms(&["a.example", "b.example"], Some((24, 48)), &["10.0.0.0/8"], 60);
        let rights = rights(&[token("ops", &["zones:read"], own)]);
        let covers = |terms: TokenTerms| rights.cover(&token("x", &["zones:read"], terms)).is_ok();
        assert!(covers(terms(&["a.example"], Some((32, 48)), &["10.9.0.0/16"], 60)));
        assert!(covers(rights.inherited(TokenTerms::default())));
        for more in [
            terms(&[], Some((24, 48)), &["10.0.0.0/8"], 60),
            terms(&["c.example"], Some((24, 48)), &["10.0.0.0/8"], 60),
            terms(&["a.example"], None, &["10.0.0.0/8"], 60),
            terms(&["a.example"], Some((24, 47)), &["10.0.0.0/8"], 60),
            terms(&["a.example"], Some((24, 48)), &[], 60),
            terms(&["a.example"], Some((24, 48)), &["10.0.0.0/8", "192.0.2.0/24"], 60),
            terms(&["a.example"], Some((24, 48)), &["10.0.0.0/8"], 61),
            terms(&["a.example"], Some((24, 48)), &["10.0.0.0/8"], 0),
        ] {
            assert!(!covers(more.clone()), "{more:?}");
        }
    }
}
