//! Relay tests: what was found, one more, and the networks that are not tested.

use std::{net::IpAddr, sync::Arc};

use dnsbl_types::Subject;
use ipnet::IpNet;
use maud::{Markup, html};
use relay_tester::{
    Ground, Probe, TestId,
    life::{ArrivalKind, Asker, StateKind, Test},
    service::{Filter, Submission, Tester},
    text::clean_lines,
};

use super::{
    asked::{Answer, Asked},
    frame::{block, choice, fact, fact_time, form, hidden, line, lines, look, next},
    refused::Refused,
};

/// Tests of a page.
const PAGE: usize = 25;
/// The longest evidence, in bytes.
const MAX_EVIDENCE: usize = 16 << 10;
/// The longest note, in bytes.
const MAX_NOTE: usize = 1 << 10;
/// The shortest prefixes that one owner may have; the guards of listings have the same.
const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 19;

/// The grounds on which a test may be asked for here.
const GROUNDS: [Ground; 3] = [Ground::Evidence, Ground::Delist, Ground::Owner];

/// The tester, if there is one and the token is for the zones that it lists in.
fn tester(asked: &Asked) -> Result<Arc<Tester>, Refused> {
    let tester = asked.console()?.tester.clone().ok_or_else(|| {
        Refused::Missing("this server tests no hosts; relay-tester.enabled turns it on".into())
    })?;
    let settings = tester.settings();
    for zone in std::iter::once(&settings.zone).chain(&settings.outputs_zone) {
        asked.holder.rights().zones().permit(zone)?;
    }
    Ok(tester)
}

/// Shows tests, the newest first, the form to ask for one, and the opt-outs.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("relay-tests:read")?;
    let tester = tester(&asked)?;
    let address: Option<IpAddr> = asked.fields.parse_optional("address")?;
    let state = asked.fields.get("state").unwrap_or_default();
    let kind = StateKind::ALL.into_iter().find(|kind| kind.as_str() == state);
    let before: Option<TestId> = asked.fields.parse_optional("before")?;
    let filter = Filter { address, state: kind, verdict: None };
    let (tests, more) = tester.list(filter, before, PAGE).await?;
    let mut opt_outs = tester.opt_outs().await;
    opt_outs.sort_unstable();
    let typed = asked.fields.get("address").unwrap_or_default();
    let mut states = vec![(String::new(), asked.text("admin-any"))];
    states.extend(StateKind::ALL.map(|kind| (kind.as_str().into(), kind.as_str().into())));
    let may_opt_out = asked.has("relay-opt-outs:write");
    let main = html! {
        (look(&asked, "tests", &html! {
            (line("address", "address", &asked.text("admin-address"), typed))
            (choice("state", "state", &asked.text("admin-state"), &states, Some(state)))
        }))
        @if tests.is_empty() { p { (asked.text("admin-nothing")) } }
        @for test in &tests {
            section.zone {
                h2 { a href=(asked.path(&format!("tests/{}", test.id))) { (test.address) } }
                dl { (brief(&asked, test)) }
            }
        }
        @if let Some(more) = more {
            (next(&asked, "tests", &[("address", typed), ("state", state), ("before", &more.to_string())]))
        }
        @if asked.has("relay-tests:write") {
            h2 { (asked.text("admin-test-submit")) }
            (submission(&asked))
        }
        h2 { (asked.text("admin-opt-outs")) }
        @if opt_outs.is_empty() { p { (asked.text("admin-nothing")) } }
        @for network in &opt_outs {
            section.zone {
                h3 { (network) }
                @if may_opt_out { (form(&asked, "opt-outs/end", "admin-opt-in", &hidden("network", network))) }
            }
        }
        @if may_opt_out {
            (form(&asked, "opt-outs", "admin-opt-out", &line("network", "network", &asked.text("admin-network"), "")))
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-tests"), main })
}

fn brief(asked: &Asked, test: &Test) -> Markup {
    html! {
        (fact(asked, "admin-state", Some(test.state.kind().as_str())))
        (fact(asked, "admin-verdict", test.verdict().map(|verdict| verdict.as_str())))
        (fact(asked, "admin-ground", Some(test.ground.as_str())))
        (fact(asked, "admin-by", Some(&test.submitter)))
        (fact_time(asked, "admin-submitted", Some(test.submitted_at)))
        (fact_time(asked, "admin-tested", test.tested_at()))
    }
}

fn submission(asked: &Asked) -> Markup {
    let grounds = GROUNDS
        .into_iter()
        .filter(|ground| *ground != Ground::Owner || asked.has("relay-tests:owner"));
    let grounds: Vec<(String, String)> = grounds
        .map(|ground| (ground.as_str().to_owned(), asked.text(ground_key(ground))))
        .collect();
    form(
        asked,
        "tests",
        "admin-test-submit",
        &html! {
            (line("test-address", "address", &asked.text("admin-address"), ""))
            (choice("ground", "ground", &asked.text("admin-ground"), &grounds, None))
            (lines("evidence", "evidence", &asked.text("admin-evidence")))
            (line("note", "note", &asked.text("admin-note-hint"), ""))
        },
    )
}

fn ground_key(ground: Ground) -> &'static str {
    match ground {
        Ground::Owner | Ground::Own => "admin-ground-owner",
        Ground::Evidence | Ground::Retest => "admin-ground-evidence",
        Ground::Delist => "admin-ground-delist",
    }
}

