//! What lines of SMTP servers' logs say. Nothing here reads a file or a clock.
//!
//! Strangers choose much of a line: names of hosts, senders, recipients. The client's address stands before all that, and
//! a line counts only where everything up to the reason of a refusal is as the server writes it, so that nobody
//! can have another host's mail taken for something else.

mod deed;
mod exim;
mod format;
mod postfix;
mod reasons;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    deed::{Deed, Entry, Refusal},
    format::Format,
    reasons::UnknownReasons,
};
