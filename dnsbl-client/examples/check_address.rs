//! Checks an address in some zones, without async:
//!
//! ```text
//! cargo run -p dnsbl-client --example check_address -- 192.0.2.99 'bl.example.org*2 wl.example.net*-1' [RESOLVER]
//! ```

use std::{env, error::Error, net::IpAddr};

use dnsbl_client::{BlockingClient, Client, Resolvers, SpecialUse, Udp};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let address: IpAddr = args.next().ok_or("an address is missing")?.parse()?;
    let sites = args.next().ok_or("zones are missing, as in postscreen_dnsbl_sites")?;
    let mut settings =
        Client::builder().postscreen_sites(&sites)?.special_use(SpecialUse::Ask).early_exit(false);
    if let Some(server) = args.next() {
        let server = Udp::parse_server(&server).ok_or("the resolver is no address")?;
        settings = settings.resolvers(Resolvers::Given(vec![server]));
    }
    let report = BlockingClient::new(settings)?.check(address);
    for outcome in &report.outcomes {
        let detail = outcome.status.detail().unwrap_or_default();
        println!("{}: {} {detail}", outcome.zone, outcome.status.as_str());
    }
    println!("{} points: {}", report.score, report.action.as_str());
    Ok(())
}
