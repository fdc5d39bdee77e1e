//! Peers that do anything at all.

use proptest::prelude::*;

use super::*;
use crate::dialogue::{ReplyReader, Unreachable};

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => "[2-5][0-9][0-9]( [a-zA-Z. ]{0,20})?".prop_map(|text| Event::Reply(reply(&text))),
        4 => Just(Event::Reply(reply("250 ok"))),
        2 => Just(Event::Reply(reply("354 ok"))),
        2 => Just(Event::Reply(reply("250-a\r\n250 STARTTLS"))),
        1 => Just(Event::Failed(ProbeError::Timeout)),
        1 => Just(Event::Failed(ProbeError::Disconnected)),
        1 => Just(Event::Failed(ProbeError::OutOfTurn)),
        1 => Just(Event::Failed(ProbeError::Deadline)),
        1 => Just(Event::NoConnection(Unreachable::Refused)),
        1 => any::<bool>().prop_map(Event::Tls),
        1 => Just(Event::Go(Go::Stop)),
    ]
}

/// An event that a driver could give for this step, if the drawn one could not be.
fn fitting(step: &Step, drawn: Event) -> Event {
    match (step, drawn) {
        (Step::Before(_), Event::Go(go)) => Event::Go(go),
        (Step::Before(_), _) => Event::Go(Go::On),
        (Step::StartTls, Event::Tls(ok)) => Event::Tls(ok),
        (Step::StartTls, _) => Event::Tls(true),
        (_, drawn) => drawn,
    }
}

/// Runs to the end and returns the steps.
fn run(events: Vec<Event>, fit: bool) -> (Vec<Step>, Dialogue) {
    let (mut dialogue, first) = Dialogue::new(sample::assignment(), plan(Tier::Upsetting));
    let mut steps = vec![first];
    for drawn in events.into_iter().cycle() {
        let step = steps.last().unwrap();
        if matches!(step, Step::Done(_)) {
            break;
        }
        let event = if fit { fitting(step, drawn) } else { drawn };
        steps.push(dialogue.step(event));
        assert!(steps.len() < 1_000, "no end");
    }
    (steps, dialogue)
}

/// What we send is one line of ASCII, bounded in length and number, and no probe is begun twice.
fn check(steps: &[Step], dialogue: &Dialogue) {
    let (mut begun, mut messages) = (vec![], 0);
    for step in steps {
        match step {
            Step::Send(line) => {
                assert!(line.len() <= 510 && line.bytes().all(|b| (b' '..=b'~').contains(&b)));
            }
            Step::SendData(data) => {
                messages += 1;
                assert!(data.len() < 4096 && data.ends_with(b"\r\n.\r\n"));
            }
            Step::Before(probe) => {
                assert!(!begun.contains(&probe.index), "{} twice", probe.name);
                begun.push(probe.index);
            }
            Step::Connect | Step::StartTls | Step::Done(_) => {}
        }
    }
    assert!(messages <= Plan::MAX_MESSAGES);
    let connects = steps.iter().filter(|step| matches!(step, Step::Connect)).count();
    // A name of its own takes one more before and behind it, and may be refused before the probe.
    assert!(connects <= begun.len() + Dialogue::MAX_BROKEN + 5);
    let refused = |probe: &crate::Probe| probe.name == "helo-own";
    let outcomes = dialogue.outcomes().iter();
    assert!(outcomes.clone().all(|(p, _)| begun.contains(&p.index) || refused(p)));
}

proptest! {
    #[test]
    fn every_dialogue_ends_whatever_the_peer_does(events in prop::collection::vec(any_event(), 1..60)) {
        let (steps, dialogue) = run(events, true);
        check(&steps, &dialogue);
    }

    #[test]
    fn events_that_fit_no_step_do_no_harm(events in prop::collection::vec(any_event(), 1..60)) {
        let (steps, dialogue) = run(events, false);
        check(&steps, &dialogue);
    }

    #[test]
    fn arbitrary_octets_from_a_peer_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut reader = ReplyReader::default();
        let pushed = reader.push(&bytes);
        let mut events = vec![];
        while let (Ok(()), Ok(Some(reply))) = (&pushed, reader.next_reply()) {
            events.push(Event::Reply(reply));
        }
        events.push(Event::Failed(ProbeError::Disconnected));
        let (steps, dialogue) = run(events, true);
        check(&steps, &dialogue);
    }
}
