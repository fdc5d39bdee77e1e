//! The readers of SMTP servers' logs, which are a part of a program and of no library.

#[path = "../../dnsbl-client/command/src/report/parse/deed.rs"]
mod deed;
#[path = "../../dnsbl-client/command/src/report/parse/exim.rs"]
mod exim;
#[path = "../../dnsbl-client/command/src/report/parse/format.rs"]
mod format;
#[path = "../../dnsbl-client/command/src/report/parse/postfix.rs"]
mod postfix;
#[path = "../../dnsbl-client/command/src/report/parse/reasons.rs"]
mod reasons;

use std::net::IpAddr;

use jiff::{Timestamp, tz::TimeZone};

use self::{
    deed::{Deed, Refusal},
    format::Format,
    reasons::UnknownReasons,
};

/// The client that a line tells of and the recipient, and how many formats take it for theirs. Its time can be told.
pub(crate) fn read(line: &str) -> (Option<(IpAddr, &str)>, usize) {
    let unknown = UnknownReasons::with([]);
    let own = Format::ALL.iter().filter(|(_, format)| *format != Format::Auto);
    let takers = own.filter(|(_, format)| format.read(line, &unknown).is_some()).count();
    let Some(entry) = Format::Auto.read(line, &unknown) else { return (None, takers) };
    if let Some(stamp) = &entry.written {
        stamp.resolve(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
    }
    let seen = match entry.deed {
        Deed::Refused(Refusal { client, recipient, .. }) => Some((client, recipient)),
        Deed::Accepted { client, message } => Some((client, message)),
        Deed::Disconnected { client, .. } => Some((client, "")),
        Deed::Delivered { .. } => None,
    };
    (seen, takers)
}
