//! Real mail servers: Exim, Postfix, Sendmail and Dovecot from Debian, unpacked below the target directory by `make tools`.
//!
//! Each instance has an address of its own in 127.0.0.0/8, in a /16 that no other instance of the
//! process has, and hands what it relays to a next hop that the test names: nothing is looked up in
//! DNS. They change users and see files of their own in place of `/etc/passwd` and the like, so
//! they need root, or a user namespace with more than one user: `unshare --map-root-user --map-auto`.

mod address;
mod dovecot;
mod enclosure;
mod exim;
mod mailbox;
mod postfix;
mod scripted;
mod sendmail;
mod smtp;

pub use address::{unique_addr, unique_host};
pub use dovecot::Dovecot;
pub use exim::{Exim, EximExtras, EximRelaying};
pub use mailbox::Mailbox;
pub use postfix::{Postfix, PostfixExtras, PostfixRelaying};
pub use scripted::{Heard, Message, Record, ScriptedServer, SmtpAnswer};
pub use sendmail::SendmailRules;
pub use smtp::{SmtpClient, SmtpReply};
