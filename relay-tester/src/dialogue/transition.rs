//! From state to state.

use super::{Dialogue, Ending, Event, Session, State, Step, Then, blocked};

impl Dialogue {
    pub(super) fn turn(&mut self, event: Event) -> Step {
        let state = std::mem::replace(&mut self.state, State::Greeting);
        match state {
            State::Greeting => self.greeted(event),
            State::Ehlo => self.introduced(event, true),
            State::Helo => self.introduced(event, false),
            State::StartTls => self.tls_offered(event),
            State::Handshake => self.tls_tried(&event),
            State::Hook(probe) => self.cleared(probe, &event),
            State::Probe(progress) => self.answered(*progress, event),
            State::Quit(then) => self.after_quit(then),
            State::Done(ending) => self.done(ending),
        }
    }

    pub(super) fn connect(&mut self) -> Step {
        self.session = Session::default();
        self.state = State::Greeting;
        Step::Connect
    }

    pub(super) fn quit(&mut self, then: Then) -> Step {
        self.state = State::Quit(then);
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
        self.state = State::Done(ending.clone());
        Step::Done(ending)
    }
}
