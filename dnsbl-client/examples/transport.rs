//! A transport of one's own, as a test of a mail filter may bring it: no network is asked.

use std::{error::Error, net::IpAddr, time::Instant};

use dnsbl_client::{
    Action, Answer, Client, Failure, HealthChecks, QueryType, Question, SpecialUse, Transport, Zone,
};

/// A transport to a zone that lists 192.0.2.99 and nothing else.
struct Table;

impl Transport for Table {
    async fn ask(&self, question: &Question, _deadline: Instant) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        match question.rtype {
            _ if !question.name.to_string().starts_with("99.2.0.192.") => answer.rcode = 3,
            QueryType::A => answer.addresses.push("127.0.0.2".parse().map_err(network)?),
            _ => answer.texts.push(b"sent spam yesterday".to_vec()),
        }
        Ok(answer)
    }
}

fn network(err: impl Error) -> Failure {
    Failure::Network(err.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .zone(Zone::addresses("bl.example.org".parse()?))
        .health_checks(HealthChecks::ListingsOnly)
        .special_use(SpecialUse::Ask)
        .build_with(Table)?;
    for (text, expected) in [("192.0.2.99", Action::Reject), ("192.0.2.1", Action::Pass)] {
        let address: IpAddr = text.parse()?;
        let report = client.check(address).await;
        println!("{text}: {}", report.action.as_str());
        assert_eq!(report.action, expected);
    }
    Ok(())
}
