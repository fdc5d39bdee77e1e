//! `POST /v1/check`: whether subjects are listed, as DNS would answer.

use std::{collections::BTreeSet, sync::Arc};

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use dnsbl_index::{IndexedZone, Listed, Snapshot, Verdict};
use dnsbl_store::Reader;
use dnsbl_types::{Include, Name, Source, Subject, TestEntry, UnixTime};

use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Nothing, Params, parse},
    rights::ZoneRights,
    scopes::ListingsRead,
    standing::{Listers, names},
    v1::listing::effective_codes,
};

/// The most subjects of one request.
const MAX_SUBJECTS: usize = 1000;

/// The most zones that one request names.
const MAX_ZONES: usize = 100;

/// Checks subjects.
///
/// An address and a domain are answered as DNS answers them, test entries included. A prefix is
/// listed if the longest listing that covers all of it lists it. Whose listing or exclusion decides is
/// named, and of a combined zone which of the zones that it includes list it.
#[utoipa::path(post, path = "/v1/check", tag = "listings", security(("token" = ["listings:read"])),
    request_body = api::CheckBody,
    responses((status = 200, body = api::CheckResults), (status = "default", body = api::Problem)))]
pub(crate) async fn check_subjects(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<api::CheckBody>,
) -> Result<AxumJson<api::CheckResults>, Problem> {
    let subjects = subjects(&body)?;
    let zones = zones(&body)?;
    let rights = caller.rights().zones().clone();
    for zone in zones.iter().flatten() {
        rights.permit(zone)?;
        allow::require_sight(&app, &caller, zone)?;
    }
    let index = app.index.clone();
    let check = move |reader: &Reader<'_>| {
        let snapshot = index.load();
        let mut results = Vec::new();
        for subject in &subjects {
            for zone in zones_of(&snapshot, zones.as_deref(), &rights, subject)? {
                results.push(check_in(zone, &rights, subject, reader, UnixTime::now())?);
            }
        }
        Ok(results)
    };
    let results = app.read(check).await?;
    Ok(AxumJson(api::CheckResults { results }))
}

fn subjects(body: &api::CheckBody) -> Result<Vec<Subject>, Problem> {
    let count = body.subjects.len();
    if count > MAX_SUBJECTS {
        let detail = format!("subjects: {count} are more than {MAX_SUBJECTS}");
        return Err(Problem::refused(detail));
    }
    let subjects = body.subjects.iter().enumerate();
    subjects.map(|(i, text)| parse(&format!("subjects[{i}]"), text)).collect()
}

fn zones(body: &api::CheckBody) -> Result<Option<Vec<Name>>, Problem> {
    let Some(zones) = &body.zones else {
        return Ok(None);
    };
    if zones.len() > MAX_ZONES {
        let detail = format!("zones: {} are more than {MAX_ZONES}", zones.len());
        return Err(Problem::refused(detail));
    }
    let zones = zones.iter().enumerate();
    zones.map(|(i, text)| parse(&format!("zones[{i}]"), text)).collect::<Result<_, _>>().map(Some)
}

/// The zones of the subject's kind: the named ones, or all that may be seen but allow zones, by name.
fn zones_of<'s>(
    snapshot: &'s Snapshot,
    named: Option<&[Name]>,
    rights: &ZoneRights,
    subject: &Subject,
) -> Result<Vec<&'s IndexedZone>, Problem> {
    let is_address = !matches!(subject, Subject::Domain(_));
    let of_kind = |zone: &&IndexedZone| zone.settings().kind.has_addresses() == is_address;
    let Some(named) = named else {
        let is_list = |zone: &&IndexedZone| zone.settings().kind.grant_terms().is_none();
        let is_seen = |zone: &&IndexedZone| rights.has(&zone.settings().origin);
        let mut zones: Vec<&IndexedZone> =
            snapshot.zones().filter(of_kind).filter(is_list).filter(is_seen).collect();
        zones.sort_by_key(|zone| &zone.settings().origin);
        return Ok(zones);
    };
    let found =
        named.iter().map(|origin| snapshot.zone(origin).ok_or_else(|| Problem::no_zone(origin)));
    let mut zones = found.collect::<Result<Vec<_>, _>>()?;
    zones.retain(of_kind);
    if zones.is_empty() {
        let detail = format!("none of the zones lists subjects of the kind of {subject}");
        return Err(Problem::refused(detail));
    }
    Ok(zones)
}

fn check_in(
    zone: &IndexedZone,
    rights: &ZoneRights,
    subject: &Subject,
    reader: &Reader<'_>,
    now: UnixTime,
) -> Result<api::CheckResult, Problem> {
    let mut result = check_own(zone, subject, reader, now)?;
    if zone.settings().includes.is_empty() {
        return Ok(result);
    }
    result.listed_in.extend(result.listed.then(|| result.zone.clone()));
    for (include, included) in zone.includes() {
        if let Some(included) = included {
            let mut part = check_own(included, subject, reader, now)?;
            if !rights.has(&include.zone) {
                // DNS tells that it lists it, and not by what.
                (part.by, part.sources) = (None, Vec::new());
            }
            add_included(&mut result, include, subject, part);
        }
    }
    result.sources.sort_unstable();
    result.sources.dedup();
    if let Some(Verdict::Listed(listed)) = zone.judge_subject(subject, now) {
        add_answer(&mut result, zone, &listed);
    }
    Ok(result)
}

