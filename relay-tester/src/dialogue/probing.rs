//! From probe to probe.

use super::{
    AwaitedReply, Awaiting, CutShort, Dialogue, Ending, Event, Go, ProbeError, Progress, Reply,
    SmtpOutcome, Stage, Step, Then, Turn, reply::ReplyClass,
};
use crate::{
    Probe,
    message::{compose, wire},
};

impl Dialogue {
    pub(super) fn next_probe(&mut self) -> Step {
        self.skip_settled();
        let Some(&turn) = self.queue.front() else {
            return self.quit(Then::Done(Ending::Completed));
        };
        if self.stop || self.messages_left == 0 {
            return self.quit(Then::Done(Ending::Stopped));
        }
        match turn {
            Turn::Probe(probe) if self.connection.has_room_for(probe, &self.name_for(probe)) => {
                self.queue.pop_front();
                self.state = Awaiting::Hook(probe);
                Step::Before(probe)
            }
            Turn::Probe(_) => self.quit(Then::Connect),
            Turn::Fresh => {
                self.queue.pop_front();
                if self.connection.is_fresh() {
                    self.next_probe()
                } else {
                    self.quit(Then::Connect)
                }
            }
        }
    }

    /// Takes turns off whose probe was not refused at an earlier one: nothing more is to be learnt.
    fn skip_settled(&mut self) {
        while let Some(Turn::Probe(probe)) = self.queue.front() {
            let mut earlier = self.outcomes.iter().rev().filter(|(other, _)| other == probe);
            match earlier.next() {
                None | Some((_, SmtpOutcome::Refused { .. })) => return,
                Some(_) => self.queue.pop_front(),
            };
        }
    }

    /// What we call ourselves for a probe.
    pub(super) fn name_for(&self, probe: &Probe) -> String {
        match probe.ehlo {
            Some(name) => self.assignment.placeholders(probe, self.host.as_ref()).fill(name),
            None => self.assignment.identity.ehlo.to_string(),
        }
    }

    /// What we call ourselves on a connection, whose first probe decides.
    pub(super) fn name_here(&self) -> String {
        match self.queue.iter().find_map(Turn::probe) {
            Some(probe) => self.name_for(probe),
            None => self.assignment.identity.ehlo.to_string(),
        }
    }

    /// Whether the next probe brings a name of its own.
    pub(super) fn has_own_name(&self) -> bool {
        self.queue.iter().find_map(Turn::probe).is_some_and(|probe| probe.ehlo.is_some())
    }

