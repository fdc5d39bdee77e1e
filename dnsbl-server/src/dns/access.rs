//! Access: who may ask, and how much. It is decided between the lookup of a question and its answer, for both
//! paths.
//!
//! The rules of the server come first, then those of the zone. A rule for the client's network decides; where
//! there is none it depends on whether the client is a subscriber, by the key in the name or by its network.
//! Whoever may ask is charged: a subscriber on its own account, others by address, network and zone.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use dnsbl_index::{IndexedSubscriber, IndexedZone};
use dnsbl_types::{
    AccessAction, AccessRules, ClockReading, Day, Denial, ListAll, Moment, SubscriberId,
    SubscriberMode, UnixTime, ZoneQuotas,
};

use super::{
    denied::Denied,
    lookup::Lookup,
    quotas::{Payer, QuotaTable},
};

/// What this server knows of who may ask, beside the settings of its zones.
pub(crate) struct AccessControl {
    rules: AccessRules,
    quotas: Arc<QuotaTable>,
    began: Instant,
}

/// What a client may ask for with one question, and on whose account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub(super) permission: Permission<'a>,
    account: Account<'a>,
    /// The zone, if the question is to be charged.
    charged: Option<&'a IndexedZone>,
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

/// The account of a question.
#[derive(Clone, Copy, Debug)]
enum Account<'a> {
    /// That of a subscriber, and the place of the zone in it.
    Subscriber(&'a IndexedSubscriber, usize),
    /// Those that a client shares with others.
    Shared(IpAddr),
}

impl AccessControl {
    /// Access by these rules in all zones. Quotas of those who are no subscribers count once their table has been
    /// [started](QuotaTable::start).
    pub(crate) fn new(rules: AccessRules, now: Instant) -> Self {
        Self { rules, quotas: Arc::default(), began: now }
    }

    /// Access by other rules, on the same accounts.
    pub(crate) fn with_rules(&self, rules: AccessRules) -> Self {
        Self { rules, quotas: self.quotas.clone(), began: self.began }
    }

    /// What all have asked who are no subscribers.
    pub(crate) fn quotas(&self) -> &QuotaTable {
        &self.quotas
    }

    /// Whether nothing that comes from a client is replied to.
    pub(super) fn ignores(&self, client: IpAddr) -> bool {
        !self.rules.is_open() && *self.rules.of(client) == AccessAction::Ignore
    }

    /// Decides what a client may ask for with a question, as long as it [pays](Self::pay) for it.
    pub(super) fn decide<'a>(
        &'a self,
        lookup: &Lookup<'a>,
        client: IpAddr,
        now: ClockReading,
    ) -> Access<'a> {
        let everywhere = if self.rules.is_open() { None } else { Some(self.rules.of(client)) };
        if let Some(action) = everywhere.filter(|action| **action != AccessAction::Pass) {
            return Access::free(by_action(action, client), client);
        }
        match lookup.matched.zone() {
            Some(zone) if !zone.settings().access.is_open() => enter(zone, lookup, client, now),
            _ => Access::free(Permission::Full, client),
        }
    }

    /// Takes the question from what is left of its account's quotas; it is denied if there is nothing left.
    pub(super) fn pay<'a>(&self, access: Access<'a>, now: ClockReading) -> Access<'a> {
        let Some(zone) = access.charged else { return access };
        let is_paid = match access.account {
            Account::Subscriber(subscriber, _) => {
                subscriber.meter().allowance.take(subscriber.quota(), self.moment(now))
            }
            Account::Shared(client) => self.charge(zone, client, self.moment(now)),
        };
        if is_paid {
            return access;
        }
        let permission = by_denial(zone.settings().access.denial, DenialReason::Quota);
        Access { permission, denial: Some(DenialReason::Quota), ..access }
    }

    /// Charges who is no subscriber; false if something of it is used up.
    fn charge(&self, zone: &IndexedZone, client: IpAddr, now: Moment) -> bool {
        let ZoneQuotas { address, network, zone: all } = zone.settings().access.quotas;
        let origin = zone.origin();
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

/// Decides what a client may ask for in a zone that not everybody may ask everything.
fn enter<'a>(
    zone: &'a IndexedZone,
    lookup: &Lookup<'a>,
    client: IpAddr,
    now: ClockReading,
) -> Access<'a> {
    let access = &zone.settings().access;
    let denied = |reason| Access {
        denial: Some(reason),
        ..Access::free(by_denial(access.denial, reason), client)
    };
    let rule = access.rules.rule_for(client);
    if let Some(action) = rule.filter(|action| **action != AccessAction::Pass) {
        return Access::free(by_action(action, client), client);
    }
    let account = match account(zone, lookup, client, now.wall) {
        Ok(account) => account,
        Err(reason) => return denied(reason),
    };
    let is_subscriber = matches!(account, Account::Subscriber(..));
    let permission = match access.subscribers {
        // A rule passes it.
        _ if is_subscriber || rule.is_some() => Permission::Full,
        // Resolvers ask for these on their way to a key; some may be listed besides.
        SubscriberMode::Required if lookup.is_own_name() => Permission::OwnRecords,
        SubscriberMode::Required => return denied(DenialReason::NoSubscriber),
        SubscriberMode::Off | SubscriberMode::Optional => {
            by_action(access.rules.default_action(), client)
        }
    };
    let is_charged = permission.is_granted() && !lookup.is_own_name();
    Access { permission, account, charged: is_charged.then_some(zone), denial: None }
}

/// The account of whoever asks a zone; an error if it shows a key that does not count there.
fn account<'a>(
    zone: &IndexedZone,
    lookup: &Lookup<'a>,
    client: IpAddr,
    now: UnixTime,
) -> Result<Account<'a>, DenialReason> {
    let settings = zone.settings();
    if settings.access.subscribers == SubscriberMode::Off {
        return Ok(Account::Shared(client));
    }
    let subscribers = lookup.subscribers;
    let subscriber = match lookup.key {
        Some(key) => {
            let subscriber = subscribers.by_key(&key.digest, now).ok_or(DenialReason::Key)?;
            let recognition = subscriber.recognition();
            let is_there = !recognition.needs_both() || subscriber.is_at(client);
            if !recognition.takes_key() || !is_there || !subscriber.is_live(now) {
                return Err(DenialReason::Key);
            }
            subscriber
        }
        None => match subscribers.by_network(client, &settings.origin) {
            Some(subscriber) if subscriber.is_live(now) => subscriber,
            _ => return Ok(Account::Shared(client)),
        },
    };
    let place = subscriber.zone(&settings.origin).ok_or(DenialReason::Key)?;
    Ok(Account::Subscriber(subscriber, place))
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
    /// What costs nobody anything.
    fn free(permission: Permission<'a>, client: IpAddr) -> Self {
        Self { permission, account: Account::Shared(client), charged: None, denial: None }
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

    /// The subscriber that asks, if one does.
    pub(super) fn subscriber(&self) -> Option<SubscriberId> {
        match self.account {
            Account::Subscriber(subscriber, _) => Some(subscriber.id()),
            Account::Shared(_) => None,
        }
    }

    /// Counts the question for the subscriber that asks, if one does.
    pub(super) fn count(&self, is_listed: bool) {
        if let Account::Subscriber(subscriber, zone) = self.account {
            subscriber.meter().count(zone, is_listed, !self.permission.is_granted());
        }
    }
}

impl Permission<'_> {
    /// Whether there is an answer that is true.
    pub(super) fn is_granted(&self) -> bool {
        matches!(self, Self::Full | Self::OwnRecords)
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