/// Shows a test: what was said, and what came back.
pub(super) async fn show_one(asked: Asked) -> Result<Answer, Refused> {
    asked.require("relay-tests:read")?;
    let tester = tester(&asked)?;
    let none = || Refused::Missing("there is no such relay test".into());
    let id: TestId = asked.name.as_deref().unwrap_or_default().parse().map_err(|_| none())?;
    let test = tester.find(id).await?.ok_or_else(none)?;
    let is_listed = tester.is_listed(test.address).await?;
    let main = html! {
        dl {
            (brief(&asked, &test))
            dt { (asked.text("admin-listed-now")) }
            dd { (asked.text(if is_listed { "admin-yes" } else { "admin-no" })) }
            (fact(&asked, "admin-port", Some(test.port)))
            (fact(&asked, "admin-domain", test.domain.as_ref()))
            (fact(&asked, "admin-via", test.via))
            (fact_time(&asked, "admin-retry", test.retry_at()))
            (fact(&asked, "admin-note", test.note.as_ref()))
        }
        @if !test.sent.is_empty() {
            h2 { (asked.text("admin-probes")) }
            ul {
                @for sent in &test.sent {
                    li {
                        (probe(sent.probe)) ": "
                        (sent.outcome.map_or("…", |outcome| outcome.as_str()))
                    }
                }
            }
        }
        @if let Some(evidence) = &test.evidence {
            h2 { (asked.text("admin-evidence")) }
            (block(evidence))
        }
        @if !test.transcript.is_empty() {
            h2 { (asked.text("admin-transcript")) }
            (block(&test.transcript.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n")))
        }
        @for arrival in &test.arrivals {
            section.zone {
                h2 { (asked.text("admin-came-back")) ": " (probe(arrival.probe)) }
                dl {
                    @if arrival.kind == ArrivalKind::Bounce {
                        dt { (asked.text("admin-kind")) }
                        dd { (asked.text("admin-bounce")) }
                    }
                    (fact(&asked, "admin-network", Some(arrival.peer)))
                    (fact_time(&asked, "admin-received", Some(arrival.at)))
                }
                (block(&arrival.headers))
            }
        }
    };
    Ok(Answer::Page { title: test.address.to_string(), main })
}

fn probe(index: u8) -> String {
    Probe::by_index(index).map_or_else(|| index.to_string(), |probe| probe.name.into())
}

/// Asks for a test.
pub(super) async fn submit(asked: Asked) -> Result<Answer, Refused> {
    asked.require("relay-tests:write")?;
    let tester = tester(&asked)?;
    let ground: Ground = asked.fields.parse("ground")?;
    if !GROUNDS.contains(&ground) {
        return Err(Refused::field("ground", "it is none of the choices"));
    }
    if ground == Ground::Owner {
        asked.require("relay-tests:owner")?;
    }
    let asker = match asked.has("relay-tests:trusted") {
        true => Asker::Trusted,
        false => Asker::Token(asked.holder.actor().name),
    };
    let submission = Submission {
        address: asked.fields.need("address")?.to_owned(),
        ground,
        port: None,
        domain: None,
        tier: None,
        evidence: typed(&asked, "evidence", MAX_EVIDENCE)?,
        note: typed(&asked, "note", MAX_NOTE)?,
        asker,
        actor: asked.holder.actor(),
    };
    let submitted = tester.submit(submission).await?;
    let place = match asked.has("relay-tests:read") {
        true => format!("tests/{}", submitted.test.id),
        false => String::new(),
    };
    Ok(asked.done(place, "admin-test-submitted"))
}

fn typed(asked: &Asked, field: &str, most: usize) -> Result<Option<String>, Refused> {
    match asked.fields.get(field) {
        Some(text) if text.len() > most => {
            Err(Refused::field(field, format!("{} bytes are more than {most}", text.len())))
        }
        text => Ok(text.map(clean_lines)),
    }
}

/// Tests a network no more.
pub(super) async fn opt_out(asked: Asked) -> Result<Answer, Refused> {
    asked.require("relay-opt-outs:write")?;
    let (tester, network) = (tester(&asked)?, network(&asked)?);
    let shortest = if network.addr().is_ipv4() { SHORTEST_V4 } else { SHORTEST_V6 };
    if network.prefix_len() < shortest {
        return Err(Refused::field("network", format!("{network} is shorter than /{shortest}")));
    }
    match tester.opt_out(network, asked.holder.actor()).await? {
        Some(_) => Ok(asked.done(back(&asked), "admin-opted-out")),
        None => Err(Refused::Conflict("as many networks as can be opted out are".into())),
    }
}

/// Ends an opt-out.
pub(super) async fn opt_in(asked: Asked) -> Result<Answer, Refused> {
    asked.require("relay-opt-outs:write")?;
    let (tester, network) = (tester(&asked)?, network(&asked)?);
    match tester.opt_in(network, asked.holder.actor()).await? {
        Some(_) => Ok(asked.done(back(&asked), "admin-opted-in")),
        None => Err(Refused::Missing(format!("{network} is not opted out"))),
    }
}

fn back(asked: &Asked) -> &'static str {
    if asked.has("relay-tests:read") { "tests" } else { "" }
}

/// The network in a field, if it is not larger than what the token may change.
fn network(asked: &Asked) -> Result<IpNet, Refused> {
    let text = asked.fields.need("network")?;
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|err| Refused::field("network", err))?,
    };
    if network.trunc() != network {
        return Err(Refused::field("network", format!("{network} has bits behind its prefix")));
    }
    asked.holder.rights().prefixes().permit(&Subject::from_net(network))?;
    Ok(network)
}
