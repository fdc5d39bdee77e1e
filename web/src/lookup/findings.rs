//! The facts about a subject that may be shown. This is the one place where they are read: what is not in these
//! types is on no page.

use std::net::IpAddr;

use dnsbl_index::{IndexedZone, Verdict, faces};
use dnsbl_store::{AuditRecord, Filter, Op, Reader, StoreError, SubjectMatch};
use dnsbl_types::{Listing, Name, Subject, TestEntry, UnixTime, Zone, query_name};
use relay_tester::{
    Probe, RelayTarget,
    service::{ListedHost, SOURCE},
};

use super::names::{HostNames, NameChecker};
use crate::{
    reading::{Failure, Reading},
    shown::Shown,
    zones,
};

/// Changes of a subject, and of what covers it, that are looked through for a removal.
const LOOK_AT: usize = 2_000;
/// Seconds for which a removal is told.
const TELL_REMOVAL: u64 = 7 * 24 * 3600;
/// Subjects inside a prefix that are shown.
const MAX_INSIDE: usize = 32;
/// The widest prefixes of which it is shown what is listed inside; who wants the whole list asks its operator.
const WIDEST_V4: u8 = 24;
const WIDEST_V6: u8 = 48;
/// Texts of a listing that are shown.
const MAX_REASONS: usize = 4;

/// All that is known of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) subject: Subject,
    /// When that was.
    pub(crate) now: UnixTime,
    /// Zone by zone; none where no zone that is shown lists such subjects.
    pub(crate) zones: Vec<ZoneFinding>,
    /// What is known of the name of a host.
    pub(crate) names: HostNames,
}

/// What a zone says of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZoneFinding {
    pub(crate) zone: Name,
    pub(crate) standing: Standing,
    /// What DNS answers; `None` for a prefix, which nobody can ask for.
    pub(crate) answer: Option<DnsAnswer>,
    /// What is listed inside a prefix.
    pub(crate) inside: Inside,
}

/// The standing of a subject in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is said of it.
    NotListed {
        /// It was listed until recently.
        removed: Option<Removal>,
    },
    /// It is kept out of the list, whatever covers it.
    Excluded,
    /// It is there so that the list can be tried, and means nothing (RFC 5782 section 5).
    Test,
    /// It is listed.
    Listed(Box<ListedFacts>),
}

/// The facts of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListedFacts {
    /// What is listed: the subject itself, or what covers it. `None` where only included zones list it.
    pub(crate) by: Option<Subject>,
    /// Return codes, as DNS answers.
    pub(crate) codes: Vec<String>,
    /// Texts, as DNS answers.
    pub(crate) reasons: Vec<Shown>,
    /// Since when it is listed without a break.
    pub(crate) first_seen: Option<UnixTime>,
    /// When what is said of it last changed.
    pub(crate) last_changed: Option<UnixTime>,
    /// When all that lists it will have expired; `None`: it stays until somebody removes it.
    pub(crate) expires_at: Option<UnixTime>,
    /// The zones that are shown, are included, and list it.
    pub(crate) included: Vec<Name>,
    /// The tester of open relays lists it.
    pub(crate) is_tested: bool,
    /// What its test found.
    pub(crate) evidence: Option<Evidence>,
}

/// The findings of a relay test, cut to what may be shown: no token, no reporter, no text of anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// When it was last found open.
    pub(crate) confirmed_at: UnixTime,
    /// The port where it is not that of SMTP.
    pub(crate) port: Option<u16>,
    /// The forms of address by which messages came back.
    pub(crate) probes: Vec<&'static str>,
    /// Messages came back by way of another host.
    pub(crate) through_another: bool,
    /// When it is tested again without anybody asking for it.
    pub(crate) next_test_at: UnixTime,
    /// It has passed the first of the two tests that a removal takes.
    pub(crate) is_half_cleared: bool,
}

