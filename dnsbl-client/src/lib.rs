//! A client of DNS block lists that tells "not listed" from "could not tell".
//!
//! A zone, which is one list under its name, says *listed* or *not listed*. It may also refuse to
//! answer, answer what no zone can mean, or not answer at all; naive clients read that as "listed" and
//! reject all mail, or as "not listed" and let everything in. Here each is a [`Status`] of its own, and
//! only an answer made of nothing but return codes is a listing.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::net::IpAddr;
//!
//! use dnsbl_client::{Action, Client};
//!
//! let client = Client::builder()
//!     .postscreen_sites("bl.example.org=127.0.0.[2..11]*3 wl.example.net*-2")?
//!     .build()?;
//! // Private and documentation addresses are not looked up unless `special_use` says so.
//! let peer: IpAddr = std::env::args().nth(1).ok_or("an address is missing")?.parse()?;
//! let report = client.check(peer).await;
//! match report.action {
//!     Action::Reject => println!("550 5.7.1 listed: {:?}", report.reasons()),
//!     Action::Defer => println!("450 4.7.1 try again later"),
//!     _ => println!("250 OK"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The folder `examples` has three programs: `check_address.rs` asks without async, `policy.rs` weighs several
//! zones, and `transport.rs` brings a [`Transport`] of its own, for tests without a network.

mod cache;
mod client;
mod clock;
pub mod dialect;
mod error;
mod filter;
mod grant;
mod health;
mod judge;
mod observe;
mod policy;
mod reason;
mod score;
mod status;
mod target;
mod transport;
mod zone;

pub use cache::CacheLimits;
pub use client::{
    BlockingClient, Client, ClientBuilder, HealthChecks, Outcome, Report, Source, SpecialUse,
    Ticket, ZoneId,
};
pub use clock::Clock;
pub use dialect::{DialectError, DialectErrorKind, LeftOut, Unwritable, Written};
pub use dnsbl_types::Name;
pub use error::ClientError;
pub use filter::{FilterError, FilterErrorKind, Quantifier, ReplyFilter};
pub use grant::{GrantCode, GrantCodeError, GrantZone};
pub use health::{DownReason, Health, ResolverTrouble};
pub use observe::{Counters, Event, Observer, ProbePoint, ProbeReport, ZoneCounters};
pub use policy::{Action, Ballot, OnUnknown, Policy, PolicyError, ScoreRange, Vote};
pub use score::{Score, ScoreError};
pub use status::{Blocked, Bogus, Failure, Listing, Skipped, Status};
pub use target::{Domain, Email, Encoding, Hash, Target, TargetError};
#[doc(hidden)]
pub use transport::read_reply;
pub use transport::{Answer, Counts, QueryType, Question, Resolvers, Transport, Udp};
pub use zone::{
    Asks, Codes, Hashing, PRESETS, Preset, PresetError, Probes, Rule, TxtMode, Zone, ZoneKind,
    ZoneName, ZoneNameError,
};

/// The example in the README of the repository compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
