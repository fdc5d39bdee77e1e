//! One client that looks up what a file says, and prints how it went as `key=value` words.

mod hickory;
mod ours;
mod tally;

use std::{fs, net::Ipv4Addr, net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

/// Looks up addresses in lists.
#[derive(Parser)]
struct Options {
    /// With what.
    client: Client,
    /// How.
    mode: Mode,
    /// The server to ask.
    server: SocketAddr,
    /// Lines of an address and 1 if it is listed, else 0.
    file: PathBuf,
    /// The lists; the last one is dead in mode `dead`.
    #[arg(required = true)]
    zones: Vec<String>,
    /// How many lookups, or checks in mode `dead`, are on their way at once.
    #[arg(long, default_value_t = 200, overrides_with = "in_flight")]
    in_flight: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Client {
    /// dnsbl-client.
    Ours,
    /// The transport of dnsbl-client.
    Transport,
    /// hickory-resolver.
    Hickory,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Each address in the first list, many at once.
    Bulk,
    /// Each address in all lists at once, one after the other.
    Check,
    /// As `check`, several at once, with a list that never answers.
    Dead,
}

/// An address, and whether it is listed.
type Subject = (Ipv4Addr, bool);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let subjects = read(&options)?;
    let tally = match options.client {
        Client::Ours => ours::client(&options, &subjects).await?,
        Client::Transport => ours::transport(&options, &subjects).await?,
        Client::Hickory => hickory::run(&options, &subjects).await?,
    };
    tally.print()
}

fn read(options: &Options) -> Result<Vec<Subject>> {
    let text = fs::read_to_string(&options.file).context("reading the addresses")?;
    let subjects = text.lines().map(|line| {
        let (addr, listed) = line.split_once(' ').context("a line without a blank")?;
        Ok((addr.parse()?, listed == "1"))
    });
    subjects.collect()
}
