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
//! use dnsbl_client::{Client, Config, Status};
//!
//! let client = Client::new(Config {
//!     zones: vec!["bl.example.org".parse()?],
//!     ..Config::default()
//! })?;
//! let report = client.check("192.0.2.99".parse::<IpAddr>()?).await;
//! for outcome in &report.outcomes {
//!     match &outcome.status {
//!         Status::Listed(listing) => println!("{} lists it: {:?}", outcome.zone, listing.codes),
//!         Status::NotListed => println!("{} does not list it", outcome.zone),
//!         unknown => println!("{}: could not tell ({})", outcome.zone, unknown.word()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod config;
mod dns;
mod judge;
mod reason;
mod status;
mod target;
pub mod transport;

pub use client::{Client, Outcome, Report};
pub use config::{ClientError, Config, Resolvers};
pub use dnsbl_types::{Name, ReturnCode};
pub use status::{Blocked, Bogus, Failure, Listing, Skipped, Status};
pub use target::Target;
