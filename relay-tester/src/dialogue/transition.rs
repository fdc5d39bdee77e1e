//! From state to state.

use super::{
    Blocked, Command, CutShort, Dialogue, Ending, Event, Outcome, ProbeError, Progress, Reply,
    Session, Stage, State, Step, Then, Unreachable, blocked, reply::Class, session,
};
use crate::{
    Go, Probe,
    message::{compose, wire},
};

impl Dialogue {
    pub(super) fn turn(&mut self, event: Event) -> Step {
        let state = std::mem::replace(&mut self.state, State::Greeting);
        match state {
            State::Greeting => self.greeted(event),
            State::Ehlo => self.introduced(event, true),
            State::Helo => self.introduced(event, false),
            State::StartTls => self.tls_offered(event),
            State::Handshake => self.tls_tried(event),
            State::Hook(probe) => self.cleared(probe, event),
            State::Probe(progress) => self.answered(*progress, event),
            State::Quit(then) => self.after_quit(then),
            State::Done(ending) => self.done(ending),
        }
    }

    fn greeted(&mut self, event: Event) -> Step {
        match event {
            Event::Reply(reply) if reply.class() == Class::Yes => {
                self.note_host(&reply);
                self.introduce()
            }
            Event::Reply(reply) if reply.class() == Class::GoOn => {
                self.no_session(Unreachable::NotSmtp(reply.to_string()))
            }
            Event::Reply(reply) => self.turned_away(blocked::greeting(reply)),
            Event::NoConnection(why) => self.no_session(why),
            Event::Failed(error) => self.failed_early(error),
            Event::Tls(_) | Event::Go(_) => self.no_session(Unreachable::HungUp),
        }
    }

    fn introduce(&mut self) -> Step {
        let line = self.session.hello(self.assignment.identity.ehlo.as_str());
        self.state = if self.session.helo_only { State::Helo } else { State::Ehlo };
        Step::Send(line)
    }

    fn introduced(&mut self, event: Event, extended: bool) -> Step {
        let reply = match event {
            Event::Reply(reply) => reply,
            Event::Failed(error) => return self.failed_early(error),
            _ => return self.no_session(Unreachable::HungUp),
        };
        match reply.class() {
            Class::Yes if extended && self.wants_tls(&reply) => {
                self.note_host(&reply);
                self.state = State::StartTls;
                Step::Send("STARTTLS".to_owned())
            }
            Class::Yes => {
                self.note_host(&reply);
                self.begin_probes()
            }
            Class::GoOn => self.no_session(Unreachable::NotSmtp(reply.to_string())),
            Class::No if extended => {
                self.session.helo_only = true;
                self.introduce()
            }
            Class::No | Class::Closing => self.turned_away(blocked::hello(reply)),
        }
    }

    fn wants_tls(&self, reply: &Reply) -> bool {
        !self.session.tls && !self.without_tls && session::offers_starttls(reply)
    }

    fn tls_offered(&mut self, event: Event) -> Step {
        match event {
            Event::Reply(reply) if reply.class() == Class::Yes => {
                self.state = State::Handshake;
                Step::StartTls
            }
            Event::Reply(reply) if reply.class() == Class::No => self.begin_probes(),
            _ => self.again_without_tls(),
        }
    }

    fn tls_tried(&mut self, event: Event) -> Step {
        if event == Event::Tls(true) {
            self.tls = true;
            self.session.tls = true;
            self.introduce()
        } else {
            self.again_without_tls()
        }
    }

    fn again_without_tls(&mut self) -> Step {
        self.without_tls = true;
        self.connect()
    }

    fn connect(&mut self) -> Step {
        self.session = Session::default();
        self.state = State::Greeting;
        Step::Connect
    }

    fn note_host(&mut self, reply: &Reply) {
        if self.host.is_none() {
            self.host = session::host_name(reply, &self.assignment.identity);
        }
    }

