//! What lines of mail logs say. Nothing here reads a file or a clock.
//!
//! Much of a line is chosen by strangers: names that they log in as, and names that their addresses have in
//! DNS. So a line counts only where the program's name and the start of its message stand at their places
//! and everything up to the end of the line is as that program writes it. A line in doubt is no login.

mod courier;
mod cyrus;
mod dovecot;
mod format;
mod login;
mod qpopper;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    format::Format,
    login::{Login, User},
};
