//! A client of DNS block lists that tells "not listed" from "could not tell".
//!
//! A list says *listed* or *not listed*. It may also refuse to answer, answer what no list can
//! mean, or not answer at all; naive clients read that as "listed" and reject all mail, or as "not
//! listed" and let everything in. Here each is a [`Status`] of its own, and only an answer made
//! of nothing but return codes is a listing.
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

mod cache;
mod client;
mod clock;
mod config;
pub mod dialect;
mod filter;
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
pub use client::{BlockingClient, Client, Outcome, Report, Source, Ticket, ZoneId};
pub use clock::Clock;
pub use config::{ClientBuilder, ClientError, Resolvers, SpecialUse, Watch};
pub use dialect::{DialectError, DialectErrorKind, LeftOut, Unwritable, Written};
pub use dnsbl_types::Name;
pub use filter::{FilterError, FilterErrorKind, Quantifier, ReplyFilter};
pub use health::{DownReason, Health, ResolverTrouble};
pub use observe::{Counters, Event, Observer, ProbePoint, ProbeReport, ZoneCounters};
pub use policy::{Action, Ballot, OnUnknown, Policy, PolicyError, Reach, Vote};
pub use score::{Score, ScoreError};
pub use status::{Blocked, Bogus, Failure, Listing, Skipped, Status};
pub use target::{Domain, Email, Encoding, Hash, Target, TargetError};
#[doc(hidden)]
pub use transport::read_reply;
pub use transport::{Answer, Counts, QueryType, Question, Transport, Udp};
pub use zone::{
    Asks, Codes, Hashing, ListKind, PRESETS, Preset, PresetError, Probes, Rule, TxtMode, Zone,
    ZoneName, ZoneNameError,
};

/// The example in the README of the repository compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
