//! Reports: what waits for a reviewer, and his word about it.

use dnsbl_reports::{
    Comment, Filter, Report, ReportId, ReportState, ReportsError, StateKind, Verdict,
};
use dnsbl_types::Name;
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked},
    frame::{block, choice, fact, fact_time, form, line, look, next, same},
    refused::Refused,
};

/// Reports of a page.
const PAGE: usize = 15;

/// Shows those that wait, or those in another state.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("reports:read")?;
    let state = asked.fields.get("state").unwrap_or(StateKind::Waiting.as_str());
    let kind = StateKind::ALL.into_iter().find(|kind| kind.as_str() == state);
    let kind = kind.ok_or_else(|| Refused::field("state", "it is none"))?;
    let zone = match asked.fields.get("zone") {
        Some(_) => Some(asked.zone("zone")?.into_name()),
        None => None,
    };
    let before: Option<ReportId> = asked.fields.parse_optional("before")?;
    let zones = asked.zones();
    // Who is for some zones sees the reports of one of them at a time.
    let zone: Option<Name> = match (zone, asked.is_for_all_zones()) {
        (None, false) => zones.first().cloned(),
        (zone, _) => zone,
    };
    let (reports, more) = match (&zone, asked.is_for_all_zones()) {
        (None, false) => (Vec::new(), None),
        _ => {
            let filter = Filter { zone: zone.clone(), state: Some(kind), ..Filter::default() };
            asked.console()?.reports.list(filter, before, PAGE).await?
        }
    };
    let zone = zone.map(|zone| zone.to_string()).unwrap_or_default();
    let mut offered = same(zones);
    if asked.is_for_all_zones() {
        offered.insert(0, (String::new(), asked.text("admin-every-zone")));
    }
    let states = StateKind::ALL.map(|kind| (kind.as_str().to_owned(), asked.text(state_key(kind))));
    let main = html! {
        (look(&asked, "reports", &html! {
            (choice("state", "state", &asked.text("admin-state"), &states, Some(state)))
            (choice("zone", "zone", &asked.text("admin-zone"), &offered, Some(&zone)))
        }))
        @if reports.is_empty() { p { (asked.text("admin-nothing")) } }
        @for report in &reports {
            section.zone {
                h2 {
                    a href=(asked.path(&format!("reports/{}", report.id))) {
                        (report.subject) " – " (report.category)
                    }
                }
                dl { (brief(&asked, report)) }
            }
        }
        @if let Some(more) = more {
            (next(&asked, "reports", &[("state", state), ("zone", &zone), ("before", &more.to_string())]))
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-reports"), main })
}

fn brief(asked: &Asked, report: &Report) -> Markup {
    html! {
        dt { (asked.text("admin-state")) }
        dd { (asked.text(state_key(report.state.kind()))) }
        (fact(asked, "admin-zone", Some(&report.zone)))
        (fact(asked, "admin-reporter", Some(&report.reporter)))
        (fact_time(asked, "admin-reported", Some(report.at)))
        (fact(asked, "admin-events", Some(report.count)))
        (fact(asked, "admin-comment", report.comment.as_ref().map(Comment::as_str)))
    }
}

/// Shows a report with its evidence, and the form to decide.
pub(super) async fn show_one(asked: Asked) -> Result<Answer, Refused> {
    asked.require("reports:read")?;
    let id = id(&asked)?;
    let found = asked.console()?.reports.find(id).await?.ok_or(ReportsError::NotFound(id))?;
    let report = &found.report;
    let rights = asked.holder.rights();
    rights.zones().permit(&report.zone)?;
    let may_decide =
        asked.has("reports:review") && rights.prefixes().permit(&report.subject).is_ok();
    let verdicts = [
        ("confirmed".to_owned(), asked.text("admin-confirm")),
        ("refuted".to_owned(), asked.text("admin-refute")),
    ];
    let main = html! {
        dl {
            (brief(&asked, report))
            (fact(&asked, "admin-network", report.network))
            (fact(&asked, "admin-duplicates", Some(report.duplicates)))
            (fact_time(&asked, "admin-first-seen", report.first_seen))
            (fact_time(&asked, "admin-last-seen", report.last_seen))
            @match &report.state {
                ReportState::Listed(until) => (fact_time(&asked, "admin-expires", Some(*until))),
                ReportState::Testing(test) => (fact(&asked, "admin-test", Some(test))),
                _ => {}
            }
            @if let Some(decision) = &report.decision {
                (fact(&asked, "admin-decided-by", Some(&decision.by)))
                (fact_time(&asked, "admin-decided", Some(decision.at)))
                (fact(&asked, "admin-note", decision.note.as_ref().map(Comment::as_str)))
            }
        }
        @if let Some(evidence) = &found.evidence {
            h2 { (asked.text("admin-evidence")) }
            (block(evidence.as_str()))
        }
        @if may_decide {
            h2 { (asked.text("admin-decide")) }
            p { (asked.text("admin-decide-text")) }
            (form(&asked, &format!("reports/{id}"), "admin-decide", &html! {
                (choice("verdict", "verdict", &asked.text("admin-verdict"), &verdicts, None))
                (line("note", "note", &asked.text("admin-note-hint"), ""))
            }))
        }
    };
    Ok(Answer::Page { title: format!("{} – {}", report.subject, report.category), main })
}

/// Decides about a report, and all that say the same of its subject.
pub(super) async fn decide(asked: Asked) -> Result<Answer, Refused> {
    asked.require("reports:review")?;
    let id = id(&asked)?;
    let verdict = match asked.fields.need("verdict")? {
        "confirmed" => Verdict::Confirmed,
        "refuted" => Verdict::Refuted,
        _ => return Err(Refused::field("verdict", "it is none")),
    };
    if verdict == Verdict::Confirmed {
        asked.require_sound_clock()?;
    }
    let note = asked.fields.get("note").and_then(Comment::new);
    let reports = &asked.console()?.reports;
    let found = reports.find(id).await?.ok_or(ReportsError::NotFound(id))?;
    let rights = asked.holder.rights();
    rights.zones().permit(&found.report.zone)?;
    rights.prefixes().permit(&found.report.subject)?;
    reports.decide(id, verdict, note, asked.holder.actor()).await?;
    Ok(asked.done("reports", "admin-decision-kept"))
}

fn id(asked: &Asked) -> Result<ReportId, Refused> {
    let text = asked.name.as_deref().unwrap_or_default();
    text.parse().map_err(|_| Refused::Missing("there is no such report".into()))
}

fn state_key(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Waiting => "admin-report-waiting",
        StateKind::Listed => "admin-report-listed",
        StateKind::Testing => "admin-report-testing",
        StateKind::Confirmed => "admin-report-confirmed",
        StateKind::Refuted => "admin-report-refuted",
    }
}
