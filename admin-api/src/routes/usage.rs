//! `/v1/usage`, `/v1/subscribers/{id}/usage` and `/v1/top`: who asks how much.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use dnsbl_types::{Day, Name, SubscriberId, UnixTime, Usage};
use serde::Deserialize;

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, Path, limit, parse, zone},
    rights::PermittedZone,
    scopes::SubscribersRead,
    top::{TopBy, TopQuestion, TopWindow},
    v1::usage::{read_day, write_counts, write_day, write_top},
};

/// The most days of one subscriber.
const DAYS_OF_ONE: u32 = 400;
/// The most days of all subscribers.
const DAYS_OF_ALL: u32 = 93;
/// Days that are shown where nobody says how many.
const USUAL_DAYS: u32 = 31;

/// Which days.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day in UTC, as `2030-01-01`. Default 30 days before the last.
    from: Option<String>,
    /// The last day in UTC, 399 days later at most. Default today.
    to: Option<String>,
}

/// Which days, which zone, and how many subscribers.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// The first day in UTC, as `2030-01-01`. Default 30 days before the last.
    from: Option<String>,
    /// The last day in UTC, 92 days later at most. Default today.
    to: Option<String>,
    /// Of one zone.
    zone: Option<String>,
    /// The most subscribers, 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// What is counted, and how many of them are shown.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TopQuery {
    /// `client`, `network`, `subscriber`, `zone` or `denial`. Default `network`.
    by: Option<String>,
    /// Only queries to this zone.
    zone: Option<String>,
    /// `today` or `yesterday`, of which there are no addresses any more; in UTC. Default `today`.
    day: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Shows what a subscriber asked, by day and zone.
#[utoipa::path(get, path = "/v1/subscribers/{id}/usage", tag = "subscribers",
    security(("token" = ["subscribers:read"])),
    params(DaysQuery, ("id" = String, Path, description = "Its id")),
    responses((status = 200, body = api::SubscriberUsage), (status = "default", body = api::Problem)))]
pub(crate) async fn show_subscriber_usage(
    caller: Caller<SubscribersRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<DaysQuery>,
    Path(id): Path<String>,
) -> Result<AxumJson<api::SubscriberUsage>, Problem> {
    let id: SubscriberId = parse("id", &id)?;
    let today = Day::of(UnixTime::now());
    let (from, to) = days(query.from.as_deref(), query.to.as_deref(), today, DAYS_OF_ONE)?;
    let permit = app.scans.take(caller.token_id())?;
    let read = app.read(move |reader| {
        let _permit = permit;
        Ok((reader.subscriber(id)?, reader.usage_of(id, from, to)?))
    });
    let (subscriber, mut rows) = read.await?;
    let rights = caller.rights();
    // Of one that is gone those rows are shown that may be seen.
    rows.retain(|row| rights.zones().has(&row.zone));
    subscriber.map_or(Ok(()), |found| rights.permit_subscriber(&found.subscriber))?;
    let quota = quota_today(&app, id, today);
    if rows.is_empty() && quota.is_none() {
        let detail = format!("there is no subscriber {id}, and none asked anything on these days");
        return Err(Problem::not_found("no-such-subscriber", detail));
    }
    let mut total = Usage::default();
    rows.iter().for_each(|row| total += row.usage);
    let days = rows.into_iter().map(|row| api::UsageDay {
        day: write_day(row.day),
        zone: row.zone.to_string(),
        counts: write_counts(row.usage),
    });
    Ok(AxumJson(api::SubscriberUsage {
        subscriber: id.to_string(),
        from: write_day(from),
        to: write_day(to),
        total: write_counts(total),
        days: days.collect(),
        today: quota,
    }))
}

/// Shows what all subscribers asked, by day and zone, and who of them asked most.
#[utoipa::path(get, path = "/v1/usage", tag = "subscribers", security(("token" = ["subscribers:read"])),
    params(UsageQuery),
    responses((status = 200, body = api::UsageSummary), (status = "default", body = api::Problem)))]
