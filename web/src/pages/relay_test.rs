//! A relay test as it goes on.

use maud::{Markup, html};
use relay_tester::life::{Outcome, Verdict};

use super::{
    frame::{Frame, View},
    nominate::ground_key,
};
use crate::relay_test::{Consequence, Part, ProbeFact, Progress, ReturnFact, Stage, TestFacts};

/// The page. `stays`: it is not looked at again by itself.
pub(crate) fn relay_test(view: View<'_>, facts: &TestFacts, stays: bool) -> Markup {
    let place = format!("tests/{}", facts.id);
    let address = facts.address.to_string();
    let title = view.texts.fill("test-title", [("address", address.as_str().into())]);
    let (class, state) = state(facts.stage);
    let main = html! {
        h1 { (title) }
        p role="status" { span class=(class) { (view.text(state)) } }
        @if let Stage::Done(verdict) = facts.stage { p { (view.text(verdict_text(verdict))) } }
        @if let Some(seconds) = facts.refresh() {
            p.quiet {
                @if stays {
                    (view.link(&place, &view.text("test-refresh-on")))
                } @else {
                    (view.texts.fill("test-refresh", [("seconds", seconds.into())])) " "
                    a href={ (view.path(&place)) "?stay=1" } { (view.text("test-refresh-off")) }
                }
            }
        }
        h2 { (view.text("test-follows")) }
        ul { @for consequence in facts.consequences() { li { (follows(view, facts, consequence)) } } }
        @if facts.is_listed && view.surroundings.offers_nominations {
            p {
                a href={ (view.path("nominate")) "?ground=delist&address=" (address) } {
                    (view.text("test-ask-delist"))
                }
            }
        }
        h2 { (view.text("test-about")) }
        dl {
            dt { (view.text("test-host")) }
            dd { (view.link(&format!("lookup/{address}"), &address)) }
            dt { (view.text("evidence-port")) }
            dd { (facts.port) }
            dt { (view.text("test-ground")) }
            dd { (view.text(ground_key(facts.ground))) }
            dt { (view.text("test-asked")) }
            dd { (view.time(facts.submitted_at, facts.now)) }
            dt { (view.text("test-number")) }
            dd { code { (facts.id) } }
        }
        (probes(view, &facts.probes))
        @if !facts.returns.is_empty() { (returns(view, facts)) }
        (transcript(view, &place, &facts.transcript))
        p.quiet { (view.text("test-cut")) }
    };
    Frame { view, place: &place, title, is_private: true }.around(&main)
}

/// The class and the words of a stage.
fn state(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Waits(_) => ("state other", "test-waits"),
        Stage::Talks => ("state other", "test-talks"),
        Stage::Awaits(_) => ("state other", "test-awaits"),
        Stage::Retries(_) => ("state other", "test-retries"),
        Stage::Done(Verdict::Open) => ("state bad", "verdict-open"),
        Stage::Done(Verdict::Clean) => ("state good", "verdict-clean"),
        Stage::Done(Verdict::Blocked) => ("state other", "verdict-blocked"),
        Stage::Done(Verdict::Unreachable) => ("state other", "verdict-unreachable"),
        Stage::Done(Verdict::Inconclusive) => ("state other", "verdict-inconclusive"),
        Stage::Cancelled => ("state other", "test-cancelled"),
    }
}

fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "verdict-open-text",
        Verdict::Clean => "verdict-clean-text",
        Verdict::Blocked => "verdict-blocked-text",
        Verdict::Unreachable => "verdict-unreachable-text",
        Verdict::Inconclusive => "verdict-inconclusive-text",
    }
}

fn follows(view: View<'_>, facts: &TestFacts, consequence: Consequence) -> Markup {
    match consequence {
        Consequence::Plain(key) => html! { (view.text(key)) },
        Consequence::Until(key, at) => html! { (view.text(key)) " " (view.time(at, facts.now)) },
    }
}

fn probes(view: View<'_>, probes: &[ProbeFact]) -> Markup {
    html! {
        h2 { (view.text("test-probes")) }
        table {
            caption { (view.text("test-probes-text")) }
            thead {
                tr {
                    th scope="col" { (view.text("test-probe")) }
                    th scope="col" { (view.text("test-outcome")) }
                }
            }
            tbody {
                @for probe in probes {
                    tr {
                        th scope="row" { code { (probe.name) } }
                        td { (view.text(progress(probe.progress))) }
                    }
                }
            }
        }
    }
}

fn progress(progress: Progress) -> &'static str {
    match progress {
        Progress::Waits => "outcome-waits",
        Progress::Sent => "outcome-sent",
        Progress::Answered(Outcome::Refused) => "outcome-refused",
        Progress::Answered(Outcome::Accepted) => "outcome-accepted",
        Progress::Answered(Outcome::Returned) => "outcome-returned",
        Progress::Answered(Outcome::Bounced) => "outcome-bounced",
        Progress::Answered(Outcome::Error) => "outcome-error",
        Progress::Answered(Outcome::Deferred) => "outcome-deferred",
    }
}

/// What came back.
fn returns(view: View<'_>, facts: &TestFacts) -> Markup {
    html! {
        h2 { (view.text("test-returns")) }
        ul { @for back in &facts.returns { li { (returned(view, facts, back)) } } }
        @if !facts.headers.is_empty() {
            h3 { (view.text("test-headers")) }
            pre lang="en" { @for line in &facts.headers { (line) "\n" } }
        }
    }
}

fn returned(view: View<'_>, facts: &TestFacts, back: &ReturnFact) -> Markup {
    let key = if back.is_bounce { "test-bounced" } else { "test-returned" };
    html! {
        (view.time(back.at, facts.now)) ": "
        (view.texts.fill(key, [
            ("probe", back.probe.into()),
            ("peer", back.peer.to_string().into()),
        ]))
    }
}

fn transcript(view: View<'_>, place: &str, part: &Part) -> Markup {
    html! {
        h2 #transcript { (view.text("test-transcript")) }
        @if part.count == 0 {
            p { (view.text("test-no-transcript")) }
        } @else {
            p.quiet { (view.text("test-transcript-text")) }
            pre lang="en" tabindex="0" { @for line in &part.lines { (line) "\n" } }
            @if part.count > 1 {
                p {
                    (view.texts.fill("test-part", [
                        ("number", part.number.into()),
                        ("count", part.count.into()),
                    ]))
                    @for (number, key) in [(part.number - 1, "test-before"), (part.number + 1, "test-next")] {
                        @if (1..=part.count).contains(&number) {
                            " " a href={ (view.path(place)) "?part=" (number) "#transcript" } {
                                (view.text(key))
                            }
                        }
                    }
                }
            }
        }
    }
}
