//! `dnsbl check`.

use std::{
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::Args;
use dnsbl_client::{Client, ClientBuilder, Resolvers, SpecialUse, Watch, Zone, ZoneName};
use futures_util::{StreamExt, stream};

use super::{LISTED, UNKNOWN, output::Output};

/// How many addresses are checked at once: each takes a socket or more for every zone.
const CONCURRENT: usize = 16;

const NOTES: &str = "\
Each address is looked up in each zone; one line tells the address, the zone, the status and, where
there is more to say, the return codes and the reason, or why it could not be told:

  listed      the list has the address
  not-listed  the list does not have it
  blocked     the list or the resolver refuses to answer
  bogus       the answer is none that a list gives
  failed      no answer: timeout, SERVFAIL, network trouble

Exit status: 1 if anything is listed, else 2 if anything could not be told, else 0.

Examples:
  dnsbl check 192.0.2.99 --zone bl.example.org
  dnsbl check 192.0.2.99 2001:db8::25 --zone bl.example.org --zone zen.example.net
  dnsbl check 127.0.0.2 --zone bl.example.org --resolver 127.0.0.1:5300 --json";

/// Looks addresses up in block lists.
#[derive(Args)]
#[command(after_help = NOTES, override_usage = "dnsbl check ADDRESS... --zone ZONE... [OPTIONS]")]
pub(super) struct Check {
    /// IPv4 or IPv6 address to look up
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    /// Block list to ask; may be given several times
    #[arg(long = "zone", value_name = "ZONE", required = true, num_args = 1..)]
    words: Vec<Word>,
    /// DNS server to ask instead of those in /etc/resolv.conf; may be given several times
    #[arg(long = "resolver", value_name = "ADDR:PORT", value_parser = parse_resolver)]
    resolvers: Vec<SocketAddr>,
    /// How long to wait for the answers about one address
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What follows `--zone`: zones and, where the addresses come last, addresses.
#[derive(Clone)]
enum Word {
    Zone(ZoneName),
    Address(IpAddr),
}

impl Check {
    /// Checks, prints as the answers come, and tells the exit code.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let json = self.json;
        let (addresses, zones, settings) = self.split();
        ensure!(!addresses.is_empty(), "no address to look up; see dnsbl check --help");
        let mut output = Output::new(json, &addresses, &zones);
        let client = settings.build()?;
        let checks = addresses.into_iter().map(async |addr| (addr, client.check(addr).await));
        let mut checks = stream::iter(checks).buffered(CONCURRENT);
        let (mut listed, mut complete) = (false, true);
        while let Some((addr, report)) = checks.next().await {
            listed |= report.is_listed();
            complete &= report.is_complete();
            output.write(addr, &report)?;
        }
        output.finish()?;
        Ok(exit_code(listed, complete))
    }

    /// What to look up, and how.
    fn split(self) -> (Vec<IpAddr>, Vec<ZoneName>, ClientBuilder) {
        let (mut addresses, mut zones) = (self.addresses, Vec::new());
        for word in self.words {
            match word {
                Word::Zone(zone) => zones.push(zone),
                Word::Address(addr) => addresses.push(addr),
            }
        }
        let resolvers = match self.resolvers {
            none if none.is_empty() => Resolvers::System,
            given => Resolvers::Given(given),
        };
        let settings = Client::builder()
            .zones(zones.iter().cloned().map(Zone::addresses))
            .resolvers(resolvers)
            .deadline(self.timeout)
            .early_exit(false)
            .special_use(SpecialUse::Ask)
            .watch(Watch::Off);
        (addresses, zones, settings)
    }
}

impl FromStr for Word {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Ok(addr) = text.parse() {
            return Ok(Self::Address(addr));
        }
        let zone: ZoneName = text.parse()?;
        let top = zone.secret().labels().last().unwrap_or_default();
        ensure!(!top.iter().all(u8::is_ascii_digit), "neither a zone nor an address");
        Ok(Self::Zone(zone))
    }
}

fn exit_code(listed: bool, complete: bool) -> ExitCode {
    match (listed, complete) {
        (true, _) => ExitCode::from(LISTED),
        (false, false) => ExitCode::from(UNKNOWN),
        (false, true) => ExitCode::SUCCESS,
    }
}

fn parse_resolver(text: &str) -> anyhow::Result<SocketAddr> {
    let bare = || text.parse().map(|addr: IpAddr| (addr, 53).into());
    let resolver = text.parse().or_else(|_| bare());
    resolver.context("not ADDR:PORT, such as 127.0.0.1:53 or [::1]:53")
}

fn parse_seconds(text: &str) -> anyhow::Result<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}
