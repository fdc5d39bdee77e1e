//! Tests whether a mail server relays for anyone.
//!
//! Nothing is listed on hearsay: a host counts as an open relay only when a message that was handed to
//! it came back. That a host *accepts* a message proves nothing, as many accept first and bounce later,
//! and a bounce with our token in it proves nothing either.
//!
//! # How a test flows
//!
//! 1. **Target.** Somebody names an address. [`RelayTarget`] can't hold one that must not be tested:
//!    special-use space, IPv4 inside IPv6, our own addresses. No name is ever connected to; a nominated
//!    domain is used only where [`mx::leads_to`] the target.
//! 2. **Plan.** [`Plan::select`] picks [`Probe`]s from the table: the first tier for everybody, more
//!    where the owner asks. An [`Assignment`] says what a dialogue needs to know of the test.
//! 3. **Dialogue.** [`Dialogue`] is a pure state machine: [`Event`]s in, [`Step`]s out. It decides when
//!    to connect, to start TLS, to reset, to stop. [`drive::run`] does what it says over TCP, under time
//!    limits. Before the first octet of a probe it calls [`ProbeObserver::before`]; who notes that durably
//!    never sends a probe twice, whenever the process dies.
//! 4. **Message.** Each probe carries three [`Token`]s, keyed hashes over test, probe, address, port and
//!    expiry: the recipient's local part, the sender's (so that bounces arrive apart) and a header. The
//!    message says who asks, why, and how to opt out, in English and Japanese.
//! 5. **Receiver.** [`Receiver`] is a small SMTP server for the probe domain. It finds the token in
//!    whatever a relay made of the recipient, asks its [`Inbox`] whether it is expected, and says 250 to
//!    a message only once the inbox has stored it. It can't relay or bounce.
//! 6. **Judgement.** [`judge`] says what a message proves: a genuine return, a bounce, or nothing.
//!
//! 7. **Life.** What all this means for a test is decided by pure values in [`life`]: its verdict over
//!    days, when a host is tested again, when it is forgotten, how often anybody may ask.
//! 8. **Service.** [`service::Tester`] does it: it stores every step before anything rests on it, and
//!    writes what a verdict lists or delists in one batch with the test.
//!
//! # What keeps it harmless
//!
//! - The recipient is always our own domain, and a host takes at most [`Plan::MAX_MESSAGES`] messages
//!   of a few kilobytes in a test, each at most once. What it puts off with a 4xx is offered once more.
//! - One connection at a time, with at most [`Dialogue::MAX_PROBES`] probes of which at most
//!   [`Dialogue::MAX_MALFORMED`] are malformed; two connections in a row that break end the test.
//! - Whatever a peer sends is bounded: lines, replies and octets of a connection, the time of every
//!   wait and of the whole test, the [`Transcript`].
//! - A token shows itself only on the wire: [`Transcript`] and headers are [`cut`], and `Debug` of keys
//!   and tokens says nothing.

pub mod dialogue;
pub mod drive;
mod host_name;
pub mod life;
mod message;
pub mod mx;
mod plan;
mod probe;
pub mod receiver;
mod returned;
pub mod service;
mod target;
pub mod text;
mod token;
mod transcript;
mod words;

pub use dialogue::{
    Blocked, CutShort, Dialogue, Ending, Event, Go, ProbeError, Reply, ReplyError, SmtpOutcome,
    Stage, Step, Unreachable,
};
pub use drive::{ConversationReport, DriveSettings, ProbeObserver, Sources};
pub use host_name::{HostName, HostNameError};
pub use message::{Assignment, Ground, HeaderText, Identity, LocalPart, TextError};
pub use plan::{Known, Plan};
pub use probe::{Probe, Tier};
pub use receiver::{Counts, Inbox, NotTaken, Received, Receiver, ReceiverSettings};
pub(crate) use returned::came_from;
pub use returned::{Rejection, Return, judge};
pub use target::{Ports, RelayTarget, TargetError, TargetPolicy};
pub use token::{Binding, Candidate, Key, Kind, TestId, TestIdError, Token, TokenKeys, cut};
pub use transcript::Transcript;