/// Adds what a zone says that is included; one that lists comes before one that excludes.
fn add_included(
    result: &mut api::CheckResult,
    include: &Include,
    subject: &Subject,
    part: api::CheckResult,
) {
    if !part.listed {
        if part.excluded && !result.listed && !result.excluded {
            (result.excluded, result.by, result.sources) = (true, part.by, part.sources);
        }
        return;
    }
    if !result.listed {
        (result.listed, result.excluded, result.by) = (true, false, part.by);
        result.sources.clear();
    }
    result.sources.extend(part.sources);
    result.listed_in.push(part.zone);
    result.return_codes.extend(match include.return_codes.as_slice() {
        [] => part.return_codes,
        instead => instead.iter().map(ToString::to_string).collect(),
    });
    result.reasons.extend(match &include.reason {
        None => part.reasons,
        Some(instead) => vec![instead.render(subject)],
    });
    without_repetition(&mut result.return_codes);
    without_repetition(&mut result.reasons);
}

fn without_repetition(texts: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

/// What a zone's own entries say.
fn check_own(
    zone: &IndexedZone,
    subject: &Subject,
    reader: &Reader<'_>,
    now: UnixTime,
) -> Result<api::CheckResult, Problem> {
    let origin = &zone.settings().origin;
    let mut result = unlisted(zone, subject);
    let is_test = TestEntry::named_by(zone.settings(), subject).is_some();
    let deciding = if is_test { Vec::new() } else { zone.deciding(subject, now) };
    let listers = deciding.iter().map(|by| Listers::read(reader, origin, by));
    let listers: Vec<Listers> = listers.collect::<Result<_, _>>()?;
    let excluding = listers.iter().find(|listers| !listers.excluded_by.is_empty());
    if !is_test {
        result.allowed_by = zone.allowed_by(subject, now).map(|by| by.to_string());
    }
    match (zone.judge_own_subject(subject, now), excluding) {
        (Some(Verdict::Listed(listed)), _) => add_listed(&mut result, zone, &listed),
        (_, Some(out)) => {
            result.by = Some(out.subject.to_string());
            result.excluded = true;
            result.sources = names(&out.excluded_by);
        }
        (Some(_), None) => {}
        (None, None) if result.allowed_by.is_some() => {}
        (None, None) => add_prefix(&mut result, zone, subject, reader, deciding.first())?,
    }
    if result.listed {
        let sources: BTreeSet<&Source> = listers.iter().flat_map(|by| &by.listed_by).collect();
        result.sources = sources.into_iter().map(ToString::to_string).collect();
    }
    Ok(result)
}

fn add_listed(result: &mut api::CheckResult, zone: &IndexedZone, listed: &Listed<'_>) {
    add_answer(result, zone, listed);
    result.listed = true;
    result.by = listed.by().map(|by| by.to_string());
}

/// The records that DNS answers with.
fn add_answer(result: &mut api::CheckResult, zone: &IndexedZone, listed: &Listed<'_>) {
    let codes = listed.return_codes(zone.settings());
    result.return_codes = codes.iter().map(ToString::to_string).collect();
    result.reasons = listed.reasons(zone.settings());
}

/// A prefix or wildcard: what the longest subject that covers all of it says, if that lists it.
fn add_prefix(
    result: &mut api::CheckResult,
    zone: &IndexedZone,
    subject: &Subject,
    reader: &Reader<'_>,
    by: Option<&Subject>,
) -> Result<(), Problem> {
    let settings = zone.settings();
    let Some(by) = by else {
        return Ok(());
    };
    let listings = reader.listings_of(&settings.origin, by)?;
    if listings.is_empty() {
        return Ok(());
    }
    let codes = effective_codes(&listings, settings);
    result.listed = true;
    result.return_codes = codes.iter().map(ToString::to_string).collect();
    for listing in &listings {
        let reason = listing.body.reason.as_ref().unwrap_or(&settings.reason);
        let text = reason.render(subject);
        if !result.reasons.contains(&text) {
            result.reasons.push(text);
        }
    }
    result.by = Some(by.to_string());
    Ok(())
}

fn unlisted(zone: &IndexedZone, subject: &Subject) -> api::CheckResult {
    api::CheckResult {
        subject: subject.to_string(),
        zone: zone.settings().origin.to_string(),
        listed: false,
        return_codes: Vec::new(),
        reasons: Vec::new(),
        by: None,
        excluded: false,
        allowed_by: None,
        sources: Vec::new(),
        listed_in: Vec::new(),
    }
}
