//! Access: who may ask, and how much. It is decided between the lookup of a question and its answer, for both
//! paths.
//!
//! The rules of the server come first, then those of the zone. A rule for the client's network decides; where
//! there is none it depends on whether the client is a subscriber, by the key in the name or by its network.
//! Whoever may ask is charged: a subscriber on its own account, others by address, network and zone.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use dnsbl_index::{IndexedSubscriber, IndexedZone};
use dnsbl_types::{
    AccessAction, AccessRules, ClockReading, Day, Denial, ListAll, Moment, SubscriberId,
    SubscriberMode, ZoneQuotas,
};

use super::{
    denied::Denied,
    lookup::Lookup,
    quotas::{Payer, QuotaTable},
};

/// What this server knows of who may ask, beside the settings of its zones.
pub(crate) struct AccessControl {
    rules: AccessRules,
    quotas: QuotaTable,
    began: Instant,
}

/// What a client may ask for with one question, and on whose account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub(super) permission: Permission<'a>,
    account: Option<Account<'a>>,
    /// Why it is denied, unless a rule says so.
    denial: Option<DenialReason>,
}

/// What a client may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Permission<'a> {
    /// Everything.
    Full,
    /// Test entries and the zone's own records; nothing else is listed.
    OwnRecords,
    /// Nothing that is true: it gets this in place of every listing.
    Forged(Forged<'a>),
    /// Nothing; it is told so.
    Refused,
    /// Nothing; it is not even told so.
    Ignored,
}

/// What is answered in place of the truth (RFC 8914 section 4.5).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forged<'a> {
    /// A listing, to this client.
    Listing(&'a ListAll, IpAddr),
    /// A code that says why nothing is answered.
    Denial(DenialReason),
}

/// The reason why a question is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DenialReason {
    /// The key in the name is unknown, revoked, expired, or not for this zone or network.
    Key,
    /// The client is no subscriber.
    NoSubscriber,
    /// More was asked than may be.
    Quota,
}

/// The account that a question is charged to.
#[derive(Clone, Copy, Debug)]
struct Account<'a> {
    subscriber: &'a IndexedSubscriber,
    /// The place of the zone in it.
    zone: usize,
}

impl AccessControl {
    /// Access by these rules in all zones. Quotas of those who are no subscribers count once their table has been
    /// [started](QuotaTable::start).
    pub(crate) fn new(rules: AccessRules, now: Instant) -> Self {
        Self { rules, quotas: QuotaTable::default(), began: now }
    }

    /// What all have asked who are no subscribers.
    pub(crate) fn quotas(&self) -> &QuotaTable {
        &self.quotas
    }

    /// Whether nothing that comes from a client is replied to.
    pub(super) fn ignores(&self, client: IpAddr) -> bool {
        !self.rules.is_open() && *self.rules.of(client) == AccessAction::Ignore
    }

    /// Decides what a client may ask for with a question.
    pub(super) fn decide<'a>(
        &'a self,
        lookup: &Lookup<'a>,
        client: IpAddr,
        now: ClockReading,
    ) -> Access<'a> {
        let everywhere = if self.rules.is_open() { None } else { Some(self.rules.of(client)) };
        if let Some(action) = everywhere.filter(|action| **action != AccessAction::Pass) {
            return Access::without_account(by_action(action, client));
        }
        match lookup.matched.zone() {
            Some(zone) if !zone.settings().access.is_open() => {
                self.enter(zone, lookup, client, now)
            }
            _ => Access::without_account(Permission::Full),
        }
    }

    fn enter<'a>(
        &'a self,
        zone: &'a IndexedZone,
        lookup: &Lookup<'a>,
        client: IpAddr,
        now: ClockReading,
    ) -> Access<'a> {
        let access = &zone.settings().access;
        let deny = |reason| by_denial(access.denial, reason);
        let denied =
            |reason| Access { permission: deny(reason), account: None, denial: Some(reason) };
        let rule = access.rules.rule_for(client);
        if let Some(action) = rule.filter(|action| **action != AccessAction::Pass) {
            return Access::without_account(by_action(action, client));
        }
        let account = match account(zone, lookup, client, now) {
            Ok(account) => account,
            Err(reason) => return denied(reason),
        };
        let permission = match (rule, account, access.subscribers) {
            (Some(_), ..) | (None, Some(_), _) => Permission::Full,
            (None, None, SubscriberMode::Off | SubscriberMode::Optional) => {
                by_action(access.rules.default_action(), client)
            }
            // Resolvers ask for these on their way to a key.
            (None, None, SubscriberMode::Required) if lookup.is_own_name() => Permission::Full,
            (None, None, SubscriberMode::Required) => return denied(DenialReason::NoSubscriber),
        };
        if !matches!(permission, Permission::Full | Permission::OwnRecords) || lookup.is_own_name()
        {
            return Access { permission, account, denial: None };
        }
        let is_paid = match account {
            Some(Account { subscriber, .. }) => {
                subscriber.meter().allowance.take(subscriber.quota(), self.moment(now))
            }
            None => self.charge(zone, client, now),
        };
        if is_paid {
            Access { permission, account, denial: None }
        } else {
            Access { account, ..denied(DenialReason::Quota) }
        }
    }

    /// Charges who is no subscriber; false if something of it is used up.
    fn charge(&self, zone: &IndexedZone, client: IpAddr, now: ClockReading) -> bool {
        let ZoneQuotas { address, network, zone: all } = zone.settings().access.quotas;
        let (origin, now) = (zone.origin(), self.moment(now));
        self.quotas.charge(origin, Payer::Address(client), address, now)
            && self.quotas.charge(origin, Payer::Network(client), network, now)
            && self.quotas.charge(origin, Payer::Everybody, all, now)
    }

    fn moment(&self, now: ClockReading) -> Moment {
        let steady = now.steady.saturating_duration_since(self.began).as_nanos();
        Moment { steady: steady as u64, day: Day::of(now.wall) }
    }
}

