//! One session as a pure state machine: command lines in, actions out.

mod command;

use command::{Command, address, path, size};

use crate::{Candidate, HostName, Kind, Token};

/// The reaction to a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Say this.
    Reply(String),
    /// Ask the inbox which of these it expects, and tell [`Session::expected`].
    Expect(Vec<Candidate>),
    /// Say 354 and read the content of a message.
    Content,
    /// Say this and hang up.
    Close(String),
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    host_name: HostName,
    probe_domain: HostName,
    max_size: usize,
    commands: usize,
    errors: usize,
    messages: usize,
    helo: String,
    mail: Option<Mail>,
}

/// A transaction under way.
#[derive(Debug, Default)]
struct Mail {
    from: String,
    candidates: Vec<Candidate>,
    recipients: usize,
}

/// The envelope of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) helo: String,
    pub(super) mail_from: String,
    /// Empty where it is for postmaster or abuse only.
    pub(super) candidates: Vec<Candidate>,
}

/// So many refused commands and recipients end the session.
const MAX_ERRORS: usize = 10;
/// So many commands end the session.
const MAX_COMMANDS: usize = 300;
/// So many messages end the session.
const MAX_MESSAGES: usize = 20;
/// So many recipients may a message have.
const MAX_RECIPIENTS: usize = 10;

impl Session {
    pub(super) fn new(host_name: HostName, probe_domain: HostName, max_size: usize) -> Self {
        Self {
            host_name,
            probe_domain,
            max_size,
            commands: 0,
            errors: 0,
            messages: 0,
            helo: String::new(),
            mail: None,
        }
    }

    pub(super) fn greeting(&self) -> String {
        format!("220 {} ESMTP takes mail for {} only", self.host_name, self.probe_domain)
    }

    /// Takes a command line without its CRLF.
    pub(super) fn line(&mut self, line: &[u8]) -> Action {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            return self.close("too many commands");
        }
        match Command::read(line) {
            Command::Helo(name) => self.hello(name, false),
            Command::Ehlo(name) => self.hello(name, true),
            Command::Mail(argument) => self.mail(argument),
            Command::Rcpt(argument) => self.rcpt(argument),
            Command::Data => self.data(),
            Command::Rset => {
                self.mail = None;
                reply("250 2.0.0 ok")
            }
            Command::Noop => reply("250 2.0.0 ok"),
            Command::Vrfy => reply("252 2.1.5 send it and see"),
            Command::Help => reply("214 2.0.0 see RFC 5321"),
            Command::Quit => Action::Close(format!("221 2.0.0 {} closes", self.host_name)),
            Command::Other => self.error("500 5.5.2 no such command"),
        }
    }

    /// Takes the answer of the inbox to [`Action::Expect`].
    pub(super) fn expected(&mut self, candidate: Option<Candidate>) -> Action {
        let Some(candidate) = candidate else {
            return self.unknown_recipient();
        };
        let Some(mail) = &mut self.mail else {
            return self.error("503 5.5.1 MAIL first");
        };
        if !mail.candidates.contains(&candidate) {
            mail.candidates.push(candidate);
        }
        mail.recipients += 1;
        reply("250 2.1.5 ok")
    }

    /// The envelope of the message whose content has come; the transaction is over.
    pub(super) fn take_envelope(&mut self) -> Envelope {
        self.messages += 1;
        let mail = self.mail.take().unwrap_or_default();
        Envelope { helo: self.helo.clone(), mail_from: mail.from, candidates: mail.candidates }
    }

    fn hello(&mut self, name: &[u8], extended: bool) -> Action {
        self.helo = command::clean(name);
        self.mail = None;
        let host = &self.host_name;
        if extended {
            let size = self.max_size;
            Action::Reply(format!(
                "250-{host}\r\n250-SIZE {size}\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING"
            ))
        } else {
            Action::Reply(format!("250 {host}"))
        }
    }

    fn mail(&mut self, argument: &[u8]) -> Action {
        if self.mail.is_some() {
            return self.error("503 5.5.1 one sender at a time");
        }
        if self.messages >= MAX_MESSAGES {
            return self.close("too many messages");
        }
        if size(argument).is_some_and(|size| size > self.max_size as u64) {
            return self.error("552 5.3.4 too large");
        }
        self.mail = Some(Mail { from: path(argument), ..Mail::default() });
        reply("250 2.1.0 ok")
    }

    fn rcpt(&mut self, argument: &[u8]) -> Action {
        let Some(mail) = &mut self.mail else {
            return self.error("503 5.5.1 MAIL first");
        };
        if mail.recipients >= MAX_RECIPIENTS {
            return self.error("452 4.5.3 too many recipients");
        }
        // The token is looked for wherever it stands: relays deliver to odd addresses.
        let mut found = Token::scan(argument);
        found.retain(|candidate| candidate.kind != Kind::Header);
        if !found.is_empty() {
            return Action::Expect(found);
        }
        if is_role(&address(argument), &self.probe_domain) {
            mail.recipients += 1;
            return reply("250 2.1.5 ok");
        }
        self.unknown_recipient()
    }

    fn data(&mut self) -> Action {
        match &self.mail {
            Some(mail) if mail.recipients > 0 => Action::Content,
            Some(_) => self.error("554 5.5.1 no valid recipients"),
            None => self.error("503 5.5.1 MAIL first"),
        }
    }

    fn unknown_recipient(&mut self) -> Action {
        self.error("550 5.1.1 no such recipient")
    }

    fn error(&mut self, text: &str) -> Action {
        self.errors += 1;
        if self.errors >= MAX_ERRORS { self.close("too many errors") } else { reply(text) }
    }

    fn close(&self, why: &str) -> Action {
        Action::Close(format!("421 4.7.0 {} {why}", self.host_name))
    }
}

fn reply(text: &str) -> Action {
    Action::Reply(text.to_owned())
}

/// Whether it is an address that must exist (RFC 5321 section 4.5.1, RFC 2142).
fn is_role(address: &str, domain: &HostName) -> bool {
    let address = address.to_ascii_lowercase();
    let (local, at) = address.split_once('@').unwrap_or((&address, domain.as_str()));
    at == domain.as_str() && matches!(local, "postmaster" | "abuse")
}

#[cfg(test)]
mod tests;
