//! Allow entries: what is not listed, whatever is said of it.

use dnsbl_store::{AllowRecord, Operation, Precondition};
use dnsbl_types::{AllowEntry, Guard, Name, Subject};
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked},
    frame::{choice, fact, fact_time, form, hidden, line, look, same},
    refused::Refused,
};

/// Entries that are read at once.
const PAGE: usize = 1_000;
/// Entries that are shown.
const MOST: usize = 20;

/// Shows the entries of the token's zones and of all zones, or those that cover a subject, and the form to add one.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("allowlist:read")?;
    let subject: Option<Subject> = asked.fields.parse_optional("q")?;
    let typed = asked.fields.get("q").unwrap_or_default().to_owned();
    let mut found = read(&asked, subject).await?;
    let has_more = found.len() > MOST;
    found.truncate(MOST);
    let may_write = asked.has("allowlist:write");
    let main = html! {
        (look(&asked, "allow", &line("q", "q", &asked.text("search-label"), &typed)))
        @if found.is_empty() { p { (asked.text("admin-nothing")) } }
        @for record in &found { (one(&asked, record, may_write)) }
        @if has_more { p { (asked.text("admin-more")) } }
        @if may_write {
            h2 { (asked.text("admin-allow-add")) }
            p { (asked.text("admin-allow-text")) }
            (addition(&asked))
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-allow"), main })
}

async fn read(asked: &Asked, subject: Option<Subject>) -> Result<Vec<AllowRecord>, Refused> {
    let zones = asked.holder.rights().zones().clone();
    // What holds in all zones holds in those of the token, too.
    let is_sought = move |record: &AllowRecord| {
        record.entry.zone.as_ref().is_none_or(|zone| zones.has(zone))
            && subject.as_ref().is_none_or(|subject| record.entry.subject.covers(subject))
    };
    asked
        .read(move |reader| {
            let (mut found, mut after) = (Vec::new(), None::<(Option<Name>, Subject)>);
            loop {
                let at = after.as_ref().map(|(zone, subject)| (zone.as_ref(), subject));
                let page = reader.allow_entries(at, PAGE)?;
                let is_last = page.len() < PAGE;
                let last = page.last().map(|record| &record.entry);
                after = last.map(|entry| (entry.zone.clone(), entry.subject.clone()));
                found.extend(page.into_iter().filter(&is_sought));
                if is_last || found.len() > MOST {
                    return Ok(found);
                }
            }
        })
        .await
}

fn one(asked: &Asked, record: &AllowRecord, may_write: bool) -> Markup {
    let AllowEntry { zone, subject, reason, owner, expires_at, created_at } = &record.entry;
    let rights = asked.holder.rights();
    let may_remove = may_write
        && rights.permit_what_is_of(zone.as_ref()).is_ok()
        && rights.prefixes().permit(subject).is_ok();
    html! {
        section.zone {
            h2 { (subject) }
            dl {
                dt { (asked.text("admin-zone")) }
                dd {
                    @match zone {
                        Some(zone) => (zone),
                        None => (asked.text("admin-every-zone")),
                    }
                }
                (fact(asked, "reason", Some(reason)))
                (fact(asked, "admin-owner", Some(owner)))
                (fact_time(asked, "admin-since", Some(*created_at)))
                (fact_time(asked, "admin-expires", *expires_at))
            }
            @if may_remove {
                (form(asked, "allow/remove", "admin-remove", &html! {
                    @if let Some(zone) = zone { (hidden("zone", zone)) }
                    (hidden("subject", subject))
                    (hidden("revision", record.revision))
                }))
            }
        }
    }
}

fn addition(asked: &Asked) -> Markup {
    let mut zones = same(asked.zones());
    if asked.is_for_all_zones() {
        zones.insert(0, (String::new(), asked.text("admin-every-zone")));
    }
    form(
        asked,
        "allow",
        "admin-allow-add",
        &html! {
            (choice("zone", "zone", &asked.text("admin-zone"), &zones, None))
            (line("subject", "subject", &asked.text("search-label"), ""))
            (line("why", "why", &asked.text("reason"), ""))
            (line("owner", "owner", &asked.text("admin-owner"), &asked.holder.token().name))
            (line("days", "days", &asked.text("admin-days-hint"), ""))
        },
    )
}

/// Adds an entry where there is none.
pub(super) async fn add(asked: Asked) -> Result<Answer, Refused> {
    asked.require("allowlist:write")?;
    let zone: Option<Name> = asked.fields.parse_optional("zone")?;
    let subject: Subject = asked.fields.parse("subject")?;
    // What sends no mail may be promised not to be listed.
    Guard::check(&subject, &[Guard::SpecialUse])
        .map_err(|err| Refused::Mistake(err.to_string()))?;
    let expires_at = asked.fields.end("days", asked.now)?;
    if expires_at.is_some() {
        asked.require_sound_clock()?;
    }
    let owner = asked.fields.get("owner").unwrap_or(&asked.holder.token().name);
    let entry = AllowEntry {
        zone,
        subject,
        reason: asked.fields.need("why")?.to_owned(),
        owner: owner.to_owned(),
        expires_at,
        created_at: asked.now,
    };
    let entry = entry.check().map_err(|err| Refused::Mistake(err.to_string()))?;
    let put = Operation::PutAllow { entry: Box::new(entry), precondition: Precondition::Absent };
    let permitted = asked.holder.permit(put)?;
    asked.change(permitted).await?;
    Ok(asked.done("allow", "admin-added"))
}

/// Removes an entry, if it is what was shown.
pub(super) async fn remove(asked: Asked) -> Result<Answer, Refused> {
    asked.require("allowlist:write")?;
    let zone: Option<Name> = asked.fields.parse_optional("zone")?;
    let subject: Subject = asked.fields.parse("subject")?;
    let precondition = match asked.fields.parse_optional("revision")? {
        Some(revision) => Precondition::matches(revision),
        None => Precondition::None,
    };
    let permitted = asked.holder.permit(Operation::DeleteAllow { zone, subject, precondition })?;
    asked.change(permitted).await?;
    Ok(asked.done("allow", "admin-removed"))
}
