//! Listings: looked up with all that is said, added, removed.

use dnsbl_index::IndexedZone;
use dnsbl_store::{Filter, Operation, OperationResult, Precondition, Sources, SubjectMatch};
use dnsbl_types::{Guard, Listing, ListingBody, Name, Reason, Source, Subject, TestEntry};
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked, parse},
    frame::{choice, fact, fact_time, form, hidden, line, lines, look, same, tick},
    refused::Refused,
};

/// Listings that are shown, and of a zone at least.
const MOST: usize = 18;
const MOST_OF_ZONE: usize = 3;

/// What a zone says of a subject.
struct Found {
    zone: Name,
    /// Whether DNS answers that it is listed; `None` of a prefix or wildcard, which is no question.
    is_listed: Option<bool>,
    listings: Vec<Listing>,
    has_more: bool,
}

/// Shows what is said of a subject, of what covers it and of what lies inside.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("listings:read")?;
    let typed = asked.fields.get("q").unwrap_or_default().to_owned();
    let subject: Option<Subject> = match typed.as_str() {
        "" => None,
        typed => Some(parse("q", typed)?),
    };
    let found = match &subject {
        Some(subject) => find(&asked, subject).await?,
        None => Vec::new(),
    };
    let main = html! {
        (look(&asked, "listings", &line("q", "q", &asked.text("search-label"), &typed)))
        @if asked.has("listings:write") {
            p { a href=(asked.path("listings/add")) { (asked.text("admin-add")) } }
        }
        @for (at, found) in found.iter().enumerate() {
            section {
                h2 { (found.zone) }
                @if let Some(is_listed) = found.is_listed {
                    p {
                        @if is_listed { span.state.bad { (asked.text("admin-dns-lists")) } }
                        @else { span.state.good { (asked.text("admin-dns-lists-not")) } }
                    }
                }
                @if found.listings.is_empty() { p { (asked.text("admin-nothing")) } }
                @for (n, listing) in found.listings.iter().enumerate() {
                    (one(&asked, &found.zone, listing, &format!("{at}-{n}")))
                }
                @if found.has_more { p { (asked.text("admin-more")) } }
            }
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-listings"), main })
}

async fn find(asked: &Asked, subject: &Subject) -> Result<Vec<Found>, Refused> {
    let is_address = !matches!(subject, Subject::Domain(_));
    let snapshot = asked.app.index.load();
    let answered = |zone: &IndexedZone| {
        zone.judge_subject(subject, asked.now).map(|verdict| verdict.listed().is_some())
    };
    let zones: Vec<(Name, Option<bool>)> = asked
        .zones()
        .iter()
        .filter_map(|origin| snapshot.zone(origin))
        .filter(|zone| zone.settings().kind.has_addresses() == is_address)
        .map(|zone| (zone.origin().clone(), answered(zone)))
        .collect();
    drop(snapshot);
    let most = (MOST / zones.len().max(1)).max(MOST_OF_ZONE);
    let subject = subject.clone();
    asked
        .read(move |reader| {
            let filter = Filter { subject: SubjectMatch::Overlap(subject), ..Filter::all() };
            let mut all = Vec::new();
            for (zone, is_listed) in zones {
                let page = reader.page(&zone, &filter, None, most, || false)?;
                let has_more = page.next.is_some();
                all.push(Found { zone, is_listed, listings: page.listings, has_more });
            }
            Ok(all)
        })
        .await
}

/// A listing, with what may be done to it.
fn one(asked: &Asked, zone: &Name, listing: &Listing, id: &str) -> Markup {
    let Listing { subject, source, body, listed_at, updated_at, listed_by, seq } = listing;
    let codes: Vec<String> = body.return_codes.iter().map(ToString::to_string).collect();
    let codes = Some(codes.join(" ")).filter(|codes| !codes.is_empty());
    let tags = Some(body.tags.join(" ")).filter(|tags| !tags.is_empty());
    let rights = asked.holder.rights();
    let may_remove = asked.has("listings:write")
        && rights.sources().may_delete(source).is_ok()
        && rights.prefixes().permit(subject).is_ok();
    let may_undo = asked.has("undo") && rights.permit_undo().is_ok();
    html! {
        section.zone aria-labelledby={ "listing-" (id) } {
            h3 id={ "listing-" (id) } { (subject) " – " (source) }
            dl {
                @if body.exclusion {
                    dt { (asked.text("admin-kind")) }
                    dd { (asked.text("admin-exclusion")) }
                }
                (fact(asked, "admin-codes", codes))
                (fact(asked, "reason", body.reason.as_ref().map(Reason::template)))
                (fact(asked, "admin-note", body.note.as_ref()))
                (fact(asked, "admin-tags", tags))
                (fact_time(asked, "admin-since", Some(*listed_at)))
                (fact_time(asked, "admin-changed", Some(*updated_at)))
                (fact_time(asked, "admin-expires", body.expires_at))
                (fact(asked, "admin-by", Some(listed_by)))
                (fact(asked, "admin-change", Some(seq)))
            }
            @if may_remove {
                (form(asked, "listings/remove", "admin-remove", &html! {
                    (hidden("zone", zone))
                    (hidden("subject", subject))
                    (hidden("source", source))
                    (hidden("seq", seq))
                }))
            }
            @if may_undo {
                (form(asked, "undo", "admin-undo", &hidden("seq", seq)))
            }
        }
    }
}

/// The form to add a listing.
pub(super) async fn show_add(asked: Asked) -> Result<Answer, Refused> {
    asked.require("listings:write")?;
    let subject = asked.fields.get("subject").unwrap_or_default();
    let own = &asked.holder.token().name;
    let main = form(
        &asked,
        "listings/add",
        "admin-add",
        &html! {
            (choice("zone", "zone", &asked.text("admin-zone"), &same(asked.zones()), None))
            (line("subject", "subject", &asked.text("search-label"), subject))
            (line("source", "source", &asked.text("admin-source"), own))
            (line("reason", "reason", &asked.text("admin-reason-hint"), ""))
            (line("codes", "codes", &asked.text("admin-codes-hint"), ""))
            (line("days", "days", &asked.text("admin-days-hint"), ""))
            (line("tags", "tags", &asked.text("admin-tags"), ""))
            (lines("note", "note", &asked.text("admin-note-hint")))
            (tick("exclusion", "exclusion", &asked.text("admin-exclusion")))
            (tick("replace", "replace", &asked.text("admin-replace")))
        },
    );
    Ok(Answer::Page { title: asked.text("admin-add"), main })
}

/// Adds a listing.
pub(super) async fn add(asked: Asked) -> Result<Answer, Refused> {
    asked.require("listings:write")?;
    let zone = asked.zone("zone")?.into_name();
    let subject: Subject = asked.fields.parse("subject")?;
    let rights = asked.holder.rights();
    rights.prefixes().permit(&subject)?;
    let source = source(&asked)?;
    rights.sources().may_write(&source)?;
    let expires_at = asked.fields.end("days", asked.now)?;
    if expires_at.is_some() {
        asked.require_sound_clock()?;
    }
    let body = ListingBody {
        return_codes: asked.fields.parse_all("codes")?,
        reason: asked.fields.parse_optional("reason")?,
        exclusion: asked.fields.is_set("exclusion"),
        tags: asked.fields.parse_all("tags")?,
        note: asked.fields.get("note").map(str::to_owned),
        expires_at,
    };
    let body = body.checked().map_err(|err| Refused::Mistake(err.to_string()))?;
    if !body.exclusion {
        check_listable(&asked, &zone, &subject)?;
    }
    let precondition = match asked.fields.is_set("replace") {
        true => Precondition::None,
        false => Precondition::Absent,
    };
    let to = place_of(&subject);
    let body = Box::new(body);
    let put = Operation::PutListing { zone, subject, source, body, precondition };
    let permitted = asked.holder.permit(put)?;
    asked.change(permitted).await?;
    Ok(asked.done(to, "admin-added"))
}

/// Refuses what only logins list, and what the guards hold back. They hold in the console; the API lifts them for
/// who may. A test entry that is listed is left to the store, which says so.
fn check_listable(asked: &Asked, origin: &Name, subject: &Subject) -> Result<(), Refused> {
    let snapshot = asked.app.index.load();
    let Some(zone) = snapshot.zone(origin).map(|zone| zone.settings()) else {
        return Err(Refused::Missing(format!("there is no zone {origin}")));
    };
    if zone.kind.grant_terms().is_some() {
        return Err(Refused::Mistake(format!(
            "{origin} is an allow zone: what it lists is granted by logins alone; an exclusion keeps an address from being granted anything"
        )));
    }
    match TestEntry::named_by(zone, subject) {
        Some(TestEntry::Listed(_)) => Ok(()),
        _ => Guard::check(subject, &[]).map_err(|err| Refused::Mistake(err.to_string())),
    }
}

/// Removes what one source says of a subject, if it is what was shown.
pub(super) async fn remove(asked: Asked) -> Result<Answer, Refused> {
    asked.require("listings:write")?;
    let zone = asked.zone("zone")?.into_name();
    let subject: Subject = asked.fields.parse("subject")?;
    let source = source(&asked)?;
    asked.holder.rights().sources().may_delete(&source)?;
    let precondition = match asked.fields.parse_optional("seq")? {
        Some(seq) => Precondition::matches(seq),
        None => Precondition::None,
    };
    let to = place_of(&subject);
    let sources = Sources::One(source);
    let delete = Operation::DeleteListing { zone, subject, sources, precondition };
    let permitted = asked.holder.permit(delete)?;
    match asked.change(permitted).await? {
        (_, OperationResult::Count(0)) => {
            Err(Refused::Missing("this source lists no such subject there".into()))
        }
        _ => Ok(asked.done(to, "admin-removed")),
    }
}

/// The source in a field, or the token's name.
fn source(asked: &Asked) -> Result<Source, Refused> {
    let named = asked.fields.get("source");
    asked.holder.source(named).map_err(|err| Refused::field("source", err))
}

/// Where the listings of a subject are shown.
fn place_of(subject: &Subject) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("q", &subject.to_string())
        .finish();
    format!("listings?{query}")
}