    fn begin_probes(&mut self) -> Step {
        self.talked = true;
        if self.host.is_none() {
            self.host = self.assignment.ptr.clone();
        }
        self.next_probe()
    }

    fn next_probe(&mut self) -> Step {
        let Some(&probe) = self.queue.front() else {
            return self.quit(Then::Done(Ending::Completed));
        };
        if self.stop || self.messages_left == 0 {
            return self.quit(Then::Done(Ending::Stopped));
        }
        if !self.session.has_room_for(probe) {
            return self.quit(Then::Connect);
        }
        self.queue.pop_front();
        self.state = State::Hook(probe);
        Step::Before(probe)
    }

    fn cleared(&mut self, probe: &'static Probe, event: Event) -> Step {
        match event {
            Event::Go(Go::On) => self.begin(probe),
            Event::Failed(ProbeError::Deadline) => {
                self.queue.push_front(probe);
                self.done(Ending::CutShort(CutShort::Deadline))
            }
            _ => {
                self.queue.push_front(probe);
                self.stop = true;
                self.next_probe()
            }
        }
    }

    fn begin(&mut self, probe: &'static Probe) -> Step {
        self.session.count(probe);
        let words = self.assignment.words(probe, self.host.as_ref());
        let progress = Progress { probe, words, at: Command::Rset };
        if self.session.dirty {
            self.session.dirty = false;
            self.await_reply(progress, Command::Rset, "RSET".to_owned())
        } else {
            self.hello_or_mail(progress)
        }
    }

    /// Some probes call us by another name; what we called ourselves holds until the next EHLO.
    fn hello_or_mail(&mut self, progress: Progress) -> Step {
        let own = self.assignment.identity.ehlo.as_str();
        let name = progress.probe.ehlo.map(|name| progress.words.fill(name));
        let name = name.unwrap_or_else(|| own.to_owned());
        if name == self.session.called {
            self.mail(progress)
        } else {
            let line = self.session.hello(&name);
            self.await_reply(progress, Command::Hello, line)
        }
    }

    fn mail(&mut self, progress: Progress) -> Step {
        self.session.dirty = true;
        let line = format!("MAIL FROM:{}", progress.words.fill(progress.probe.mail));
        self.await_reply(progress, Command::Mail, line)
    }

    fn rcpt_or_data(&mut self, progress: Progress, place: usize) -> Step {
        match progress.probe.rcpt.get(place) {
            Some(rcpt) => {
                let line = format!("RCPT TO:{}", progress.words.fill(rcpt));
                self.await_reply(progress, Command::Rcpt(place), line)
            }
            None => self.await_reply(progress, Command::Data, "DATA".to_owned()),
        }
    }

    fn await_reply(&mut self, progress: Progress, at: Command, line: String) -> Step {
        self.state = State::Probe(Box::new(Progress { at, ..progress }));
        Step::Send(line)
    }

    fn content(&mut self, progress: Progress) -> Step {
        let message = compose(&self.assignment, progress.probe, &progress.words);
        self.messages_left = self.messages_left.saturating_sub(1);
        self.state = State::Probe(Box::new(Progress { at: Command::Content, ..progress }));
        Step::SendData(wire(&message))
    }

    fn answered(&mut self, progress: Progress, event: Event) -> Step {
        let reply = match event {
            Event::Reply(reply) => reply,
            Event::Failed(error) => return self.broke(&progress, error),
            Event::NoConnection(_) | Event::Tls(_) | Event::Go(_) => {
                return self.broke(&progress, ProbeError::Disconnected);
            }
        };
        match (reply.class(), progress.at) {
            (Class::Closing, _) => self.broke(&progress, ProbeError::Closing(reply)),
            (Class::Yes, Command::Rset) => self.hello_or_mail(progress),
            (Class::Yes, Command::Hello) => self.mail(progress),
            (Class::Yes, Command::Mail) => self.rcpt_or_data(progress, 0),
            (Class::Yes, Command::Rcpt(place)) => self.rcpt_or_data(progress, place + 1),
            (Class::GoOn, Command::Data) => self.content(progress),
            (Class::Yes, Command::Content) => {
                self.session.dirty = false;
                self.conclude(progress.probe, Outcome::Accepted { reply })
            }
            (Class::No, at) if at.may_be_refused(progress.probe) => {
                self.conclude(progress.probe, Outcome::Refused { at: at.stage(), reply })
            }
            _ => self.broke(&progress, ProbeError::Unexpected(reply)),
        }
    }

