//! `dnsblctl relay-test opt-outs`, `opt-out` and `opt-in`: networks that are not tested.

use admin_api_types::{RelayOptOut, RelayOptOuts};
use clap::Args;
use reqwest::{Method, RequestBuilder};

use crate::{client::Client, document::Deletion, output::Output, path::parse_segment, text::Cell};

pub(super) const LIST_NOTES: &str = "\
Each line is an address or a prefix.

Examples:
  dnsblctl relay-test opt-outs
  dnsblctl relay-test opt-outs --json";

pub(super) const OUT_NOTES: &str = "\
Tests of the network that wait are called off. What is listed with proof stays so until it expires.
It takes the scope relay-opt-outs:write; prefixes are at least /8 (IPv4) or /19 (IPv6).

Examples:
  dnsblctl relay-test opt-out 192.0.2.25
  dnsblctl relay-test opt-out 2001:db8::/32";

pub(super) const IN_NOTES: &str = "\
Examples:
  dnsblctl relay-test opt-in 192.0.2.25";

/// A network.
#[derive(Args)]
pub(crate) struct Network {
    /// Address or prefix
    #[arg(value_parser = parse_segment)]
    prefix: String,
}

pub(super) async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let request = client.v1(Method::GET, &["relay-opt-outs"]);
    let networks = client.ask::<RelayOptOuts>(request).await?;
    output.table(&networks, ["prefix"], &networks.body.opt_outs, |network| [network.cell()])
}

impl Network {
    /// Opts it out.
    pub(super) async fn opt_out(&self, client: &Client, output: Output) -> anyhow::Result<()> {
        let put = client.ask::<RelayOptOut>(self.request(client, Method::PUT)).await?;
        output.document(&put, |network| put.outcome(&["opted out", &network.prefix]))
    }

    /// Ends its opt-out.
    pub(super) async fn opt_in(&self, client: &Client, output: Output) -> anyhow::Result<()> {
        let gone: Deletion = client.ask(self.request(client, Method::DELETE)).await?;
        output.deletion(&gone, &["opted in", &self.prefix])
    }

    fn request(&self, client: &Client, method: Method) -> RequestBuilder {
        client.v1(method, &["relay-opt-outs", &self.prefix])
    }
}
