//! Sources of a zone: which of them list, and which are frozen.

use dnsbl_store::Operation;
use dnsbl_types::{Name, Source};
use maud::html;
use relay_tester::service::SOURCE as TESTER;

use super::{
    asked::{Answer, Asked},
    frame::{choice, fact, fact_time, form, hidden, line, look, same},
    refused::Refused,
};
use crate::shown::grouped;

/// The longest reason, in bytes.
const LONGEST_WHY: usize = 1000;

/// Shows the sources of a zone.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("zones:read")?;
    let zones = asked.zones();
    let zone: Option<Name> = match asked.fields.get("zone") {
        Some(_) => Some(asked.zone("zone")?.into_name()),
        None => zones.first().cloned(),
    };
    let sources = match zone.clone() {
        Some(zone) => asked.read(move |reader| reader.sources(&zone)).await?.unwrap_or_default(),
        None => Vec::new(),
    };
    let zone = zone.map(|zone| zone.to_string()).unwrap_or_default();
    let may_freeze =
        asked.has("zones:write") && asked.holder.rights().require_every_prefix("a source").is_ok();
    let main = html! {
        (look(&asked, "sources", &choice("zone", "zone", &asked.text("admin-zone"), &same(&zones), Some(&zone))))
        @if sources.is_empty() { p { (asked.text("admin-nothing")) } }
        @for (at, record) in sources.iter().enumerate() {
            section.zone {
                h2 { (record.source) }
                dl {
                    (fact(&asked, "admin-listings", Some(grouped(record.rows))))
                    @if let Some(freeze) = &record.frozen {
                        (fact_time(&asked, "admin-frozen-since", Some(freeze.since)))
                        (fact(&asked, "admin-by", Some(&freeze.by)))
                        (fact(&asked, "admin-why", Some(&freeze.why)))
                    }
                }
                @if may_freeze && !is_of_server(&record.source) {
                    @if record.frozen.is_some() {
                        (form(&asked, "sources", "admin-thaw", &html! {
                            (hidden("zone", &zone)) (hidden("source", &record.source))
                        }))
                    } @else {
                        (form(&asked, "sources", "admin-freeze", &html! {
                            (hidden("zone", &zone)) (hidden("source", &record.source)) (hidden("freeze", 1))
                            (line(&format!("why-{at}"), "why", &asked.text("admin-why"), ""))
                        }))
                    }
                }
            }
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-sources"), main })
}

/// Freezes a source, or lets it write again.
pub(super) async fn freeze(asked: Asked) -> Result<Answer, Refused> {
    asked.require("zones:write")?;
    let zone = asked.zone("zone")?.into_name();
    let source: Source = asked.fields.parse("source")?;
    if is_of_server(&source) {
        let why = format!("{source} is a part of the server, which is not frozen");
        return Err(Refused::Mistake(why));
    }
    let frozen = match (asked.fields.is_set("freeze"), asked.fields.get("why")) {
        (false, _) => None,
        (true, Some(why)) if why.len() <= LONGEST_WHY => Some(why.to_owned()),
        (true, Some(_)) => {
            return Err(Refused::field("why", format!("at most {LONGEST_WHY} bytes")));
        }
        (true, None) => {
            return Err(Refused::field("why", "whoever is refused shall hear why it is frozen"));
        }
    };
    let key = if frozen.is_some() { "admin-is-frozen" } else { "admin-is-thawed" };
    let place = format!("sources?zone={zone}");
    let permitted = asked.holder.permit(Operation::PutSource { zone, source, frozen })?;
    asked.change(permitted).await?;
    Ok(asked.done(place, key))
}

fn is_of_server(source: &Source) -> bool {
    [TESTER, Source::LOGINS].iter().any(|own| source.as_str().eq_ignore_ascii_case(own))
}
