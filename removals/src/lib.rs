//! Requests for removal: somebody wants a subject to be listed no more, and is answered.
//!
//! ```text
//! submission.rs ─► service/clerk.rs ─► service/desk.rs (what the store holds) ─► case.rs (pure: what is to be done)
//!                        │
//!                        ├─► record.rs ─► one change of the store: the listings that go, requests, case, mails
//!                        ├─► the relay tester, for what it lists
//!                        └─► post.rs ─► a smarthost
//! ```
//!
//! A subject goes without a reviewer only where its zone says so, and nothing goes that covers more than it. What comes
//! back waits longer each time. Relays are tested again.

mod case;
mod change;
mod id;
mod item;
mod language;
mod mail;
mod post;
mod record;
mod request;
mod review;
mod service;
mod submission;
mod ticket;

pub use change::WriteError;
pub use id::{RemovalId, RemovalIdError};
pub use item::{
    Claim, DecisionError, Item, ItemId, ItemIdError, ItemKind, ListingKey, Matter, ReviewDecision,
};
pub use language::{Language, LanguageError};
pub use mail::MailSettings;
pub use request::{Decision, Removed, Request, State, StateKind, Verdict, Waiting};
pub use review::{Decided, Position, PositionError, Review, ReviewError, ReviewFilter};
pub use service::{
    Changed, Filter, Found, Removals, RemovalsError, RunningRemovals, Settings, Start, Stats,
    Submitted,
};
pub use submission::{Asker, Contact, ContactError, Often, Refused, Submission};
pub(crate) use ticket::TicketDigest;
pub use ticket::{Ticket, TicketError};
