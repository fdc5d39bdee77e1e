//! `GET /v1/subjects/{subject}`: all that is known of a subject.

use std::{net::IpAddr, sync::Arc, time::Instant};

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use dnsbl_index::{IndexedZone, faces};
use dnsbl_store::{Filter, Reader, StoreError, SubjectMatch};
use dnsbl_types::{Name, Subject, UnixTime};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::relay_tests;
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, Path, limit, parse, unslash},
    scopes::{
        ALLOWLIST_READ, CHANGES_READ, GRANTS_READ, ListingsRead, RELAY_TESTS_READ, REPORTS_READ,
    },
    v1::{allow_entry, change::Sight, listing, relay_test, report, search},
};

/// The most listings of a zone that are shown.
const MAX_LISTINGS: usize = 1000;
/// The most reports and relay tests that are shown.
const MAX_RECORDS: usize = 100;

/// Which page of the changes.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Changes before this one; `next` of the answer before. Left out: the newest.
    before: Option<u64>,
    /// Changes of one answer, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// What is read of the store.
struct Known {
    zones: Vec<api::SubjectInZone>,
    allow_entries: Option<Vec<api::AllowEntry>>,
    changes: Option<Vec<api::PastChange>>,
    next: Option<u64>,
}

/// Tells all that is known of a subject.
///
/// What each zone says of it and of what covers it, allow entries, reports, relay tests, and what became of it. What
/// the token may not see is named as withheld. Imports and purges are no changes of single subjects: what an import lists has its time and
/// author in the listing itself.
#[utoipa::path(get, path = "/v1/subjects/{subject}", tag = "listings",
    security(("token" = ["listings:read"])),
    params(HistoryQuery,
        ("subject" = String, Path, description = "Address, prefix or domain, percent-encoded")),
    responses((status = 200, body = api::SubjectHistory), (status = "default", body = api::Problem)))]
pub(crate) async fn show_subject(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(text): Path<String>,
    Params(query): Params<HistoryQuery>,
) -> Result<AxumJson<api::SubjectHistory>, Problem> {
    let subject: Subject = parse("subject", &unslash(&text))?;
    let (limit, before) = (limit(query.limit)?, query.before.unwrap_or(u64::MAX));
    let mut withheld = Withheld(Vec::new());
    let sees_grants = withheld.unless(&caller, "allow_zones", GRANTS_READ);
    let sees_allow_entries = withheld.unless(&caller, "allow_entries", ALLOWLIST_READ);
    let sees_changes = withheld.unless(&caller, "changes", CHANGES_READ);
    let permit = app.scans.take(caller.token_id())?;
    let slice = app.limits.load().search_slice;
    let gone = CancellationToken::new();
    let _reader = gone.clone().drop_guard();
    let (index, rights, asked) = (app.index.clone(), caller.rights().clone(), subject.clone());
    let read = move |reader: &Reader<'_>| {
        let _permit = permit;
        let begun = Instant::now();
        let stop = || begun.elapsed() >= slice || gone.is_cancelled();
        let snapshot = index.load();
        let is_address = asked.net().is_some();
        let is_seen = |zone: &&IndexedZone| {
            let kind = &zone.settings().kind;
            kind.has_addresses() == is_address
                && rights.zones().has(&zone.settings().origin)
                && (sees_grants || kind.grant_terms().is_none())
        };
        let mut zones: Vec<&IndexedZone> = snapshot.zones().filter(is_seen).collect();
        zones.sort_by_key(|zone| &zone.settings().origin);
        let mut known = Known {
            zones: Vec::new(),
            allow_entries: sees_allow_entries
                .then(|| allow_entries(reader, &zones, &asked))
                .transpose()?,
            changes: None,
            next: None,
        };
        for zone in zones {
            known.zones.push(in_zone(reader, zone, &asked)?);
        }
        if sees_changes {
            let sight = Sight::of(&rights);
            let admits = |record: &_| sight.has_record(record);
            let history = reader.history(&covering(&asked), before, limit, admits, stop)?;
            known.changes = Some(history.changes.into_iter().map(search::write_past).collect());
            known.next = history.next;
        }
        Ok(known)
    };
    let Known { zones, allow_entries, changes, next } = app.read(read).await?;
    Ok(AxumJson(api::SubjectHistory {
        subject: subject.to_string(),
        zones,
        allow_entries,
        reports: find_reports(&app, &caller, &subject, &mut withheld).await?,
        relay_tests: find_tests(&app, &caller, &subject, &mut withheld).await?,
        changes,
        next,
        withheld: withheld.0,
    }))
}