    fn conclude(&mut self, probe: &'static Probe, outcome: Outcome) -> Step {
        self.outcomes.push((probe, outcome));
        self.broken = 0;
        self.next_probe()
    }

    /// The connection is of no more use.
    fn broke(&mut self, progress: &Progress, error: ProbeError) -> Step {
        let (at, sent) = (progress.at.stage(), progress.at == Command::Content);
        self.outcomes.push((progress.probe, Outcome::Error { at, sent, error: error.clone() }));
        self.broken += 1;
        if error == ProbeError::Deadline {
            self.done(Ending::CutShort(CutShort::Deadline))
        } else if self.queue.is_empty() {
            self.done(Ending::Completed)
        } else if self.stop || self.messages_left == 0 {
            self.done(Ending::Stopped)
        } else if self.broken >= Self::MAX_BROKEN {
            self.done(Ending::CutShort(CutShort::Broken(error)))
        } else {
            self.connect()
        }
    }

    fn failed_early(&mut self, error: ProbeError) -> Step {
        if self.talked && error == ProbeError::Deadline {
            return self.done(Ending::CutShort(CutShort::Deadline));
        }
        self.no_session(unreachable_by(error))
    }

    /// A connection that did not get as far as probes.
    fn no_session(&mut self, why: Unreachable) -> Step {
        if self.talked {
            self.done(Ending::CutShort(CutShort::NoConnection(why)))
        } else {
            self.done(Ending::Unreachable(why))
        }
    }

    /// The server said no to us: first it says goodbye to us, then we to it.
    fn turned_away(&mut self, ending: Ending) -> Step {
        let ending = match ending {
            Ending::Blocked(Blocked(reply)) if self.talked => {
                Ending::CutShort(CutShort::NoConnection(Unreachable::NoService(reply)))
            }
            Ending::Unreachable(why) if self.talked => {
                Ending::CutShort(CutShort::NoConnection(why))
            }
            other => other,
        };
        self.quit(Then::Done(ending))
    }

    fn quit(&mut self, then: Then) -> Step {
        self.state = State::Quit(then);
        Step::Send("QUIT".to_owned())
    }

    fn after_quit(&mut self, then: Then) -> Step {
        match then {
            Then::Connect => self.connect(),
            Then::Done(ending) => self.done(ending),
        }
    }

    fn done(&mut self, ending: Ending) -> Step {
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

impl Command {
    fn stage(self) -> Stage {
        match self {
            Self::Rset | Self::Hello => Stage::Hello,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data | Self::Content => Stage::Data,
        }
    }

    /// Whether a no is an answer to the probe, and not to what only leads up to it.
    fn may_be_refused(self, probe: &Probe) -> bool {
        match self {
            Self::Rset => false,
            Self::Hello => probe.ehlo.is_some(),
            _ => true,
        }
    }
}

fn unreachable_by(error: ProbeError) -> Unreachable {
    match error {
        ProbeError::Timeout | ProbeError::Deadline => Unreachable::NoGreeting,
        ProbeError::Disconnected => Unreachable::HungUp,
        ProbeError::Closing(reply) => Unreachable::NoService(reply),
        other @ (ProbeError::Unexpected(_) | ProbeError::OutOfTurn | ProbeError::Reply(_)) => {
            Unreachable::NotSmtp(other.to_string())
        }
    }
}
