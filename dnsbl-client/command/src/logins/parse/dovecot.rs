//! Dovecot 2:
//! `imap-login: Login: user=<taro>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25, mpid=2411, TLS, session=<…>`.
//!
//! Dovecot 2.4 writes `Logged in:` instead. What follows is `login_log_format_elements`; `user=<…>` has to
//! be the first, and the addresses have to be there by these names.

use std::net::IpAddr;

use super::login::{self, Login, Service, User};
use crate::mail_log::{self, LogLine};

const STARTS: [&str; 2] = ["Login: user=<", "Logged in: user=<"];

/// The login that a line tells of.
pub(super) fn login(line: &LogLine<'_>) -> Option<Login> {
    let (program, message) = match line.program {
        "dovecot" => line.message.split_once(": ")?,
        program => (program, line.message),
    };
    let service = match program {
        "imap-login" => Service::Imap,
        "pop3-login" => Service::Pop3,
        _ => return None,
    };
    // Without syslog the level is told.
    let message = message.strip_prefix("Info: ").unwrap_or(message);
    let message = STARTS.iter().find_map(|start| message.strip_prefix(start))?;
    let (user, elements) = message.split_once('>')?;
    let Elements { remote, session, tls, .. } = Elements::parse(elements)?;
    Some(Login { address: remote?, user: User::parse(user)?, service, tls, session })
}

/// The elements behind the user.
#[derive(Default)]
struct Elements {
    remote: Option<IpAddr>,
    local: Option<IpAddr>,
    session: Option<String>,
    tls: Option<bool>,
}

impl Elements {
    /// Reads `, key=value` and `, word` up to the end. A name that ends its own field and goes on with such
    /// elements has each of them twice in the line, or leaves the bracket that should have ended it.
    fn parse(text: &str) -> Option<Self> {
        let mut elements = Self::default();
        for element in text.strip_prefix(", ")?.split(", ") {
            elements.add(element)?;
        }
        Some(elements)
    }

    fn add(&mut self, element: &str) -> Option<()> {
        match element.split_once('=') {
            Some(("rip", value)) => once(&mut self.remote, mail_log::address(value)?),
            Some(("lip", value)) => once(&mut self.local, mail_log::address(value)?),
            Some(("session", value)) => {
                let value = value.strip_prefix('<')?.strip_suffix('>')?;
                once(&mut self.session, login::session(value)?)
            }
            Some(("user", _)) => None,
            None if element == "TLS" => once(&mut self.tls, true),
            _ => (!element.contains(['<', '>'])).then_some(()),
        }
    }
}

/// Fills what is still empty.
fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}
