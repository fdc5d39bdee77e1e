//! From the connection to the first probe: greeting, introduction, TLS.

use super::{
    Awaiting, Blocked, CutShort, Dialogue, Ending, Event, ProbeError, Reply, Step, Then,
    Unreachable, blocked, connection_state, reply::ReplyClass,
};

impl Dialogue {
    pub(super) fn greeted(&mut self, event: Event) -> Step {
        match event {
            Event::Reply(reply) if reply.class() == ReplyClass::Completion => {
                self.note_host(&reply);
                self.introduce()
            }
            Event::Reply(reply) if reply.class() == ReplyClass::Intermediate => {
                self.no_session(Unreachable::NotSmtp(reply.to_string()))
            }
            Event::Reply(reply) => self.turned_away(blocked::greeting(reply)),
            Event::NoConnection(why) => self.no_session(why),
            Event::Failed(error) => self.failed_early(error),
            Event::Tls(_) | Event::Go(_) => self.no_session(Unreachable::HungUp),
        }
    }

    fn introduce(&mut self) -> Step {
        let line = self.connection.hello(&self.name_here());
        self.state = if self.connection.helo_only { Awaiting::Helo } else { Awaiting::Ehlo };
        Step::Send(line)
    }

    pub(super) fn introduced(&mut self, event: Event, extended: bool) -> Step {
        let reply = match event {
            Event::Reply(reply) => reply,
            Event::Failed(error) => return self.failed_early(error),
            _ => return self.no_session(Unreachable::HungUp),
        };
        match reply.class() {
            ReplyClass::Completion if extended && self.wants_tls(&reply) => {
                self.note_host(&reply);
                self.state = Awaiting::StartTls;
                Step::Send("STARTTLS".to_owned())
            }
            ReplyClass::Completion => {
                self.note_host(&reply);
                self.begin_probes()
            }
            ReplyClass::Intermediate => self.no_session(Unreachable::NotSmtp(reply.to_string())),
            // Servers that don't know EHLO don't refuse the name (RFC 5321 section 3.2).
            ReplyClass::Permanent | ReplyClass::Transient
                if extended && !self.refuses_name(&reply) =>
            {
                self.connection.helo_only = true;
                self.introduce()
            }
            _ => match self.take_own_name() {
                Some(probe) => self.refused_name(probe, reply),
                None => self.turned_away(blocked::hello(reply)),
            },
        }
    }

    /// Whether it is the name of a probe that is refused, and not EHLO.
    fn refuses_name(&self, reply: &Reply) -> bool {
        self.has_own_name() && !matches!(reply.code(), 500 | 502 | 504)
    }

    fn wants_tls(&self, reply: &Reply) -> bool {
        !self.connection.tls && !self.without_tls && connection_state::offers_starttls(reply)
    }

    pub(super) fn tls_offered(&mut self, event: Event) -> Step {
        match event {
            Event::Reply(reply) if reply.class() == ReplyClass::Completion => {
                self.state = Awaiting::Handshake;
                Step::StartTls
            }
            Event::Reply(reply) if reply.class() == ReplyClass::Permanent => self.begin_probes(),
            _ => self.again_without_tls(),
        }
    }

    pub(super) fn tls_tried(&mut self, event: &Event) -> Step {
        if *event == Event::Tls(true) {
            self.tls = true;
            self.connection.tls = true;
            self.introduce()
        } else {
            self.again_without_tls()
        }
    }

    fn again_without_tls(&mut self) -> Step {
        self.without_tls = true;
        self.connect()
    }

    fn note_host(&mut self, reply: &Reply) {
        if self.host.is_none() {
            self.host = connection_state::host_name(reply, &self.assignment.identity);
        }
    }

    fn begin_probes(&mut self) -> Step {
        self.talked = true;
        if self.host.is_none() {
            self.host = self.assignment.ptr.clone();
        }
        self.next_probe()
    }

    fn failed_early(&mut self, error: ProbeError) -> Step {
        if self.talked && error == ProbeError::Deadline {
            return self.done(Ending::CutShort(CutShort::Deadline));
        }
        if let ProbeError::Closing(reply) = error {
            return self.turned_away(Ending::Deferred(reply));
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
            Ending::Deferred(reply) if self.talked => {
                Ending::CutShort(CutShort::NoConnection(Unreachable::NoService(reply)))
            }
            other => other,
        };
        self.quit(Then::Done(ending))
    }
}

fn unreachable_by(error: ProbeError) -> Unreachable {
    match error {
        ProbeError::Timeout | ProbeError::Deadline => Unreachable::NoGreeting,
        ProbeError::Disconnected => Unreachable::HungUp,
        ProbeError::Closing(reply) => Unreachable::NoService(reply),
        other @ (ProbeError::TlsRequired(_)
        | ProbeError::Unexpected(_)
        | ProbeError::OutOfTurn
        | ProbeError::Reply(_)) => Unreachable::NotSmtp(other.to_string()),
    }
}