    /// Takes the next probe, if it brings a name of its own.
    pub(super) fn take_own_name(&mut self) -> Option<&'static Probe> {
        if !self.has_own_name() {
            return None;
        }
        let turn = self.queue.iter().position(|turn| turn.probe().is_some());
        turn.and_then(|turn| self.queue.remove(turn)).and_then(|turn| turn.probe())
    }

    /// The name that a probe brings is refused, and so is the probe.
    pub(super) fn refused_name(&mut self, probe: &'static Probe, reply: Reply) -> Step {
        self.talked = true;
        self.connection.count(probe);
        let at = Stage::Hello;
        match reply.class() {
            ReplyClass::Permanent => self.conclude(probe, SmtpOutcome::Refused { at, reply }),
            ReplyClass::Closing => self.gave_up(probe, at, false, ProbeError::Closing(reply)),
            _ => self.conclude(probe, SmtpOutcome::Deferred { at, reply }),
        }
    }

    pub(super) fn cleared(&mut self, probe: &'static Probe, event: &Event) -> Step {
        match event {
            Event::Go(Go::On) => self.begin(probe),
            Event::Failed(ProbeError::Deadline) => {
                self.queue.push_front(Turn::Probe(probe));
                self.done(Ending::CutShort(CutShort::Deadline))
            }
            _ => {
                self.queue.push_front(Turn::Probe(probe));
                self.stop = true;
                self.next_probe()
            }
        }
    }

    fn begin(&mut self, probe: &'static Probe) -> Step {
        self.connection.count(probe);
        let placeholders = self.assignment.placeholders(probe, self.host.as_ref());
        let progress = Progress { probe, placeholders, at: AwaitedReply::Rset };
        if self.connection.dirty {
            self.connection.dirty = false;
            self.await_reply(progress, AwaitedReply::Rset, "RSET".to_owned())
        } else {
            self.mail(progress)
        }
    }

    fn mail(&mut self, progress: Progress) -> Step {
        self.connection.dirty = true;
        let line = format!("MAIL FROM:{}", progress.placeholders.fill(progress.probe.mail));
        self.await_reply(progress, AwaitedReply::Mail, line)
    }

    fn rcpt_or_data(&mut self, progress: Progress, place: usize) -> Step {
        match progress.probe.rcpt.get(place) {
            Some(rcpt) => {
                let line = format!("RCPT TO:{}", progress.placeholders.fill(rcpt));
                self.await_reply(progress, AwaitedReply::Rcpt(place), line)
            }
            None => self.await_reply(progress, AwaitedReply::Data, "DATA".to_owned()),
        }
    }

    fn await_reply(&mut self, progress: Progress, at: AwaitedReply, line: String) -> Step {
        self.state = Awaiting::Probe(Box::new(Progress { at, ..progress }));
        Step::Send(line)
    }

    fn content(&mut self, progress: Progress) -> Step {
        let message = compose(&self.assignment, progress.probe, &progress.placeholders);
        self.messages_left = self.messages_left.saturating_sub(1);
        self.state = Awaiting::Probe(Box::new(Progress { at: AwaitedReply::Content, ..progress }));
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
            (ReplyClass::Closing, _) => self.broke(&progress, ProbeError::Closing(reply)),
            (ReplyClass::Transient, AwaitedReply::Rset) => {
                self.broke(&progress, ProbeError::Closing(reply))
            }
            (ReplyClass::Transient, at) => {
                self.conclude(progress.probe, SmtpOutcome::Deferred { at: at.stage(), reply })
            }
            (ReplyClass::Completion, AwaitedReply::Rset) => self.mail(progress),
            (ReplyClass::Completion, AwaitedReply::Mail) => self.rcpt_or_data(progress, 0),
            (ReplyClass::Completion, AwaitedReply::Rcpt(place)) => {
                self.rcpt_or_data(progress, place + 1)
            }
            (ReplyClass::Intermediate, AwaitedReply::Data) => self.content(progress),
            (ReplyClass::Completion, AwaitedReply::Content) => {
                self.connection.dirty = false;
                self.conclude(progress.probe, SmtpOutcome::Accepted { reply })
            }
            (ReplyClass::Permanent, _) if requires_tls(&reply) => {
                self.broke(&progress, ProbeError::TlsRequired(reply))
            }
            (ReplyClass::Permanent, at) if at != AwaitedReply::Rset => {
                self.conclude(progress.probe, SmtpOutcome::Refused { at: at.stage(), reply })
            }
            _ => self.broke(&progress, ProbeError::Unexpected(reply)),
        }
    }

    fn conclude(&mut self, probe: &'static Probe, outcome: SmtpOutcome) -> Step {
        self.outcomes.push((probe, outcome));
        self.broken = 0;
        self.next_probe()
    }

    /// The connection is of no more use.
    fn broke(&mut self, progress: &Progress, error: ProbeError) -> Step {
        let sent = progress.at == AwaitedReply::Content;
        self.gave_up(progress.probe, progress.at.stage(), sent, error)
    }

    fn gave_up(&mut self, probe: &'static Probe, at: Stage, sent: bool, error: ProbeError) -> Step {
        let outcome = match &error {
            ProbeError::Closing(reply) => SmtpOutcome::Deferred { at, reply: reply.clone() },
            error => SmtpOutcome::Error { at, sent, error: error.clone() },
        };
        self.outcomes.push((probe, outcome));
        self.broken += 1;
        self.skip_settled();
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

impl AwaitedReply {
    fn stage(self) -> Stage {
        match self {
            Self::Rset => Stage::Hello,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data | Self::Content => Stage::Data,
        }
    }
}

/// Whether it is only for want of TLS that the server says no (RFC 3207 section 4). It comes after TLS
/// failed, and says nothing about relaying.
fn requires_tls(reply: &Reply) -> bool {
    let text = reply.lines().join(" ").to_ascii_uppercase();
    reply.code() == 530 && text.contains("STARTTLS")
}
