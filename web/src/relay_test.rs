//! A relay test as it may be shown to whoever has its id: what was tried, what was said, what came back, and what
//! follows. Who asked for it, with which evidence and note, is not read into it.

use std::net::IpAddr;

use dnsbl_types::UnixTime;
use relay_tester::{
    Ground, Probe, TestId, cut,
    life::{ArrivalKind, Outcome, Patience, State, Test, Verdict},
    service::{RecordsError, Tester},
    text::{clean, clean_lines},
};

use crate::shown::Shown;

/// Bytes of a transcript on one page.
const PART: usize = 9_000;
/// Bytes of the headers of what came back.
const HEADERS: usize = 3_000;
/// Messages that are told of one by one.
const MAX_RETURNS: usize = 8;

/// What is known of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestFacts {
    pub(crate) id: TestId,
    pub(crate) now: UnixTime,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) ground: Ground,
    pub(crate) submitted_at: UnixTime,
    pub(crate) stage: Stage,
    pub(crate) probes: Vec<ProbeFact>,
    pub(crate) returns: Vec<ReturnFact>,
    /// The headers of the first message that came back.
    pub(crate) headers: Vec<Shown>,
    /// A part of the transcript, one of so many.
    pub(crate) transcript: Part,
    /// Whether the tester lists the host now.
    pub(crate) is_listed: bool,
    /// When a listed host is tested for the second time, after a first clean test.
    pub(crate) second_test_at: Option<UnixTime>,
}

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It begins then, or as soon as there is room.
    Waits(UnixTime),
    /// The host is being talked to.
    Talks,
    /// The host took messages; until then one may come back.
    Awaits(UnixTime),
    /// The host put us off and is tried again then.
    Retries(UnixTime),
    /// There is a verdict.
    Done(Verdict),
    /// It was called off.
    Cancelled,
}

/// A probe of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProbeFact {
    pub(crate) name: &'static str,
    pub(crate) progress: Progress,
}

/// How far a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has not been sent, or was not needed.
    Waits,
    /// The host has not answered it.
    Sent,
    /// The host has.
    Answered(Outcome),
}

/// A message that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnFact {
    pub(crate) probe: &'static str,
    pub(crate) is_bounce: bool,
    pub(crate) peer: IpAddr,
    pub(crate) at: UnixTime,
}

/// A part of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) lines: Vec<Shown>,
    /// Which, from 1 on.
    pub(crate) number: usize,
    /// How many there are.
    pub(crate) count: usize,
}

