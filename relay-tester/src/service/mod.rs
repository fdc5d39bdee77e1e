//! The tester at work: it takes submissions, keeps every test in the store, talks to hosts, takes what
//! comes back, and lists and delists what follows from it.
//!
//! Each step of a test is stored before anything is done or said that rests on it: that a probe is on
//! its way before its first octet leaves, what came back before the receiver says `250`. What a verdict
//! lists or delists is one batch with the test itself.
//!
//! A part that others wait for has one lock and one file: `admissions` the limits, what is under
//! way and opt-outs; `conversations` which hosts are talked to; `egress` the recent attempts;
//! `notices` those that are due. Each knows only those below it:
//!
//! ```text
//! tester ─► scheduler, inbox ─► conversations ─► journal ─► admissions, notices ─► shared (records, DNS) ─► the store
//!                                    └─► egress     └─► consequences (pure)
//! ```

mod admissions;
mod consequences;
mod conversations;
mod egress;
mod inbox;
mod journal;
mod notices;
mod reader;
mod records;
mod scheduler;
mod settings;
mod shared;
mod startup;
mod stats;
mod tester;

pub use admissions::{Refusal, Submission, Submitted};
pub use reader::{ListedHost, TestReader};
pub use records::{OPT_OUT, RecordsError, SOURCE};
pub use settings::Settings;
pub use stats::Stats;
pub use tester::{Filter, RunningTester, StartError, Tester};
