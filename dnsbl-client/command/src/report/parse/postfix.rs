//! Postfix: `NOQUEUE: reject: RCPT from host.example[192.0.2.55]: 550 5.1.1 <taro@example.org>: Recipient address rejected:
//! User unknown in local recipient table; from=<a@b.example> to=<taro@example.org> proto=ESMTP helo=<host.example>`,
//! `4A1B2C3D: client=host.example[192.0.2.55]`, and `disconnect from host.example[192.0.2.55] ehlo=1 mail=1
//! rcpt=0/50 quit=1 commands=3/53`.

use std::net::IpAddr;

use super::{
    deed::{Deed, Refusal, is_mailbox},
    reasons::UnknownReasons,
};
use crate::mail_log;

/// Whether this is a program that takes mail: `postfix/smtpd`, `postfix/submission/smtpd`, that of a further instance.
pub(super) fn is_smtpd(program: &str) -> bool {
    program.starts_with("postfix") && program.ends_with("/smtpd")
}

pub(super) fn deed<'a>(message: &'a str, unknown: &UnknownReasons) -> Option<Deed<'a>> {
    if let Some(rest) = message.strip_prefix("disconnect from ") {
        return disconnected(rest);
    }
    let (message, rest) = message.split_once(": ")?;
    if message.is_empty() || !message.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix("client=") {
        let (client, rest) = client(rest)?;
        let is_end = rest.is_empty() || rest.starts_with(", ");
        return is_end.then_some(Deed::Accepted { client, message });
    }
    refusal(rest.strip_prefix("reject: RCPT from ")?, unknown).map(Deed::Refused)
}

fn refusal<'a>(text: &'a str, unknown: &UnknownReasons) -> Option<Refusal<'a>> {
    let (client, rest) = client(text)?;
    let (status, rest) = rest.strip_prefix(": ")?.split_once(" <")?;
    let is_temporary = is_temporary(status)?;
    let (recipient, rest) = rest.split_once(">: Recipient address rejected: ")?;
    let (reason, rest) = once(rest, "; from=<")?;
    let (sender, rest) = once(rest, "> to=<")?;
    // Postfix writes addresses without their quotes, so that a recipient may look like the rest of a line; but it
    // stands there twice.
    let is_same = rest.strip_prefix(recipient).is_some_and(|rest| rest.starts_with("> proto="));
    let is_unknown = is_same && is_mailbox(recipient) && unknown.holds(reason);
    let is_bounce = sender.is_empty();
    is_unknown.then_some(Refusal { client, is_bounce, is_temporary, recipient })
}

/// What stands before and behind something that is there once.
fn once<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    text.split_once(mark).filter(|(_, rest)| !rest.contains(mark))
}

/// Reads `550 5.1.1` or `450`.
fn is_temporary(status: &str) -> Option<bool> {
    let mut words = status.split(' ');
    let code = words.next().filter(|code| code.len() == 3)?;
    let enhanced = words.next().unwrap_or("5.1.1");
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_status = words.next().is_none() && is_number(code) && enhanced.split('.').all(is_number);
    match code.as_bytes().first() {
        Some(b'4') if is_status => Some(true),
        Some(b'5') if is_status => Some(false),
        _ => None,
    }
}

fn disconnected<'a>(text: &str) -> Option<Deed<'a>> {
    let (client, rest) = client(text)?;
    let count = rest.split(' ').find_map(|word| word.strip_prefix("rcpt="))?;
    let accepted = count.split('/').next()?;
    Some(Deed::Disconnected { client, recipients: accepted.parse().ok()? })
}

/// Reads `host.example[192.0.2.55]` or `host.example[192.0.2.55]:61234`.
fn client(text: &str) -> Option<(IpAddr, &str)> {
    let (host, rest) = text.split_once('[')?;
    let (address, rest) = rest.split_once(']')?;
    let client = mail_log::is_host(host).then(|| mail_log::address(address))??;
    let rest = match rest.strip_prefix(':') {
        Some(port) if port.starts_with(|c: char| c.is_ascii_digit()) => {
            port.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => rest,
    };
    Some((client, rest))
}
