//! The first page: how the server is, and what waits for somebody.

use maud::html;

use super::{
    asked::{Answer, Asked},
    frame::fact,
    refused::Refused,
};
use crate::{pages::state_word, shown::grouped};

/// Shows it: of everything as much as the token may see.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    let read = asked.read(|reader| Ok((reader.head()?, reader.zones()?)));
    let (head, mut zones) = read.await?;
    let rights = asked.holder.rights();
    zones.retain(|record| rights.zones().has(&record.zone.origin));
    zones.sort_by_key(|record| record.zone.origin.to_string());
    let behind = head.saturating_sub(asked.app.index.load().seq());
    let console = asked.console()?;
    let may_see_reports = asked.has("reports:read") && asked.is_for_all_zones();
    let waiting = may_see_reports.then(|| console.reports.stats().waiting().total());
    let feeds = asked.has("feeds:read").then(|| console.feeds.list());
    let failing = feeds.map(|feeds| {
        let of_token = feeds.iter().filter(|view| rights.zones().has(&view.feed.zone));
        of_token.filter(|view| view.state.failing.is_some()).count()
    });
    let state = state_word(asked.app.texts(asked.language), asked.app.host.state());
    let main = html! {
        dl {
            dt { (asked.text("admin-state")) }
            dd { (state) }
            (fact(&asked, "admin-sequence", Some(grouped(head))))
            (fact(&asked, "admin-behind", Some(grouped(behind))))
        }
        h2 { (asked.text("admin-queues")) }
        dl {
            @if let Some(waiting) = waiting {
                dt { (asked.text("admin-reports-waiting")) }
                dd { a href=(asked.path("reports")) { (grouped(waiting)) } }
            }
            @if let Some(failing) = failing {
                dt { (asked.text("admin-feeds-failing")) }
                dd { a href=(asked.path("feeds")) { (failing) } }
            }
        }
        @if asked.has("zones:read") {
            h2 { (asked.text("admin-zones")) }
            @for record in &zones {
                section.zone {
                    h3 { (record.zone.origin) }
                    dl {
                        (fact(&asked, "admin-serial", Some(record.serial.0)))
                        (fact(&asked, "admin-listings", Some(grouped(record.listings))))
                        (fact(&asked, "admin-exclusions", Some(grouped(record.exclusions))))
                        @if !record.frozen.is_empty() {
                            dt { (asked.text("admin-frozen")) }
                            dd {
                                @for (at, source) in record.frozen.iter().enumerate() {
                                    @if at > 0 { ", " }
                                    (source)
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-overview"), main })
}
