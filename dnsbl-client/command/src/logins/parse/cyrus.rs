//! Cyrus IMAP: `cyrus/imap[27783]: login: host.example [192.0.2.55] taro plain+TLS User logged in SESSIONID=<…>`,
//! and what its newer releases write: `event=login.good … r.clienthost="host.example [192.0.2.55]" u.username=taro`.
//!
//! The name of the host comes from DNS, and its owner chose it. It stands first and can't hold a blank or a
//! bracket, else the line counts for nothing.

use std::net::IpAddr;

use super::login::{self, Login, Service, User};
use crate::mail_log::{self, LogLine};

/// The login that a line tells of.
pub(super) fn login(line: &LogLine<'_>) -> Option<Login> {
    let service = service(line.program)?;
    if let Some(fields) = line.message.strip_prefix("event=login.good ") {
        return from_fields(service, fields);
    }
    let (address, rest) = client(line.message.strip_prefix("login: ")?)?;
    let (user, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    let (mechanism, rest) = rest.split_once(' ')?;
    let session = match rest.strip_prefix("User logged in")? {
        "" => None,
        rest => Some(login::session(rest.strip_prefix(" SESSIONID=<")?.strip_suffix('>')?)?),
    };
    let (mechanism, is_tls) = match mechanism.strip_suffix("+TLS") {
        Some(mechanism) => (mechanism, true),
        None => (mechanism, false),
    };
    let user = is_mechanism(mechanism).then(|| User::parse(user))??;
    Some(Login { address, user, service, tls: Some(is_tls), session })
}

/// The services are named in cyrus.conf: imap, imaps, pop3 and the like, perhaps behind the name of a host.
fn service(program: &str) -> Option<Service> {
    let name = program.rsplit('/').next()?;
    match name.strip_suffix(['s', 'd']).unwrap_or(name) {
        "imap" => Some(Service::Imap),
        "pop3" => Some(Service::Pop3),
        _ => None,
    }
}

/// Reads `host.example [192.0.2.55]` or `[192.0.2.55]`.
fn client(text: &str) -> Option<(IpAddr, &str)> {
    let (host, rest) = text.split_once('[')?;
    let host = host.strip_suffix(' ').unwrap_or(host);
    let (address, rest) = rest.split_once(']')?;
    let address =
        (host.is_empty() || mail_log::is_host(host)).then(|| mail_log::address(address))??;
    Some((address, rest))
}

fn is_mechanism(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Reads `key=value` and `key="value"`, each key once; a value that has to be escaped leaves a doubt.
fn from_fields(service: Service, mut text: &str) -> Option<Login> {
    let (mut address, mut user, mut tls, mut session) = (None, None, None, None);
    loop {
        let (key, value, rest) = field(text)?;
        let is_first = match key {
            "r.clienthost" => address.replace(host(value)?).is_none(),
            "u.username" => user.replace(User::parse(value)?).is_none(),
            "login.tls" => tls.replace(value == "1").is_none(),
            "sessionid" | "r.sessionid" => session.replace(login::session(value)?).is_none(),
            "event" => false,
            _ => true,
        };
        is_first.then_some(())?;
        let Some(rest) = rest else { break };
        text = rest;
    }
    Some(Login { address: address?, user: user?, service, tls, session })
}

/// The first field, and what follows the blank behind it.
fn field(text: &str) -> Option<(&str, &str, Option<&str>)> {
    let (key, rest) = text.split_once('=')?;
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"')?;
            (value, if rest.is_empty() { None } else { Some(rest.strip_prefix(' ')?) })
        }
        None => match rest.split_once(' ') {
            Some((value, rest)) => (value, Some(rest)),
            None => (rest, None),
        },
    };
    let is_plain = !key.contains([' ', '"']) && !value.contains(['"', '\\']);
    is_plain.then_some((key, value, rest))
}

/// A client with or without its name, also without brackets.
fn host(text: &str) -> Option<IpAddr> {
    match client(text) {
        Some((address, "")) => Some(address),
        _ => mail_log::address(text),
    }
}
