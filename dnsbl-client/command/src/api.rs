//! The server's HTTP API, as far as it is posted to: where it is, what waits for it, and at which pace.

mod address;
mod endpoint;
mod outbox;
mod pace;
mod queue;

pub(crate) use self::{
    address::Address,
    endpoint::{Access, Endpoint},
    outbox::{Outbox, Totals, UPKEEP},
    pace::Seldom,
    queue::{Posting, QueueLimits},
};
