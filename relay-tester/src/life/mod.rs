//! The life of a test and of what it lists, as pure values: no IO, no clock, no randomness.

mod ground;
mod host;
mod id;
mod limits;
mod output;
mod record;
mod test;
#[cfg(test)]
mod tests;

pub use ground::GroundError;
pub use host::{DelistTests, Host};
pub use limits::{Asker, Limit, Limited, Limits, Recent, check_address, is_free, network};
pub use output::{Output, Sighting};
pub use record::RecordError;
pub use test::{
    Arrival, ArrivalClass, ArrivalKind, Contact, Outcome, Patience, Sent, SessionEnd, State,
    StateKind, Test, Verdict,
};