pub(crate) async fn show_usage(
    caller: Caller<SubscribersRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<UsageQuery>,
) -> Result<AxumJson<api::UsageSummary>, Problem> {
    let today = Day::of(UnixTime::now());
    let (from, to) = days(query.from.as_deref(), query.to.as_deref(), today, DAYS_OF_ALL)?;
    let zone = query.zone.as_deref().map(|name| zone(&caller, name)).transpose()?;
    let rights = caller.rights().zones().clone();
    let most = limit(query.limit)?;
    let permit = app.scans.take(caller.token_id())?;
    let read = app.read(move |reader| {
        let _permit = permit;
        let mut total = Usage::default();
        let mut by_day: BTreeMap<(Day, Name), Usage> = BTreeMap::new();
        let mut by_subscriber: HashMap<SubscriberId, Usage> = HashMap::new();
        reader.visit_usage(from, to, |row| {
            let is_asked_for = zone.as_deref().is_none_or(|zone| *zone == row.zone);
            if is_asked_for && rights.has(&row.zone) {
                total += row.usage;
                *by_day.entry((row.day, row.zone)).or_default() += row.usage;
                *by_subscriber.entry(row.subscriber).or_default() += row.usage;
            }
        })?;
        Ok((total, by_day, by_subscriber))
    });
    let (total, by_day, by_subscriber) = read.await?;
    let mut subscribers: Vec<_> = by_subscriber.into_iter().collect();
    subscribers.sort_by_key(|(id, usage)| (std::cmp::Reverse(usage.questions), *id));
    subscribers.truncate(most);
    let days = by_day.into_iter().map(|((day, zone), usage)| api::UsageDay {
        day: write_day(day),
        zone: zone.to_string(),
        counts: write_counts(usage),
    });
    let subscribers = subscribers.into_iter().map(|(id, usage)| api::SubscriberTotal {
        subscriber: id.to_string(),
        counts: write_counts(usage),
    });
    Ok(AxumJson(api::UsageSummary {
        from: write_day(from),
        to: write_day(to),
        total: write_counts(total),
        days: days.collect(),
        subscribers: subscribers.collect(),
    }))
}

/// Shows who asks most, and what of it is denied and why.
///
/// One of so many queries is counted, so numbers are about right where they are large. A token for some zones names one.
#[utoipa::path(get, path = "/v1/top", tag = "subscribers", security(("token" = ["subscribers:read"])),
    params(TopQuery),
    responses((status = 200, body = api::Top), (status = "default", body = api::Problem)))]
pub(crate) async fn show_top(
    caller: Caller<SubscribersRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<TopQuery>,
) -> Result<AxumJson<api::Top>, Problem> {
    let by = match query.by.as_deref().unwrap_or("network") {
        "client" => TopBy::Client,
        "network" => TopBy::Network,
        "subscriber" => TopBy::Subscriber,
        "zone" => TopBy::Zone,
        "denial" => TopBy::Denial,
        other => {
            let known = "client, network, subscriber, zone or denial";
            return Err(Problem::malformed(format!("by: {other:?} is not {known}")));
        }
    };
    let window = match query.day.as_deref().unwrap_or("today") {
        "today" => TopWindow::Today,
        "yesterday" => TopWindow::Yesterday,
        other => {
            return Err(Problem::malformed(format!("day: {other:?} is not today or yesterday")));
        }
    };
    let zone = query.zone.as_deref().map(|name| zone(&caller, name)).transpose()?;
    if zone.is_none() {
        caller.rights().require_every_zone("this, unless zone= names one,")?;
    }
    let zone = zone.map(PermittedZone::into_name);
    let limit = limit(query.limit)?;
    let top = app.server.top(&TopQuestion { by, zone, window, limit });
    Ok(AxumJson(write_top(top)))
}

/// The first and the last day.
fn days(
    from: Option<&str>,
    to: Option<&str>,
    today: Day,
    most: u32,
) -> Result<(Day, Day), Problem> {
    let to = to.map(|text| read_day("to", text)).transpose()?.unwrap_or(today);
    let usual = Day(to.0.saturating_sub(USUAL_DAYS - 1));
    let from = from.map(|text| read_day("from", text)).transpose()?.unwrap_or(usual);
    match to.0.checked_sub(from.0) {
        None => Err(Problem::malformed("from: it is after to")),
        Some(days) if days >= most => {
            Err(Problem::malformed(format!("from: there are more than {most} days until to")))
        }
        Some(_) => Ok((from, to)),
    }
}

/// What a subscriber has asked of its daily quota.
fn quota_today(app: &App, id: SubscriberId, today: Day) -> Option<api::QuotaToday> {
    let mut quota = None;
    app.index.load().subscribers().visit(|subscriber| {
        if subscriber.id() == id {
            let asked = subscriber.meter().allowance.asked_on(today);
            let per_day = subscriber.quota().per_day.map(u32::from);
            let percent = per_day.map(|most| u64::from(asked) * 100 / u64::from(most));
            quota = Some(api::QuotaToday { day: write_day(today), asked, per_day, percent });
        }
    });
    quota
}