/// What follows from a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// The key of a text.
    Plain(&'static str),
    /// One with a time at its end.
    Until(&'static str, UnixTime),
}

/// Looks a test up, with a part of its transcript.
///
/// # Errors
/// The store can't be read.
pub(crate) async fn find(
    tester: &Tester,
    id: TestId,
    part: usize,
    now: UnixTime,
) -> Result<Option<TestFacts>, RecordsError> {
    let Some(test) = tester.find(id).await? else { return Ok(None) };
    let is_listed = tester.is_listed(test.address).await?;
    let second = if is_listed { tester.second_test_at(test.address).await? } else { None };
    let patience = tester.settings().patience;
    Ok(Some(TestFacts::of(&test, is_listed, second, patience, part, now)))
}

impl TestFacts {
    /// What may be shown of a test.
    pub(crate) fn of(
        test: &Test,
        is_listed: bool,
        second_test_at: Option<UnixTime>,
        patience: Patience,
        part: usize,
        now: UnixTime,
    ) -> Self {
        let returns = test.arrivals.iter().filter_map(|arrival| {
            Some(ReturnFact {
                probe: Probe::by_index(arrival.probe)?.name,
                is_bounce: arrival.kind == ArrivalKind::Bounce,
                peer: arrival.peer,
                at: arrival.at,
            })
        });
        let first = test.arrivals.iter().find(|arrival| arrival.kind == ArrivalKind::Return);
        let headers = first.map_or(String::new(), |first| clean_lines(&cut(&first.headers)));
        Self {
            id: test.id,
            now,
            address: test.address,
            port: test.port,
            ground: test.ground,
            submitted_at: test.submitted_at,
            stage: stage(test, patience),
            probes: probes(test),
            returns: returns.take(MAX_RETURNS).collect(),
            headers: within(headers.lines().map(Shown::new), HEADERS),
            transcript: Part::of(&test.transcript, part),
            is_listed,
            second_test_at,
        }
    }

    /// Seconds after which the page is to be looked at again; `None` where nothing happens by itself.
    pub(crate) fn refresh(&self) -> Option<u32> {
        match self.stage {
            Stage::Waits(_) | Stage::Talks => Some(4),
            Stage::Awaits(_) | Stage::Retries(_) => Some(20),
            Stage::Done(_) if self.second_test_at.is_some() => Some(60),
            Stage::Done(_) | Stage::Cancelled => None,
        }
    }

    /// What follows, in order.
    pub(crate) fn consequences(&self) -> Vec<Consequence> {
        use Consequence::{Plain, Until};
        let mut all = Vec::new();
        match self.stage {
            Stage::Waits(at) if at > self.now => all.push(Until("follows-begins", at)),
            Stage::Waits(_) => all.push(Plain("follows-waits")),
            Stage::Talks => all.push(Plain("follows-talks")),
            Stage::Awaits(until) => all.push(Until("follows-awaits", until)),
            Stage::Retries(at) => all.push(Until("follows-retries", at)),
            Stage::Cancelled => all.push(Plain("follows-cancelled")),
            Stage::Done(Verdict::Open) => all.push(Plain("follows-close")),
            Stage::Done(Verdict::Clean) if !self.is_listed => all.push(Plain("follows-unlisted")),
            Stage::Done(Verdict::Clean) => {}
            Stage::Done(Verdict::Blocked | Verdict::Unreachable | Verdict::Inconclusive) => {
                all.push(Plain("follows-nothing"));
            }
        }
        match self.second_test_at {
            Some(at) => all.push(Until("follows-second-test", at)),
            None if self.is_listed => all.push(Plain("follows-listed")),
            None => {}
        }
        all
    }
}

impl Part {
    fn of(lines: &[String], number: usize) -> Self {
        let mut parts: Vec<Vec<Shown>> = Vec::new();
        let mut left = 0;
        for line in lines {
            let line = Shown::new(&clean(&cut(line)));
            let length = escaped_len(&line);
            match parts.last_mut().filter(|_| length <= left) {
                Some(part) => part.push(line),
                None => {
                    parts.push(vec![line]);
                    left = PART;
                }
            }
            left = left.saturating_sub(length);
        }
        let count = parts.len();
        let number = number.clamp(1, count.max(1));
        let lines = parts.into_iter().nth(number - 1).unwrap_or_default();
        Self { lines, number, count }
    }
}

fn stage(test: &Test, patience: Patience) -> Stage {
    match test.state {
        State::Queued { .. } => Stage::Waits(test.not_before),
        State::Testing { .. } => Stage::Talks,
        State::Pending { retry_at: Some(at), .. } => Stage::Retries(at),
        State::Pending { tested_at, retry_at: None, .. } => {
            Stage::Awaits(tested_at.plus(patience.settle_for))
        }
        State::Done { verdict, .. } => Stage::Done(verdict),
        State::Cancelled { .. } => Stage::Cancelled,
    }
}

/// The probes that were sent, in that order, and those that are left.
fn probes(test: &Test) -> Vec<ProbeFact> {
    let sent = test.sent.iter().map(|sent| {
        let progress = sent.outcome.map_or(Progress::Sent, Progress::Answered);
        (sent.probe, progress)
    });
    let is_sent = |probe: &u8| test.sent.iter().any(|sent| sent.probe == *probe);
    let left = test.plan.iter().copied().filter(|probe| !is_sent(probe));
    sent.chain(left.map(|probe| (probe, Progress::Waits)))
        .filter_map(|(probe, progress)| {
            Some(ProbeFact { name: Probe::by_index(probe)?.name, progress })
        })
        .collect()
}

/// So many of the lines as have room.
fn within(lines: impl Iterator<Item = Shown>, most: usize) -> Vec<Shown> {
    let mut left = most;
    lines
        .take_while(|line| {
            let fits = escaped_len(line) <= left;
            left = left.saturating_sub(escaped_len(line));
            fits
        })
        .collect()
}

/// The length of a line on a page, in bytes.
fn escaped_len(line: &Shown) -> usize {
    let length = |byte: u8| match byte {
        b'<' | b'>' => 4,
        b'&' => 5,
        b'"' => 6,
        _ => 1,
    };
    line.as_str().bytes().map(length).sum::<usize>() + 1
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{Consequence, PART, Part, Stage, TestFacts, Verdict, escaped_len};
    use crate::tests::test_facts;

    #[test]
    fn a_long_transcript_comes_in_parts_that_fit_on_a_page() {
        let lines: Vec<String> =
            (0..600).map(|at| format!("S: {at} {}", "<".repeat(200))).collect();
        let first = Part::of(&lines, 1);
        assert_eq!(first.number, 1);
        let all: usize = (1..=first.count)
            .map(|number| {
                let part = Part::of(&lines, number);
                assert!(part.lines.iter().map(escaped_len).sum::<usize>() <= PART);
                part.lines.len()
            })
            .sum();
        assert_eq!(all, 600);
        for number in [0, first.count + 1, usize::MAX] {
            let part = Part::of(&lines, number);
            assert!((1..=first.count).contains(&part.number), "{}", part.number);
        }
        assert_eq!(Part::of(&[], 7), Part { lines: vec![], number: 1, count: 0 });
    }

    #[test]
    fn a_page_is_looked_at_again_while_something_happens_by_itself() {
        let facts = |stage| TestFacts { stage, ..test_facts() };
        let at = UnixTime(5_000);
        for stage in [Stage::Waits(at), Stage::Talks, Stage::Awaits(at), Stage::Retries(at)] {
            assert!(facts(stage).refresh().is_some(), "{stage:?}");
        }
        assert_eq!(facts(Stage::Done(Verdict::Open)).refresh(), None);
        assert_eq!(facts(Stage::Cancelled).refresh(), None);
        let half = TestFacts { second_test_at: Some(at), ..facts(Stage::Done(Verdict::Clean)) };
        assert!(half.refresh().is_some());
    }

    #[test]
    fn something_follows_from_every_test() {
        let at = UnixTime(5_000);
        let stages = [Stage::Waits(at), Stage::Talks, Stage::Awaits(at), Stage::Retries(at)];
        let done = Verdict::ALL.map(Stage::Done);
        for stage in stages.into_iter().chain(done).chain([Stage::Cancelled]) {
            for is_listed in [false, true] {
                let facts = TestFacts { stage, is_listed, ..test_facts() };
                assert!(!facts.consequences().is_empty(), "{stage:?}");
            }
        }
        let open = TestFacts {
            stage: Stage::Done(Verdict::Open),
            is_listed: true,
            second_test_at: None,
            ..test_facts()
        };
        let expected = ["follows-close", "follows-listed"].map(Consequence::Plain);
        assert_eq!(open.consequences(), expected);
    }
}
