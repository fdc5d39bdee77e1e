//! Exim: `H=host.example (helo) [192.0.2.55] F=<a@b.example> rejected RCPT <taro@example.org>: Unrouteable address`,
//! `1wAbCd-000123-4E <= a@b.example H=host.example (helo) [192.0.2.55] P=esmtp S=812`, and
//! `1wAbCd-000123-4E => taro <taro@example.org> R=local T=mailbox`.

use std::net::IpAddr;

use super::{
    deed::{Deed, Refusal, is_mailbox},
    reasons::UnknownReasons,
};
use crate::mail_log;

/// Lengths of what a message is called: before Exim 4.97, and since.
const IDS: [usize; 2] = [16, 23];

/// Whether this is Exim, whatever a further instance is called.
pub(super) fn is_exim(program: &str) -> bool {
    program.starts_with("exim")
}

pub(super) fn deed<'a>(message: &'a str, unknown: &UnknownReasons) -> Option<Deed<'a>> {
    let message = without_process(message);
    if let Some(rest) = message.strip_prefix("H=") {
        return refusal(rest, unknown).map(Deed::Refused);
    }
    let (message, rest) = message.split_once(' ').filter(|(word, _)| is_id(word))?;
    let (arrow, rest) = rest.split_once(' ')?;
    match arrow {
        "<=" => {
            let (sender, rest) = rest.split_once(" H=")?;
            let is_sender = sender == "<>" || is_mailbox(sender);
            let (client, _) = client(rest).filter(|_| is_sender)?;
            Some(Deed::Accepted { client, message })
        }
        "=>" | "->" => Some(Deed::Delivered { message }),
        _ => None,
    }
}

fn refusal<'a>(text: &'a str, unknown: &UnknownReasons) -> Option<Refusal<'a>> {
    let (client, rest) = client(text)?;
    let (_, rest) = rest.split_once(" F=<")?;
    // Who has logged in stands between sender and verb, and may mistype as often as it likes.
    let (sender, rest) = rest.split_once("> ")?;
    let (is_temporary, rest) = match rest.strip_prefix("temporarily ") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (recipient, reason) = recipient(rest.strip_prefix("rejected RCPT ")?)?;
    let is_plain = is_mailbox(sender) && is_mailbox(recipient);
    let is_unknown = is_plain && unknown.holds(reason);
    is_unknown.then_some(Refusal { client, is_bounce: sender.is_empty(), is_temporary, recipient })
}

/// Reads `<taro@example.org>: reason`; some clients forget the brackets.
fn recipient(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('<') {
        Some(rest) => rest.split_once(">: "),
        None => text.split_once(": "),
    }
}

/// Drops `[4711] `, which the log selector `pid` adds.
fn without_process(text: &str) -> &str {
    let process = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    match process {
        Some((digits, rest)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => text,
    }
}

fn is_id(word: &str) -> bool {
    IDS.contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Reads `host.example (helo) [192.0.2.55]`, of which only the address need be there.
fn client(text: &str) -> Option<(IpAddr, &str)> {
    let mut rest = text;
    if !rest.starts_with(['[', '(']) {
        let (host, behind) = rest.split_once(' ')?;
        rest = mail_log::is_host(host).then_some(behind)?;
    }
    if let Some(helo) = rest.strip_prefix('(') {
        let (helo, behind) = helo.split_once(") ")?;
        let is_word = !helo.contains(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
        rest = is_word.then_some(behind)?;
    }
    let (address, rest) = rest.strip_prefix('[')?.split_once(']')?;
    Some((mail_log::address(address)?, rest))
}
