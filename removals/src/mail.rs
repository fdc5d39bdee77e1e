//! Mails to those who ask: what is written in them, and how they look on their way.

mod catalogue;
mod letter;

pub(crate) use self::{
    catalogue::Catalogue,
    letter::{Letter, MailId, QueuedMail},
};
use crate::Contact;

/// How mails are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// The host that takes mails for others, with its port. It is spoken to without TLS: it is this machine, or one
    /// behind a tunnel.
    pub smarthost: String,
    /// Who they are from; also who is told of those that come back.
    pub from: Contact,
    /// The name of the list, as people say it.
    pub name: String,
    /// Where the pages of the list are, such as `https://bl.example.org/`, for the link that confirms; without it the
    /// mail has the token alone.
    pub url: Option<String>,
}
