//! Reports: what people and programs say of a subject who may not list it themselves.
//!
//! ```text
//! body/ (ARF, XARF) ─► submission.rs ─► service/clerk.rs ─► case.rs (pure: what a report makes of a case)
//!                                          │                 reporter.rs (pure: whose reports count)
//!                                          └─► record.rs ─► one change of the store: report, evidence, case,
//!                                                           reporter, and the listing that follows
//! ```
//!
//! A report never lists by itself: the rules of a zone say which reporters, or how many of them, list for how long.
//! Else it waits for a reviewer. Relays are tested, not believed.

pub mod body;
mod case;
mod evidence;
mod record;
mod report;
mod reporter;
mod service;
mod submission;

pub use evidence::{Comment, Evidence};
pub use report::{Decision, Report, ReportId, ReportIdError, ReportState, StateKind, Verdict};
pub use reporter::Reporter;
pub use service::{
    Decided, Filter, Found, Outcome, Reports, ReportsError, RunningReports, Settings, Start, Stats,
    Waiting,
};
pub use submission::{Claimed, Refused, Submission};