/// What DNS answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DnsAnswer {
    /// The name that asks.
    pub(crate) name: String,
    /// A records; none: there is no such name.
    pub(crate) a: Vec<String>,
    /// Seconds for which resolvers remember it at most.
    pub(crate) ttl: u32,
}

/// The end of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) at: UnixTime,
    /// Until when resolvers may remember it.
    pub(crate) remembered_until: UnixTime,
}

/// What is listed inside a prefix, or below a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// A single subject has no inside.
    None,
    /// The prefix is too wide.
    TooWide,
    /// These are.
    Some {
        /// Some of them.
        subjects: Vec<Subject>,
        /// There are more.
        more: bool,
    },
}

/// Finds what is known of a subject.
///
/// # Errors
/// The store can't be read, or the index is not there yet.
pub(crate) async fn find(
    reading: &Reading,
    names: Option<&NameChecker>,
    subject: &Subject,
    now: UnixTime,
) -> Result<Findings, Failure> {
    let (index, settings) = (reading.index.clone(), reading.settings.clone());
    let asked = subject.clone();
    let read = move |reader: &Reader<'_>| {
        let snapshot = index.load();
        if !snapshot.is_loaded() {
            return Ok(None);
        }
        let zones = zones::shown_for(&snapshot, &settings, &asked);
        let is_shown = |zone: &Zone| zones::is_shown(zone, &settings);
        let found = zones.into_iter().map(|zone| find_in(zone, &asked, reader, now, &is_shown));
        found.collect::<Result<Vec<ZoneFinding>, _>>().map(Some)
    };
    let names = async {
        match (names, single_address(subject)) {
            (Some(names), Some(address)) => names.check(address).await,
            _ => HostNames::NotAsked,
        }
    };
    let (zones, names) = tokio::join!(reading.read(now, read), names);
    let mut zones = zones?.ok_or(Failure::NotNow)?;
    add_evidence(reading, &mut zones, subject, now).await?;
    Ok(Findings { subject: subject.clone(), now, zones, names })
}

fn find_in(
    zone: &IndexedZone,
    subject: &Subject,
    reader: &Reader<'_>,
    now: UnixTime,
    is_shown: &dyn Fn(&Zone) -> bool,
) -> Result<ZoneFinding, StoreError> {
    let settings = zone.settings();
    let verdict = zone.judge_subject(subject, now);
    let deciding = zone.deciding(subject, now);
    let mut listings = Vec::new();
    for by in &deciding {
        listings.extend(reader.listings_of(&settings.origin, by)?);
    }
    let is_test = TestEntry::named_by(settings, subject).is_some();
    let standing = match &verdict {
        _ if is_test => Standing::Test,
        Some(Verdict::Listed(listed)) => {
            let mut facts = facts(listed.by(), &listings);
            facts.codes = listed.return_codes(settings).iter().map(ToString::to_string).collect();
            facts.reasons = shown(&listed.reasons(settings));
            facts.included = listing_parts(zone, subject, now, is_shown);
            Standing::Listed(Box::new(facts))
        }
        Some(Verdict::Excluded { .. }) => Standing::Excluded,
        _ if zone.allowed_by(subject, now).is_some() => Standing::Excluded,
        None if listings.iter().any(|listing| listing.body.exclusion) => Standing::Excluded,
        None if !listings.is_empty() => {
            let mut facts = facts(deciding.first().cloned(), &listings);
            add_answers(&mut facts, settings, subject, &listings);
            Standing::Listed(Box::new(facts))
        }
        Some(Verdict::Unlisted) | None => {
            Standing::NotListed { removed: removal(settings, subject, reader, now)? }
        }
    };
    let answer = verdict.as_ref().and_then(|verdict| answer(settings, subject, verdict, now));
    let inside = inside(settings, subject, reader)?;
    Ok(ZoneFinding { zone: settings.origin.clone(), standing, answer, inside })
}

