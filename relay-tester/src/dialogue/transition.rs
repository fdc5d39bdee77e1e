//! From state to state.

use super::{Awaiting, ConnectionState, Dialogue, Ending, Event, Step, Then, blocked};

impl Dialogue {
    pub(super) fn turn(&mut self, event: Event) -> Step {
        let state = std::mem::replace(&mut self.state, Awaiting::Greeting);
        match state {
            Awaiting::Greeting => self.greeted(event),
            Awaiting::Ehlo => self.introduced(event, true),
            Awaiting::Helo => self.introduced(event, false),
            Awaiting::StartTls => self.tls_offered(event),
            Awaiting::Handshake => self.tls_tried(&event),
            Awaiting::Hook(probe) => self.cleared(probe, &event),
            Awaiting::Probe(progress) => self.answered(*progress, event),
            Awaiting::Quit(then) => self.after_quit(then),
            Awaiting::Done(ending) => self.done(ending),
        }
    }

    pub(super) fn connect(&mut self) -> Step {
        self.connection = ConnectionState::default();
        self.state = Awaiting::Greeting;
        Step::Connect
    }

    pub(super) fn quit(&mut self, then: Then) -> Step {
        self.state = Awaiting::Quit(then);
        Step::Send("QUIT".to_owned())
    }

    fn after_quit(&mut self, then: Then) -> Step {
        match then {
            Then::Connect => self.connect(),
            Then::Done(ending) => self.done(ending),
        }
    }

    pub(super) fn done(&mut self, ending: Ending) -> Step {
        let ending = match ending {
            Ending::Completed | Ending::CutShort(_) => {
                blocked::everywhere(&self.outcomes).map_or(ending, Ending::Blocked)
            }
            other => other,
        };
        self.state = Awaiting::Done(ending.clone());
        Step::Done(ending)
    }
}