/// What the caller may not see.
struct Withheld(Vec<api::Withheld>);

impl Withheld {
    /// Whether the caller has the scope for a part; it is withheld if not.
    fn unless<S>(&mut self, caller: &Caller<S>, part: &str, scope: &str) -> bool {
        let has = caller.has(scope);
        if !has {
            self.add(part, Some(scope));
        }
        has
    }

    fn add(&mut self, part: &str, needs: Option<&str>) {
        self.0.push(api::Withheld { part: part.into(), needs: needs.map(Into::into) });
    }
}

/// A subject and all that covers it; for a 6to4 address also the IPv4 address inside, and what covers that.
fn covering(subject: &Subject) -> Vec<Subject> {
    let faces = faces(subject).into_iter();
    faces.flat_map(|face| std::iter::successors(Some(face), Subject::parent)).collect()
}

fn in_zone(
    reader: &Reader<'_>,
    zone: &IndexedZone,
    subject: &Subject,
) -> Result<api::SubjectInZone, StoreError> {
    let origin = &zone.settings().origin;
    let verdict = zone.judge_subject(subject, UnixTime::now());
    let (mut listings, mut covering, mut more) = (Vec::new(), Vec::new(), false);
    for face in faces(subject) {
        let filter = Filter { subject: SubjectMatch::Covering(face), ..Filter::all() };
        let page = reader.page(origin, &filter, None, MAX_LISTINGS, || false)?;
        more |= page.next.is_some();
        for found in &page.listings {
            let part = if found.subject == *subject { &mut listings } else { &mut covering };
            part.push(listing::write(found));
        }
    }
    Ok(api::SubjectInZone {
        zone: origin.to_string(),
        listed: verdict.map(|verdict| verdict.listed().is_some()),
        listings,
        covering,
        more,
    })
}

/// The allow entries of all zones and of these that cover a subject.
fn allow_entries(
    reader: &Reader<'_>,
    zones: &[&IndexedZone],
    subject: &Subject,
) -> Result<Vec<api::AllowEntry>, StoreError> {
    let now = UnixTime::now();
    let of_zones = zones.iter().map(|zone| Some(&zone.settings().origin));
    let mut found = Vec::new();
    for zone in std::iter::once(None::<&Name>).chain(of_zones) {
        for covering in covering(subject) {
            let entry = reader.allow_entry(zone, &covering)?;
            let is_live = |at: Option<UnixTime>| at.is_none_or(|at| now < at);
            let entry = entry.filter(|record| is_live(record.entry.expires_at));
            found.extend(entry.as_ref().map(allow_entry::write));
        }
    }
    Ok(found)
}

/// The last reports of a subject in zones that the caller may see.
async fn find_reports(
    app: &App,
    caller: &Caller<ListingsRead>,
    subject: &Subject,
    withheld: &mut Withheld,
) -> Result<Option<Vec<api::Report>>, Problem> {
    if !withheld.unless(caller, "reports", REPORTS_READ) {
        return Ok(None);
    }
    let filter = dnsbl_reports::Filter { subject: Some(subject.clone()), ..Default::default() };
    let (reports, _) = app.reports.list(filter, None, MAX_RECORDS).await?;
    let seen = reports.iter().filter(|report| caller.rights().zones().has(&report.zone));
    Ok(Some(seen.map(report::write).collect()))
}

/// The last relay tests of an address, where this server has a tester.
async fn find_tests(
    app: &App,
    caller: &Caller<ListingsRead>,
    subject: &Subject,
    withheld: &mut Withheld,
) -> Result<Option<Vec<api::RelayTest>>, Problem> {
    let (Some(address), true) = (single_address(subject), app.tester.is_some()) else {
        return Ok(None);
    };
    if !withheld.unless(caller, "relay_tests", RELAY_TESTS_READ) {
        return Ok(None);
    }
    let Ok(tester) = relay_tests::tester_for(app, caller.rights()) else {
        withheld.add("relay_tests", None);
        return Ok(None);
    };
    let filter =
        relay_tester::service::Filter { address: Some(address), state: None, verdict: None };
    let (tests, _) = tester.list(filter, None, MAX_RECORDS).await?;
    let listed = tester.is_listed(address).await?;
    let patience = tester.settings().patience;
    Ok(Some(tests.iter().map(|test| relay_test::brief(test, listed, patience)).collect()))
}

fn single_address(subject: &Subject) -> Option<IpAddr> {
    let net = subject.net()?;
    (net.prefix_len() == net.max_prefix_len()).then(|| net.addr())
}