/// The facts of what decides, as far as they are not those of the answer.
pub(crate) fn facts(by: Option<Subject>, listings: &[Listing]) -> ListedFacts {
    let listings = || listings.iter().filter(|listing| !listing.body.exclusion);
    let ends = listings().map(|listing| listing.body.expires_at);
    ListedFacts {
        by,
        first_seen: listings().map(|listing| listing.listed_at).min(),
        last_changed: listings().map(|listing| listing.updated_at).max(),
        expires_at: ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max()),
        is_tested: listings().any(|listing| listing.source.as_str() == SOURCE),
        ..ListedFacts::default()
    }
}

/// The codes and texts of a prefix, for which nobody can ask.
fn add_answers(facts: &mut ListedFacts, zone: &Zone, subject: &Subject, listings: &[Listing]) {
    let mut codes = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for listing in listings {
        codes.extend(match listing.body.return_codes.as_slice() {
            [] => zone.return_codes.clone(),
            own => own.to_vec(),
        });
        reasons.push(listing.body.reason.as_ref().unwrap_or(&zone.reason).render(subject));
    }
    codes.retain(|code| code.is_answered());
    codes.sort_unstable();
    codes.dedup();
    reasons.dedup();
    facts.codes = codes.iter().map(ToString::to_string).collect();
    facts.reasons = shown(&reasons);
}

fn shown(reasons: &[String]) -> Vec<Shown> {
    reasons.iter().take(MAX_REASONS).map(|reason| Shown::new(reason)).collect()
}

/// The zones that a combined zone includes, that are shown themselves, and that list a subject.
fn listing_parts(
    zone: &IndexedZone,
    subject: &Subject,
    now: UnixTime,
    is_shown: &dyn Fn(&Zone) -> bool,
) -> Vec<Name> {
    let included = zone.includes().filter_map(|(_, included)| included);
    let listing = included.filter(|part| is_shown(part.settings())).filter(|part| {
        let verdict = part.judge_own_subject(subject, now);
        verdict.is_some_and(|verdict| verdict.listed().is_some())
    });
    listing.map(|part| part.origin().clone()).collect()
}

/// What DNS answers to the name of a subject.
fn answer(
    zone: &Zone,
    subject: &Subject,
    verdict: &Verdict<'_>,
    now: UnixTime,
) -> Option<DnsAnswer> {
    let name = match subject {
        Subject::Domain(domain) => zone.origin.prepend(domain.name().labels()).ok()?,
        address => query_name::encode(address.net()?.addr(), &zone.origin).ok()?,
    };
    let usual = if verdict.listed().is_some() { zone.ttl } else { zone.negative_ttl };
    // No answer outlives what it rests on.
    let left = verdict.until().map_or(u64::MAX, |until| until.seconds_from(now).max(1));
    let ttl = u32::try_from(left).map_or(usual, |left| usual.min(left));
    let codes = verdict.listed().map(|listed| listed.return_codes(zone)).unwrap_or_default();
    Some(DnsAnswer {
        name: name.to_string(),
        a: codes.iter().map(ToString::to_string).collect(),
        ttl,
    })
}

/// The last removal of what covered a subject, where that was not long ago and the log still has it.
fn removal(
    zone: &Zone,
    subject: &Subject,
    reader: &Reader<'_>,
    now: UnixTime,
) -> Result<Option<Removal>, StoreError> {
    let origin = zone.origin.to_string();
    let faces = faces(subject).into_iter();
    let covering = faces.flat_map(|face| std::iter::successors(Some(face), Subject::parent));
    let covering: Vec<Subject> = covering.collect();
    let admits = |record: &AuditRecord| {
        matches!(&*record.action, "delete" | "expire")
            && record.zone.as_ref() == Some(&origin)
            && record.at.plus(TELL_REMOVAL) >= now
    };
    let mut looked = 0;
    let stop = || {
        looked += 1;
        looked >= LOOK_AT
    };
    let history = reader.history(&covering, u64::MAX, 8, admits, stop)?;
    let was_listed =
        |op: &Op| matches!(op, Op::Delete { previous, .. } if !previous.body.exclusion);
    let removed = history.changes.iter().find(|change| change.op.as_ref().is_some_and(was_listed));
    Ok(removed.map(|change| {
        let at = change.record.at;
        Removal { at, remembered_until: at.plus(zone.ttl.into()) }
    }))
}

