//! `dnsblctl relay-test opt-outs`, `opt-out` and `opt-in`: networks that are not tested.

use clap::Args;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::{
    client::Client,
    output::{self, Output},
    path::parse_segment,
    text,
};

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
    let networks = client.ask(client.v1(Method::GET, &["relay-opt-outs"])).await?;
    let row = |network: &Value| vec![text::cell(network)];
    output.document(&networks, |value| {
        let rows = value["opt_outs"].as_array().into_iter().flatten().map(row);
        output::headed(&["prefix"], rows.collect())
    })
}

impl Network {
    /// Opts it out.
    pub(super) async fn opt_out(&self, client: &Client, output: Output) -> anyhow::Result<()> {
        let put = client.ask(self.request(client, Method::PUT)).await?;
        let prefix = put.value["prefix"].as_str().unwrap_or(&self.prefix);
        output.document(&put, |_| put.outcome(&["opted out", prefix]))
    }

    /// Ends its opt-out.
    pub(super) async fn opt_in(&self, client: &Client, output: Output) -> anyhow::Result<()> {
        let gone = client.ask(self.request(client, Method::DELETE)).await?;
        output.deletion(&gone, &["opted in", &self.prefix])
    }

    fn request(&self, client: &Client, method: Method) -> RequestBuilder {
        client.v1(method, &["relay-opt-outs", &self.prefix])
    }
}
