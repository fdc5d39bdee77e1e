//! From probe to probe.

use super::{
    Command, CutShort, Dialogue, Ending, Event, Outcome, ProbeError, Progress, Reply, Stage, State,
    Step, Then, reply::Class,
};
use crate::{
    Go, Probe,
    message::{compose, wire},
};

impl Dialogue {
    pub(super) fn next_probe(&mut self) -> Step {
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

    pub(super) fn cleared(&mut self, probe: &'static Probe, event: &Event) -> Step {
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

    pub(super) fn answered(&mut self, progress: Progress, event: Event) -> Step {
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
            (Class::No, _) if requires_tls(&reply) => {
                self.broke(&progress, ProbeError::TlsRequired(reply))
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

/// Whether it is only for want of TLS that the server says no (RFC 3207 section 4). It comes after TLS
/// failed, and says nothing about relaying.
fn requires_tls(reply: &Reply) -> bool {
    let text = reply.lines().join(" ").to_ascii_uppercase();
    reply.code() == 530 && text.contains("STARTTLS")
}
