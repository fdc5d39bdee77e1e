//! Tests whether a mail server relays for anyone.
//!
//! Nothing is listed on hearsay: a host counts as an open relay only when a message that was handed
//! to it came back to the [`receiver`].

pub mod dialogue;
pub mod drive;
pub mod host_name;
pub mod life;
pub mod message;
pub mod mx;
pub mod probe;
mod probes;
pub mod receiver;
pub mod returned;
pub mod self_check;
pub mod service;
pub mod target;
pub mod token;
pub mod transcript;

pub use dialogue::{
    Blocked, CutShort, Dialogue, Ending, Event, Outcome, ProbeError, Reply, ReplyError, Stage,
    Step, Unreachable,
};
pub use drive::{Attempt, DriveSettings, Go, Watch};
pub use host_name::{HostName, HostNameError};
pub use message::{Assignment, Ground, HeaderText, Identity, LocalPart, TextError};
pub use probe::{Known, Plan, Probe, Tier};
pub use receiver::{Counts, Inbox, NotTaken, Received, Receiver, ReceiverSettings};
pub use returned::{Rejected, Return, judge};
pub use target::{Ports, RelayTarget, TargetError, TargetPolicy};
pub use token::{Binding, Candidate, Key, Kind, TestId, TestIdError, Token, TokenKeys, cut};
pub use transcript::Transcript;
