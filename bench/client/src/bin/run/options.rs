//! What the program is told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::{Parser, ValueEnum};

/// Looks up addresses in lists.
#[derive(Parser)]
pub(crate) struct Options {
    /// With what.
    pub(crate) client: Client,
    /// How.
    pub(crate) mode: Mode,
    /// The server to ask.
    pub(crate) server: SocketAddr,
    /// Lines of an address and 1 if it is listed, else 0.
    pub(crate) file: PathBuf,
    /// The lists; the last one is dead in mode `dead`.
    #[arg(required = true)]
    pub(crate) zones: Vec<String>,
    /// How many lookups, or checks in mode `dead`, are on their way at once.
    #[arg(long, default_value_t = 200, overrides_with = "in_flight")]
    pub(crate) in_flight: usize,
}

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Client {
    /// dnsbl-client.
    Ours,
    /// The transport of dnsbl-client.
    Transport,
    /// hickory-resolver.
    Hickory,
}

/// How it is asked.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Mode {
    /// Each address in the first list, many at once.
    Bulk,
    /// Each address in all lists at once, one after the other.
    Check,
    /// As `check`, several at once, with a list that never answers.
    Dead,
}

/// An address, and whether it is listed.
pub(crate) type Subject = (Ipv4Addr, bool);