fn inside(zone: &Zone, subject: &Subject, reader: &Reader<'_>) -> Result<Inside, StoreError> {
    let is_narrow = match subject {
        Subject::V4(net) if net.prefix_len() == 32 => return Ok(Inside::None),
        Subject::V6(net) if net.prefix_len() == 128 => return Ok(Inside::None),
        Subject::Domain(domain) if !domain.is_wildcard() => return Ok(Inside::None),
        Subject::V4(net) => net.prefix_len() >= WIDEST_V4,
        Subject::V6(net) => net.prefix_len() >= WIDEST_V6,
        // Names below `*.example` are many people's.
        Subject::Domain(domain) => domain.name().labels().count_labels() > 1,
    };
    if !is_narrow {
        return Ok(Inside::TooWide);
    }
    let filter = Filter { subject: SubjectMatch::Covered(subject.clone()), ..Filter::all() };
    let (mut subjects, mut more) = (Vec::new(), false);
    let page = reader.page(&zone.origin, &filter, None, 16 * MAX_INSIDE, || false)?;
    for listing in page.listings {
        let is_new = subjects.last() != Some(&listing.subject) && listing.subject != *subject;
        if is_new && !listing.body.exclusion {
            more |= subjects.len() == MAX_INSIDE;
            if !more {
                subjects.push(listing.subject);
            }
        }
    }
    Ok(Inside::Some { subjects, more: more || page.next.is_some() })
}

/// Adds what the relay test of an address found where the tester lists it.
async fn add_evidence(
    reading: &Reading,
    zones: &mut [ZoneFinding],
    subject: &Subject,
    now: UnixTime,
) -> Result<(), Failure> {
    let (Some(tester), Some(address)) = (&reading.tester, single_address(subject)) else {
        return Ok(());
    };
    for finding in zones.iter_mut().filter(|finding| finding.zone == *tester.zone()) {
        if let Standing::Listed(facts) = &mut finding.standing
            && facts.is_tested
        {
            let host = tester.listed_host(address, now).await.map_err(|err| {
                tracing::error!(%err, "a relay test could not be read for a page");
                Failure::Store
            })?;
            facts.evidence = host.map(|host| evidence(&host, now));
        }
    }
    Ok(())
}

/// Cuts what the tester knows to what may be shown.
pub(crate) fn evidence(found: &ListedHost, now: UnixTime) -> Evidence {
    let ListedHost { host, test, second_test_at } = found;
    let probes = host.probes.iter().filter_map(|&probe| Probe::by_index(probe));
    let retest_at = host.next_retest(now).min(host.expires_at().max(now));
    Evidence {
        confirmed_at: host.confirmed_at,
        port: Some(host.port).filter(|port| *port != RelayTarget::SMTP),
        probes: probes.map(|probe| probe.name).collect(),
        through_another: test.as_ref().is_some_and(|test| test.via.is_some()),
        next_test_at: second_test_at.filter(|at| *at > now).unwrap_or(retest_at),
        is_half_cleared: second_test_at.is_some(),
    }
}

fn single_address(subject: &Subject) -> Option<IpAddr> {
    let net = subject.net()?;
    (net.prefix_len() == net.max_prefix_len()).then(|| net.addr())
}

impl Findings {
    /// Whether any zone lists it.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed().next().is_some()
    }

    /// The listings, with their zones.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (&ZoneFinding, &ListedFacts)> {
        self.zones.iter().filter_map(|finding| match &finding.standing {
            Standing::Listed(facts) => Some((finding, &**facts)),
            Standing::NotListed { .. } | Standing::Excluded | Standing::Test => None,
        })
    }
}
