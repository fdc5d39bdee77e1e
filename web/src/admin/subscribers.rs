//! Subscribers: what they ask, another key, and the end.

use dnsbl_rights::rights::ZoneRights;
use dnsbl_store::{
    ChangeError, Operation, OperationResult, Precondition, SubscriberFilter, SubscriberRecord,
};
use dnsbl_types::{AccessKey, Day, Subscriber, SubscriberId};
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked},
    frame::{choice, fact, fact_time, form, hidden, next, text},
    refused::Refused,
};
use crate::shown::{day, grouped};

/// Subscribers of a page.
const PAGE: usize = 25;
/// Days of which it is shown what a subscriber asked.
const DAYS: u32 = 30;
/// For how many days an old key may count yet.
const OVERLAPS: [u64; 3] = [7, 1, 0];

/// Shows those whose zones the token is for.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("subscribers:read")?;
    let after: Option<SubscriberId> = asked.fields.parse_optional("after")?;
    let filter = SubscriberFilter { name: None, zone: None };
    let mut found = asked.read(move |reader| reader.subscribers(&filter, after, PAGE + 1)).await?;
    let has_more = found.len() > PAGE;
    found.truncate(PAGE);
    let more = found.last().filter(|_| has_more).map(|last| last.subscriber.id.to_string());
    let rights = asked.holder.rights();
    found.retain(|record| rights.permit_subscriber(&record.subscriber).is_ok());
    let main = html! {
        @if found.is_empty() { p { (asked.text("admin-nothing")) } }
        @for SubscriberRecord { subscriber, .. } in &found {
            section.zone {
                h2 {
                    a href=(asked.path(&format!("subscribers/{}", subscriber.id))) { (text(&subscriber.name)) }
                }
                dl { (terms(&asked, subscriber)) }
            }
        }
        @if let Some(more) = more { (next(&asked, "subscribers", &[("after", &more)])) }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-subscribers"), main })
}

fn terms(asked: &Asked, subscriber: &Subscriber) -> Markup {
    let list = |all: Vec<String>| Some(all.join(", ")).filter(|text| !text.is_empty());
    let Subscriber { zones, networks, quota, .. } = subscriber;
    html! {
        (fact(asked, "admin-zones", list(zones.iter().map(ToString::to_string).collect())))
        (fact(asked, "admin-networks", list(networks.iter().map(ToString::to_string).collect())))
        (fact(asked, "admin-per-second", quota.per_second))
        (fact(asked, "admin-per-day", quota.per_day))
        (fact_time(asked, "admin-expires", subscriber.expires_at))
    }
}

/// Shows one, what it asked of late, and the forms to change it.
pub(super) async fn show_one(asked: Asked) -> Result<Answer, Refused> {
    asked.require("subscribers:read")?;
    let SubscriberRecord { subscriber, revision } = find(&asked).await?;
    let (id, today) = (subscriber.id, Day::of(asked.now));
    let from = Day(today.0.saturating_sub(DAYS - 1));
    let mut rows = asked.read(move |reader| reader.usage_of(id, from, today)).await?;
    rows.retain(|row| asked.holder.rights().zones().has(&row.zone));
    rows.reverse();
    let live = |key: &&dnsbl_types::SubscriberKey| key.until.is_none_or(|until| asked.now < until);
    let texts = asked.app.texts(asked.language);
    let overlaps =
        OVERLAPS.map(|days| (days.to_string(), texts.fill("admin-days", [("count", days.into())])));
    let main = html! {
        dl {
            (terms(&asked, &subscriber))
            (fact(&asked, "admin-note", subscriber.note.as_ref()))
            (fact_time(&asked, "admin-since", Some(subscriber.created_at)))
        }
        @if subscriber.recognition.takes_key() {
            h2 { (asked.text("admin-keys")) }
            ul {
                @for key in subscriber.keys.iter().filter(live) {
                    li {
                        code { (key.digest.fingerprint()) } " " (asked.time(key.created_at))
                        @if let Some(until) = key.until {
                            " " (asked.text("admin-expires")) " " (asked.time(until))
                        }
                    }
                }
            }
        }
        h2 { (asked.text("admin-usage")) }
        @if rows.is_empty() { p { (asked.text("admin-nothing")) } }
        @else {
            table {
                caption { (asked.text("admin-usage-text")) }
                thead {
                    tr {
                        th scope="col" { (asked.text("admin-day")) }
                        th scope="col" { (asked.text("admin-zone")) }
                        th.number scope="col" { (asked.text("admin-questions")) }
                        th.number scope="col" { (asked.text("admin-refused")) }
                    }
                }
                tbody {
                    @for row in &rows {
                        tr {
                            th scope="row" { (day(row.day.begin())) }
                            td { (row.zone) }
                            td.number { (grouped(row.usage.questions)) }
                            td.number { (grouped(row.usage.refused)) }
                        }
                    }
                }
            }
        }
        @if asked.has("subscribers:write") {
            @if subscriber.recognition.takes_key() {
                h2 { (asked.text("admin-rotate")) }
                (form(&asked, &format!("subscribers/{id}/rotate"), "admin-rotate", &html! {
                    (hidden("revision", revision))
                    (choice("overlap", "overlap", &asked.text("admin-overlap"), &overlaps, None))
                }))
            }
            h2 { (asked.text("admin-revoke")) }
            p { (asked.text("admin-revoke-subscriber-text")) }
            (form(&asked, &format!("subscribers/{id}/revoke"), "admin-revoke", &hidden("revision", revision)))
        }
    };
    Ok(Answer::Page { title: subscriber.name, main })
}

