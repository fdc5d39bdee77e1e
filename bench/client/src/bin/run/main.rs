//! One client that looks up what a file says, and prints how it went as `key=value` words.

mod hickory;
mod options;
mod ours;
mod tally;

use std::fs;

use anyhow::{Context, Result};
use clap::Parser;

use crate::options::{Client, Options, Subject};

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