impl Default for AccessControl {
    fn default() -> Self {
        let access = Self::new(AccessRules::default(), Instant::now());
        access.quotas.start([0; 16]);
        access
    }
}

/// The account of a subscriber to a zone, if the client is one; an error if it shows a key that does not count.
fn account<'a>(
    zone: &'a IndexedZone,
    lookup: &Lookup<'a>,
    client: IpAddr,
    now: ClockReading,
) -> Result<Option<Account<'a>>, DenialReason> {
    let settings = zone.settings();
    if settings.access.subscribers == SubscriberMode::Off {
        return Ok(None);
    }
    let subscriber = match lookup.key {
        Some(key) => {
            let subscriber = lookup.subscribers.by_key(key.label, now.wall);
            let subscriber = subscriber.filter(|subscriber| {
                let recognition = subscriber.recognition();
                recognition.takes_key() && (!recognition.needs_both() || subscriber.is_at(client))
            });
            Some(
                subscriber
                    .filter(|subscriber| subscriber.is_live(now.wall))
                    .ok_or(DenialReason::Key)?,
            )
        }
        None => {
            let subscriber = lookup.subscribers.by_network(client, &settings.origin);
            subscriber.filter(|subscriber| subscriber.is_live(now.wall))
        }
    };
    let Some(subscriber) = subscriber else { return Ok(None) };
    let zone = subscriber.zone(&settings.origin).ok_or(DenialReason::Key)?;
    Ok(Some(Account { subscriber, zone }))
}

fn by_action(action: &AccessAction, client: IpAddr) -> Permission<'_> {
    match action {
        AccessAction::Pass => Permission::Full,
        AccessAction::Refuse => Permission::Refused,
        AccessAction::Empty => Permission::OwnRecords,
        AccessAction::Ignore => Permission::Ignored,
        AccessAction::List(listing) => Permission::Forged(Forged::Listing(listing, client)),
    }
}

fn by_denial<'a>(denial: Denial, reason: DenialReason) -> Permission<'a> {
    match denial {
        Denial::Refused => Permission::Refused,
        Denial::Code => Permission::Forged(Forged::Denial(reason)),
        Denial::Drop => Permission::Ignored,
    }
}

impl<'a> Access<'a> {
    fn without_account(permission: Permission<'a>) -> Self {
        Self { permission, account: None, denial: None }
    }

    /// Why nothing is answered, if that is so.
    pub(super) fn denied(&self) -> Option<Denied> {
        match (self.denial, self.permission) {
            (Some(DenialReason::Key), _) => Some(Denied::Key),
            (Some(DenialReason::NoSubscriber), _) => Some(Denied::NoSubscriber),
            (Some(DenialReason::Quota), _) => Some(Denied::Quota),
            (None, Permission::Refused | Permission::Ignored) => Some(Denied::Rule),
            (None, _) => None,
        }
    }

    /// Whose account it is.
    pub(super) fn subscriber(&self) -> Option<SubscriberId> {
        self.account.map(|account| account.subscriber.id())
    }

    /// Counts the question for whom it is charged to.
    pub(super) fn count(&self, is_listed: bool) {
        if let Some(Account { subscriber, zone }) = self.account {
            let is_refused = !matches!(self.permission, Permission::Full | Permission::OwnRecords);
            subscriber.meter().count(zone, is_listed, is_refused);
        }
    }
}

impl Forged<'_> {
    /// The A value.
    pub(super) fn addr(self) -> Ipv4Addr {
        match self {
            Self::Listing(listing, _) => listing.return_code.addr(),
            Self::Denial(DenialReason::Key) => Ipv4Addr::new(127, 255, 255, 252),
            Self::Denial(DenialReason::NoSubscriber) => Ipv4Addr::new(127, 255, 255, 254),
            Self::Denial(DenialReason::Quota) => Ipv4Addr::new(127, 255, 255, 255),
        }
    }
}

/// The TXT value.
impl fmt::Display for Forged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listing(listing, client) => {
                return listing.reason.write(f, &client.to_canonical());
            }
            Self::Denial(DenialReason::Key) => "Not answered: the key in the name does not count",
            Self::Denial(DenialReason::NoSubscriber) => "Not answered: only subscribers may ask",
            Self::Denial(DenialReason::Quota) => "Not answered: more was asked than may be",
        })
    }
}