/// Gives a subscriber another key, which this page alone shows.
pub(super) async fn rotate(asked: Asked) -> Result<Answer, Refused> {
    asked.require("subscribers:write")?;
    let SubscriberRecord { subscriber, revision } = find(&asked).await?;
    let overlap = match asked.fields.parse::<u64>("overlap")? {
        days if OVERLAPS.contains(&days) => days * 86_400,
        _ => return Err(Refused::field("overlap", "it is none of the choices")),
    };
    if overlap > 0 {
        asked.require_sound_clock()?;
    }
    let mut random = [0; AccessKey::RANDOM];
    getrandom::fill(&mut random).map_err(|err| {
        tracing::error!(%err, "the system gives no random bytes");
        Refused::Broken
    })?;
    let key = AccessKey::from_random(random);
    let (id, digest) = (subscriber.id, key.digest());
    let precondition = precondition(&asked, revision)?;
    let change = Operation::RotateSubscriber { id, digest, overlap, precondition };
    let rights = asked.holder.rights();
    let permitted = rights.permit_for_subscriber(asked.holder.actor(), &subscriber, change)?;
    let (_, OperationResult::Subscriber(_)) = asked.change(permitted).await? else {
        return Err(Refused::Broken);
    };
    let main = html! {
        p { (asked.text("admin-key-text")) }
        p { code { (key.reveal()) } }
        p { a href=(asked.path(&format!("subscribers/{id}"))) { (text(&subscriber.name)) } }
    };
    Ok(Answer::Page { title: asked.text("admin-key"), main })
}

/// Ends a subscriber: the next question with its key is denied.
pub(super) async fn revoke(asked: Asked) -> Result<Answer, Refused> {
    asked.require("subscribers:write")?;
    let SubscriberRecord { subscriber, revision } = find(&asked).await?;
    let (id, precondition) = (subscriber.id, precondition(&asked, revision)?);
    let change = Operation::DeleteSubscriber { id, precondition };
    let rights = asked.holder.rights();
    let permitted = rights.permit_for_subscriber(asked.holder.actor(), &subscriber, change)?;
    asked.change(permitted).await?;
    Ok(asked.done("subscribers", "admin-revoked"))
}

/// The subscriber of the path, if the token is for its zones.
async fn find(asked: &Asked) -> Result<SubscriberRecord, Refused> {
    let text = asked.name.as_deref().unwrap_or_default();
    let id: SubscriberId = text.parse().map_err(|_| ChangeError::NoSubscriber)?;
    let found = asked.read(move |reader| reader.subscriber(id)).await?;
    let found = found.ok_or(ChangeError::NoSubscriber)?;
    asked.holder.rights().permit_subscriber(&found.subscriber)?;
    Ok(found)
}

/// It is as the form showed it. A token for some zones changes it as it was found, so that who gives it other zones
/// meanwhile is not overtaken.
fn precondition(asked: &Asked, revision: u64) -> Result<Precondition, Refused> {
    let shown = asked.fields.parse_optional("revision")?;
    Ok(match (shown, asked.holder.rights().zones()) {
        (Some(shown), _) => Precondition::matches(shown),
        (None, ZoneRights::Only(_)) => Precondition::matches(revision),
        (None, ZoneRights::All) => Precondition::Matches(Vec::new()),
    })
}
