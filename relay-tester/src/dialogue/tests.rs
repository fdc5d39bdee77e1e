//! Dialogues with servers of all kinds.

mod anything;
mod connections;
mod probes;

use super::{Dialogue, Ending, Event, ProbeError, SmtpOutcome, Stage, Step, reply::reply};
use crate::{Assignment, Go, Known, Plan, Tier, Transcript, message::sample};

/// The next act of a server.
#[derive(Clone, Copy)]
enum Act {
    Say(&'static str),
    Hang,
    Drop,
}

use Act::{Drop, Hang, Say};

/// A server: from the number of the connection (from 1) and what we sent (empty at connecting,
/// `.` for a message) to what it does.
type Server<'a> = &'a mut dyn FnMut(usize, &str) -> Act;

/// A dialogue that is over.
struct Talk {
    ending: Ending,
    outcomes: Vec<(&'static str, SmtpOutcome)>,
    sent: Vec<String>,
    connections: usize,
    messages: Vec<String>,
    dialogue: Dialogue,
}

impl Talk {
    fn outcome(&self, name: &str) -> &SmtpOutcome {
        &self.outcomes.iter().find(|(probe, _)| *probe == name).unwrap().1
    }

    fn transcript(self) -> Transcript {
        self.dialogue.into_parts().3
    }
}

fn plan(tier: Tier) -> Plan {
    Plan::select(tier, Known { domain: true, receiver: false })
}

fn only(names: &[&str]) -> Plan {
    let mut plan = plan(Tier::Upsetting);
    plan.probes.retain(|probe| names.contains(&probe.name));
    plan
}

fn talk(plan: Plan, server: Server<'_>) -> Talk {
    converse(sample::assignment(), plan, &mut |_| Go::On, &mut |_| true, server)
}

/// Talks until the end. `hook` is asked before each probe, `tls` whether a handshake succeeds.
fn converse(
    assignment: Assignment,
    plan: Plan,
    hook: &mut dyn FnMut(&str) -> Go,
    tls: &mut dyn FnMut(usize) -> bool,
    server: Server<'_>,
) -> Talk {
    let (mut dialogue, mut step) = Dialogue::new(assignment, plan);
    let (mut sent, mut messages, mut connections) = (vec![], vec![], 0);
    for _ in 0..10_000 {
        let event = match &step {
            Step::Connect => {
                connections += 1;
                act(server(connections, ""))
            }
            Step::Before(probe) => Event::Go(hook(probe.name)),
            Step::Send(line) => {
                sent.push(line.clone());
                act(server(connections, line))
            }
            Step::SendData(data) => {
                messages.push(String::from_utf8(data.clone()).unwrap());
                act(server(connections, "."))
            }
            Step::StartTls => Event::Tls(tls(connections)),
            Step::Done(ending) => {
                let outcomes = dialogue.outcomes().iter();
                let outcomes = outcomes.map(|(probe, outcome)| (probe.name, outcome.clone()));
                let outcomes = outcomes.collect();
                let ending = ending.clone();
                return Talk { ending, outcomes, sent, connections, messages, dialogue };
            }
        };
        step = dialogue.step(event);
    }
    panic!("the dialogue does not end");
}

fn act(act: Act) -> Event {
    match act {
        Say(text) => Event::Reply(reply(text)),
        Hang => Event::Failed(ProbeError::Timeout),
        Drop => Event::Failed(ProbeError::Disconnected),
    }
}

/// A server that takes everything.
fn open(_: usize, command: &str) -> Act {
    match command {
        "" => Say("220 mail.example.net ESMTP"),
        "DATA" => Say("354 go on"),
        _ => Say("250 ok"),
    }
}

/// A server that relays nothing, as Postfix says it.
fn closed(connection: usize, command: &str) -> Act {
    if command.starts_with("RCPT") {
        Say("454 4.7.1 Relay access denied")
    } else {
        open(connection, command)
    }
}

fn is_refused_at(outcome: &SmtpOutcome, stage: Stage) -> bool {
    matches!(outcome, SmtpOutcome::Refused { at, .. } if *at == stage)
}
