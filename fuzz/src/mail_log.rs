//! What all programs put in front of a line of a mail log, which is a part of a program and of no library.

#[path = "../../dnsbl-client/command/src/mail_log/client.rs"]
mod client;
#[path = "../../dnsbl-client/command/src/mail_log/line.rs"]
mod line;
#[path = "../../dnsbl-client/command/src/mail_log/stamp.rs"]
mod stamp;

pub(crate) use self::{
    client::{address, is_host},
    line::LogLine,
    stamp::Stamp,
};
