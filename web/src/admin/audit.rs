//! Audit records: who did what.

use dnsbl_store::AuditRecord;
use dnsbl_types::{Name, Subject};
use maud::html;

use super::{
    asked::{Answer, Asked},
    frame::{fact, form, hidden, line, look, next},
    refused::Refused,
};

/// Records of a page.
const PAGE: usize = 20;
/// The most that are read for one.
const LOOK_AT: usize = 100_000;

/// Shows the newest, or those of some actor, subject or kind.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("audit:read")?;
    let before = asked.fields.parse_optional("before")?.unwrap_or(u64::MAX);
    let wanted = |name: &str| asked.fields.get(name).map(str::to_owned);
    let (actor, action) = (wanted("actor"), wanted("action"));
    // Subjects are compared in the form in which the records have them.
    let subject = wanted("subject").map(|text| match text.parse::<Subject>() {
        Ok(subject) => subject.to_string(),
        Err(_) => text,
    });
    let zones = asked.holder.rights().zones().clone();
    let sees_subscribers = asked.has("subscribers:read");
    let admits = move |record: &AuditRecord| {
        let zone = record.zone.as_deref().and_then(|zone| zone.parse::<Name>().ok());
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let is_by = is(&actor, Some(&record.actor)) || is(&actor, record.token.as_deref());
        (sees_subscribers || !record.action.starts_with("subscriber-"))
            && zones.has_what_is_of(zone.as_ref())
            && is_by
            && is(&action, Some(&record.action))
            && is(&subject, record.subject.as_deref())
    };
    let page = asked.read(move |reader| reader.audit_before(before, PAGE, LOOK_AT, admits)).await?;
    let typed = |name: &str| asked.fields.get(name).unwrap_or_default();
    let may_undo = asked.has("undo") && asked.holder.rights().permit_undo().is_ok();
    let main = html! {
        (look(&asked, "audit", &html! {
            (line("actor", "actor", &asked.text("admin-actor"), typed("actor")))
            (line("subject", "subject", &asked.text("admin-about"), typed("subject")))
            (line("action", "action", &asked.text("admin-action"), typed("action")))
        }))
        @if page.records.is_empty() { p { (asked.text("admin-nothing")) } }
        @for record in &page.records {
            section.zone {
                h2 { (record.seq) " – " (record.action) }
                dl {
                    dt { (asked.text("admin-when")) }
                    dd { (asked.time(record.at)) }
                    (fact(&asked, "admin-actor", Some(&record.actor)))
                    (fact(&asked, "admin-token-id", record.token.as_ref()))
                    (fact(&asked, "admin-network", record.remote.as_ref()))
                    (fact(&asked, "admin-zone", record.zone.as_ref()))
                    (fact(&asked, "admin-about", record.subject.as_ref()))
                    (fact(&asked, "admin-source", record.source.as_ref()))
                }
                @if may_undo && is_undoable(&record.action) {
                    (form(&asked, "undo", "admin-undo", &hidden("seq", record.seq)))
                }
            }
        }
        @if let Some(more) = page.next {
            (next(&asked, "audit", &[
                ("actor", typed("actor")),
                ("subject", typed("subject")),
                ("action", typed("action")),
                ("before", &more.to_string()),
            ]))
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-audit"), main })
}

/// Whether it may be a change that can be undone; the store says for sure.
fn is_undoable(action: &str) -> bool {
    !["token-", "subscriber-", "relay-", "report", "allow-"].iter().any(|of| action.starts_with(of))
}
