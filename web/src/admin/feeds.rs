//! Feeds: what became of them, and running one now.

use dnsbl_feeds::{FeedName, FeedView, Origin};
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked, wait_for},
    frame::{fact, fact_time, form, hidden},
    refused::Refused,
};
use crate::shown::duration;

/// Shows the feeds of the token's zones.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("feeds:read")?;
    let mut feeds = asked.console()?.feeds.list();
    feeds.retain(|view| asked.holder.rights().zones().has(&view.feed.zone));
    let main = html! {
        @if feeds.is_empty() { p { (asked.text("admin-nothing")) } }
        @for view in &feeds { (one(&asked, view)) }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-feeds"), main })
}

fn one(asked: &Asked, view: &FeedView) -> Markup {
    let FeedView { feed, state, .. } = view;
    let origin = match &feed.origin {
        Origin::Path(path) => path.display().to_string(),
        Origin::Url(url) => url.to_string(),
    };
    let (class, word) = match (&state.failing, state.last_attempt) {
        (Some(_), _) => ("state bad", "admin-feed-failing"),
        (None, Some(_)) => ("state good", "admin-feed-good"),
        (None, None) => ("state other", "admin-feed-waiting"),
    };
    let counts = state.imported.as_ref().map(|imported| {
        format!(
            "+{} ~{} -{} ={} !{}",
            imported.added,
            imported.updated,
            imported.removed,
            imported.unchanged,
            imported.rejected
        )
    });
    html! {
        section.zone {
            h2 { (feed.name) }
            p {
                span class=(class) { (asked.text(word)) }
                @if view.running { " " (asked.text("admin-feed-running")) }
            }
            dl {
                (fact(asked, "admin-zone", Some(&feed.zone)))
                (fact(asked, "admin-source", Some(&feed.source)))
                (fact(asked, "admin-origin", Some(origin)))
                (fact(asked, "admin-every", Some(duration(asked.app.texts(asked.language), feed.every))))
                (fact_time(asked, "admin-last-attempt", state.last_attempt))
                (fact_time(asked, "admin-last-success", state.last_success))
                (fact_time(asked, "admin-next-attempt", Some(view.next_attempt)))
                (fact(asked, "admin-imported", counts))
                @if let Some(failing) = &state.failing {
                    (fact_time(asked, "admin-failing-since", Some(failing.since)))
                    (fact(asked, "admin-failing-why", Some(&failing.detail)))
                }
            }
            @if may_run(asked, view).is_ok() {
                (form(asked, "feeds/run", "admin-run", &hidden("feed", &feed.name)))
            }
        }
    }
}

/// Refuses a feed into a zone that the token is not for, or whose source it does not speak for. What a feed lists is of
/// any size.
fn may_run(asked: &Asked, view: &FeedView) -> Result<(), Refused> {
    asked.require("feeds:write")?;
    let rights = asked.holder.rights();
    rights.require_every_prefix("a feed")?;
    rights.zones().permit(&view.feed.zone)?;
    Ok(rights.sources().may_write(&view.feed.source)?)
}

/// Runs a feed now. What takes long goes on after the page.
pub(super) async fn run(asked: Asked) -> Result<Answer, Refused> {
    asked.require("feeds:write")?;
    let name: FeedName = asked.fields.parse("feed")?;
    let feeds = asked.console()?.feeds.clone();
    may_run(&asked, &feeds.find(&name)?)?;
    let run = async move { Ok::<_, Refused>(feeds.run_now(&name, None).await?) };
    let key = match wait_for(run).await? {
        Some(view) if view.state.failing.is_some() => "admin-feed-failed",
        Some(_) => "admin-feed-ran",
        None => "admin-goes-on",
    };
    Ok(asked.done("feeds", key))
}
