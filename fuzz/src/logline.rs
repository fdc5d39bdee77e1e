//! The readers of mail logs, which are a part of a program and of no library.

#![expect(dead_code, reason = "the program uses the rest")]

#[path = "../../dnsbl-client/command/src/logins/parse/courier.rs"]
mod courier;
#[path = "../../dnsbl-client/command/src/logins/parse/cyrus.rs"]
mod cyrus;
#[path = "../../dnsbl-client/command/src/logins/parse/dovecot.rs"]
mod dovecot;
#[path = "../../dnsbl-client/command/src/logins/parse/format.rs"]
mod format;
#[path = "../../dnsbl-client/command/src/logins/parse/login.rs"]
mod login;
#[path = "../../dnsbl-client/command/src/logins/parse/qpopper.rs"]
mod qpopper;

use jiff::{Timestamp, tz::TimeZone};

use self::{format::Format, login::Login};
use crate::mail_log::LogLine;

/// The login that a line tells of, and how many formats take it for theirs. Its time can be told.
pub(crate) fn read(line: &str) -> (Option<Login>, usize) {
    let Some(line) = LogLine::parse(line) else { return (None, 0) };
    if let Some(stamp) = &line.written {
        stamp.resolve(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
    }
    let own = Format::ALL.iter().filter(|(_, format)| *format != Format::Auto);
    let takers = own.filter(|(_, format)| format.login(&line).is_some()).count();
    (Format::Auto.login(&line), takers)
}
