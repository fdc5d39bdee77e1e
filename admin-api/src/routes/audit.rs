//! `GET /v1/audit`: who did what.

use std::sync::Arc;

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use dnsbl_store::AuditRecord;
use dnsbl_types::{Name, Source, Subject, UnixTime};
use serde::Deserialize;

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, limit, parse, unslash, zone},
    rights::ZoneRights,
    scopes::{AuditRead, SUBSCRIBERS_READ},
    v1::{
        audit::{self, shown_subject},
        time,
    },
};

/// The most records that are read for one page.
const LOOK_AT: usize = 100_000;

/// Which records, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Records of changes before this one; `next` of the page before. Left out: the newest.
    before: Option<u64>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
    /// Of one zone.
    zone: Option<String>,
    /// About one subject; also the name of a token or subscriber, or the id of a relay test.
    subject: Option<String>,
    /// About listings of one source.
    source: Option<String>,
    /// By one token, given by its name or its id, or by a part of the server.
    actor: Option<String>,
    /// Of one kind, such as `delete`.
    action: Option<String>,
    /// Not before this time (RFC 3339).
    from: Option<String>,
    /// Before this time (RFC 3339).
    to: Option<String>,
}

/// The conditions on records that are shown.
struct Wanted {
    zone: Option<String>,
    subject: Option<String>,
    source: Option<String>,
    actor: Option<String>,
    action: Option<String>,
    from: Option<UnixTime>,
    to: Option<UnixTime>,
    /// Whether changes of subscribers are shown.
    subscribers: bool,
    /// The zones whose records are shown.
    zones: ZoneRights,
}

/// Lists audit records, newest first.
///
/// A search reads so many records at a time that a page may be empty and yet not the last: `next` says
/// whether there is more. Changes of subscribers are shown to those who have subscribers:read too. A token for some zones
/// sees the records of those, and none of what belongs to no zone.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", security(("token" = ["audit:read"])),
        params(AuditQuery),
    responses((status = 200, body = api::AuditPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_audit_records(
    caller: Caller<AuditRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<AuditQuery>,
) -> Result<AxumJson<api::AuditPage>, Problem> {
    let limit = limit(query.limit)?;
    let before = query.before.unwrap_or(u64::MAX);
    let wanted = query.wanted(&caller)?;
    let permit = app.scans.take(caller.token_id())?;
    let read = app.read(move |reader| {
        let _permit = permit;
        Ok(reader.audit_before(before, limit, LOOK_AT, |record| wanted.admits(record))?)
    });
    let page = read.await?;
    let records = page.records.into_iter().map(audit::write).collect();
    Ok(AxumJson(api::AuditPage { records, next: page.next }))
}

impl AuditQuery {
    /// Names are compared in the form in which the records have them.
    fn wanted(self, caller: &Caller<AuditRead>) -> Result<Wanted, Problem> {
        let zone = self.zone.map(|name| zone(caller, &name)).transpose()?;
        let source: Option<Source> = self.source.map(|name| parse("source", &name)).transpose()?;
        let time = |field, text: Option<String>| -> Result<Option<UnixTime>, Problem> {
            Ok(text.map(|text| time::read(field, &text)).transpose()?)
        };
        let subject = self.subject.map(|text| match unslash(&text).parse::<Subject>() {
            Ok(subject) => subject.to_string(),
            Err(_) => text,
        });
        Ok(Wanted {
            zone: zone.map(|zone| zone.into_name().to_string()),
            subject,
            source: source.map(|source| source.to_string()),
            actor: self.actor,
            action: self.action,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
            subscribers: caller.has(SUBSCRIBERS_READ),
            zones: caller.rights().zones().clone(),
        })
    }
}

impl Wanted {
    /// What is about no zone is for those who see all of them.
    fn is_in_sight(&self, record: &AuditRecord) -> bool {
        let zone = record.zone.as_deref().and_then(|zone| zone.parse::<Name>().ok());
        self.zones.has_what_is_of(zone.as_ref())
    }

    fn admits(&self, record: &AuditRecord) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let subject = record.subject.as_deref();
        let by = self.actor.is_none()
            || is(&self.actor, Some(&record.actor))
            || is(&self.actor, record.token.as_deref());
        let is_visible = self.subscribers || !record.action.starts_with("subscriber-");
        is_visible
            && self.is_in_sight(record)
            && by
            && is(&self.zone, record.zone.as_deref())
            && is(&self.source, record.source.as_deref())
            && is(&self.action, Some(&record.action))
            && self.from.is_none_or(|from| from <= record.at)
            && self.to.is_none_or(|to| record.at < to)
            && (is(&self.subject, subject)
                || is(&self.subject, shown_subject(&record.action, subject).as_deref()))
    }
}
