//! What waits for a reviewer: requests for removal, reports, and listings that never expire.

use dnsbl_removals::{Item, ItemId, ItemKind, Matter, Position, ReviewDecision, ReviewFilter};
use dnsbl_reports::Comment;
use dnsbl_store::Precondition;
use dnsbl_types::Name;
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked},
    frame::{choice, fact, fact_time, form, hidden, line, look, next},
    refused::Refused,
};

/// Items of a page.
const PAGE: usize = 25;
/// Seconds that a claim holds.
const TERM: u64 = 1800;

/// Shows what waits, requests for removal first, or one kind of it.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("review")?;
    let kind = asked.fields.get("kind").unwrap_or_default();
    let filter = ReviewFilter {
        kind: ItemKind::ALL.into_iter().find(|one| one.as_str() == kind),
        ..ReviewFilter::default()
    };
    let after: Option<Position> = asked.fields.parse_optional("after")?;
    let zones = asked.holder.rights().zones().clone();
    let sees = move |zone: &Name| zones.has(zone);
    let (items, more) = asked.console()?.review.list(filter, sees, after, PAGE).await?;
    let mut kinds = vec![(String::new(), asked.text("admin-any"))];
    kinds.extend(ItemKind::ALL.map(|one| (one.as_str().to_owned(), asked.text(kind_key(one)))));
    let main = html! {
        (look(&asked, "review", &choice("kind", "kind", &asked.text("admin-kind"), &kinds, Some(kind))))
        @if items.is_empty() { p { (asked.text("admin-nothing")) } }
        @for item in &items {
            section.zone {
                h2 { a href=(asked.path(&format!("review/{}", item.id))) { (item.subject()) } }
                dl { (brief(&asked, item)) }
            }
        }
        @if let Some(more) = more {
            (next(&asked, "review", &[("kind", kind), ("after", &more.to_string())]))
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-review"), main })
}

fn brief(asked: &Asked, item: &Item) -> Markup {
    let due = match &item.matter {
        Matter::Removal(request) => Some(request.promised()),
        Matter::Report(_) | Matter::Listing { .. } => None,
    };
    html! {
        dt { (asked.text("admin-kind")) }
        dd { (asked.text(kind_key(item.matter.kind()))) }
        (fact(asked, "admin-zone", Some(item.zone())))
        (fact_time(asked, "admin-since", Some(item.since())))
        (fact_time(asked, "admin-promised", due))
        @if due.is_some_and(|due| due <= asked.now) {
            dt { (asked.text("admin-state")) }
            dd { span.state.bad { (asked.text("admin-overdue")) } }
        }
        @if let Some(claim) = &item.claim {
            (fact(asked, "admin-claimed-by", Some(&claim.by)))
            (fact_time(asked, "admin-claimed-until", Some(claim.until)))
        }
    }
}

/// Shows one, with what is said for and against it, and the forms to work on it.
pub(super) async fn show_one(asked: Asked) -> Result<Answer, Refused> {
    asked.require("review")?;
    let item = find(&asked).await?;
    let place = format!("review/{}", item.id);
    let decisions = item.matter.kind().decisions().iter();
    let decisions: Vec<(String, String)> =
        decisions.map(|one| (one.as_str().to_owned(), asked.text(decision_key(*one)))).collect();
    let may_decide = asked.holder.rights().prefixes().permit(item.subject()).is_ok();
    let main = html! {
        dl { (brief(&asked, &item)) (details(&asked, &item)) }
        p { a href={ (asked.path("listings")) "?q=" (query(&item.subject().to_string())) } { (asked.text("admin-menu-listings")) } }
        @match &item.claim {
            None => {
                (form(&asked, &format!("{place}/claim"), "admin-claim", &hidden("revision", item.revision)))
            }
            Some(claim) if claim.token.as_ref() == Some(&asked.holder.token().id) => {
                (form(&asked, &format!("{place}/release"), "admin-release", &hidden("revision", item.revision)))
            }
            Some(_) => {}
        }
        @if may_decide {
            h2 { (asked.text("admin-decide")) }
            (form(&asked, &place, "admin-decide", &html! {
                (hidden("revision", item.revision))
                (choice("decision", "decision", &asked.text("admin-verdict"), &decisions, None))
                (line("note", "note", &asked.text(note_key(item.matter.kind())), ""))
            }))
        }
    };
    Ok(Answer::Page { title: item.subject().to_string(), main })
}

fn details(asked: &Asked, item: &Item) -> Markup {
    html! {
        @match &item.matter {
            Matter::Removal(request) => {
                (fact(asked, "admin-reporter", request.by.as_ref()))
                (fact(asked, "admin-network", request.network))
                (fact(asked, "admin-comment", request.comment.as_ref().map(Comment::as_str)))
            }
            Matter::Report(report) => {
                (fact(asked, "admin-reporter", Some(&report.reporter)))
                (fact(asked, "admin-events", Some(report.count)))
                (fact(asked, "admin-comment", report.comment.as_ref().map(Comment::as_str)))
            }
            Matter::Listing { listing, .. } => {
                (fact(asked, "admin-source", Some(&listing.source)))
                (fact(asked, "admin-note", listing.body.note.as_ref()))
                (fact(asked, "admin-by", Some(&listing.listed_by)))
                (fact(asked, "admin-change", Some(listing.seq)))
            }
        }
    }
}

/// Decides about one. `/undo` takes back what is removed.
pub(super) async fn decide(asked: Asked) -> Result<Answer, Refused> {
    asked.require("review")?;
    asked.require_sound_clock()?;
    let decision: ReviewDecision = asked.fields.parse("decision")?;
    let item = find(&asked).await?;
    let rights = asked.holder.rights();
    rights.prefixes().permit(item.subject())?;
    if decision == ReviewDecision::GrantWider {
        rights.require_every_prefix("grant-wider")?;
    }
    let note = asked.fields.get("note").and_then(Comment::new);
    let (expected, actor) = (expected(&asked)?, asked.holder.actor());
    asked.console()?.review.decide(&item.id, &expected, decision, note, actor).await?;
    Ok(asked.done("review", "admin-decision-kept"))
}

/// Has others know that somebody works on one.
pub(super) async fn claim(asked: Asked) -> Result<Answer, Refused> {
    asked.require("review")?;
    asked.require_sound_clock()?;
    let (item, expected, actor) = (find(&asked).await?, expected(&asked)?, asked.holder.actor());
    asked.console()?.review.claim(&item.id, &expected, actor, TERM).await?;
    Ok(asked.done(format!("review/{}", item.id), "admin-claimed"))
}

/// Ends that.
pub(super) async fn release(asked: Asked) -> Result<Answer, Refused> {
    asked.require("review")?;
    let (item, expected, actor) = (find(&asked).await?, expected(&asked)?, asked.holder.actor());
    asked.console()?.review.release(&item.id, &expected, actor).await?;
    Ok(asked.done(format!("review/{}", item.id), "admin-released"))
}

/// The item of the path, if the token is for its zone.
async fn find(asked: &Asked) -> Result<Item, Refused> {
    let none = || Refused::Missing("it does not wait for a decision".into());
    let id: ItemId = asked.name.as_deref().unwrap_or_default().parse().map_err(|_| none())?;
    let item = asked.console()?.review.find(&id).await?.ok_or_else(none)?;
    asked.holder.rights().zones().permit(item.zone())?;
    Ok(item)
}

/// It is as the form showed it.
fn expected(asked: &Asked) -> Result<Precondition, Refused> {
    let shown = asked.fields.parse_optional("revision")?;
    Ok(shown.map_or(Precondition::None, Precondition::matches))
}

fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn kind_key(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Removal => "admin-item-removal",
        ItemKind::Report => "admin-item-report",
        ItemKind::Listing => "admin-item-listing",
    }
}

/// Who asked for a removal is told what the reviewer says.
fn note_key(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Removal => "admin-note-told",
        ItemKind::Report | ItemKind::Listing => "admin-note-hint",
    }
}

fn decision_key(decision: ReviewDecision) -> &'static str {
    match decision {
        ReviewDecision::Grant => "admin-grant",
        ReviewDecision::GrantWider => "admin-grant-wider",
        ReviewDecision::Refuse => "admin-refuse",
        ReviewDecision::Confirm => "admin-confirm",
        ReviewDecision::Refute => "admin-refute",
        ReviewDecision::Keep => "admin-keep",
        ReviewDecision::Remove => "admin-remove",
    }
}
