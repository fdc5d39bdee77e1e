//! The harness: the real server on free ports, and what drives it from outside.
//!
//! A [`TestServer`] is the program itself with a temporary data folder, a [`TestZone`] is a zone of
//! its own for one test. Questions go out over real sockets ([`exchange()`], [`TcpClient`]) and come
//! back as a [`Reply`]; [`Admin`] calls the HTTP API. Every wait has a limit. Failures panic with
//! what was seen, since all callers are tests.

mod admin;
mod answer;
mod browser;
mod dns;
mod exchange;
pub mod fixtures;
pub mod mta;
mod name_server;
mod process;
mod random;
mod server;
mod tcp;
mod tools;
mod wait;
mod zone;

pub use admin::{Admin, HttpReply, segment};
pub use answer::Answer;
pub use browser::{Browser, Look, pictures};
pub use dns::{Edns, Query, Reply, UdpClient};
pub use exchange::{Transport, exchange};
pub use name_server::NameServer;
pub use process::{Finished, Process};
pub use random::Random;
pub use server::{Lease, SharedServer, TestServer, program, target_dir};
pub use tcp::TcpClient;
pub use tools::{Named, Nsd, Rbldnsd, Unbound, check_zone, tool, unpacked};
pub use wait::eventually;
pub use zone::TestZone;

/// How long anything may take that should take no time at all.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
