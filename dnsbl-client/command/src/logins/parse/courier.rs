//! Courier: `imapd: LOGIN, user=taro, ip=[::ffff:192.0.2.55], port=[50111], protocol=IMAP`.

use super::login::{Login, Service, User};
use crate::mail_log::{self, LogLine};

/// The login that a line tells of.
pub(super) fn login(line: &LogLine<'_>) -> Option<Login> {
    let (service, is_wrapped) = match line.program {
        "imapd" | "imaplogin" => (Service::Imap, false),
        "imapd-ssl" => (Service::Imap, true),
        "pop3d" | "pop3login" | "courierpop3login" => (Service::Pop3, false),
        "pop3d-ssl" => (Service::Pop3, true),
        _ => return None,
    };
    // Where standard error is the log, the level is told.
    let message = line.message.strip_prefix("INFO: ").unwrap_or(line.message);
    let mut fields = message.strip_prefix("LOGIN, user=")?.split(", ");
    let user = User::parse(fields.next()?)?;
    let address = bracketed(fields.next()?.strip_prefix("ip=")?)?;
    let address = mail_log::address(address)?;
    let mut is_started = false;
    for field in fields {
        match field.split_once('=')? {
            ("port", port) => is_number(bracketed(port)?).then_some(())?,
            ("protocol", name) => is_word(name).then_some(())?,
            ("starttls" | "stls" | "tls", value) if is_number(value) => is_started |= value != "0",
            _ => return None,
        }
    }
    // Servers that have been told to start TLS need not say so here.
    let tls = (is_wrapped || is_started).then_some(true);
    Some(Login { address, user, service, tls, session: None })
}

fn bracketed(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
