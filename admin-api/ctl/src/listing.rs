//! `dnsblctl listing`: what one source says about one subject.

mod delete;
mod list;
mod put;
mod show;
mod target;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{client::Client, output::Output};

/// Lists, shows, puts and deletes listings
#[derive(Subcommand)]
pub(crate) enum ListingCommand {
    Put(put::PutListing),
    Show(show::ShowListing),
    Delete(delete::DeleteListing),
    List(list::ListListings),
}

impl ListingCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Put(put) => put.run(client, output).await?,
            Self::Show(show) => show.run(client, output).await?,
            Self::Delete(delete) => delete.run(client, output).await?,
            Self::List(list) => list.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
