//! Names that are aliases of others.

use std::{net::IpAddr, time::Duration};

use dnsbl_client::Status;
use hickory_proto::{op::Message, rr::Name};

use crate::{
    server::Server,
    zones::{self, a_record, cname_record, reply},
};

/// The status where the answer is made of these (owner, alias or address), `@` the name asked for.
async fn status(records: &'static [(&'static str, &'static str)]) -> Status {
    let server = Server::start(move |query: &Message, _| vec![answer(query, records)]).await;
    let client = zones::client(&[&server], &["bl.example"], Duration::from_secs(10)).build();
    let addr: IpAddr = "192.0.2.99".parse().unwrap();
    client.unwrap().check(addr).await.outcomes.remove(0).status
}

fn answer(query: &Message, records: &[(&str, &str)]) -> Message {
    let name = |text: &str| match text {
        "@" => query.queries[0].name().clone(),
        other => Name::from_ascii(other).unwrap(),
    };
    let mut reply = reply(query);
    for &(owner, data) in records {
        let owner = name(owner);
        reply.add_answer(match data.parse::<IpAddr>() {
            Ok(_) => a_record(&owner, data),
            Err(_) => cname_record(&owner, &name(data)),
        });
    }
    reply
}

#[tokio::test]
async fn an_alias_leads_to_the_codes_in_any_order() {
    let chain =
        status(&[("b.example.", "127.0.0.3"), ("@", "a.example."), ("A.example.", "b.example.")]);
    let chain = chain.await;
    assert_eq!(chain.listing().unwrap().codes[0].to_string(), "127.0.0.3");
}

#[tokio::test]
async fn addresses_off_the_chain_do_not_count() {
    let records =
        &[("@", "a.example."), ("a.example.", "127.0.0.2"), ("b.example.", "203.0.113.7")];
    assert_eq!(status(records).await.as_str(), "listed");
    let records = &[("@", "a.example."), ("b.example.", "127.0.0.2")];
    assert_eq!(status(records).await, Status::NotListed);
}

#[tokio::test]
async fn a_loop_ends() {
    let records = &[("@", "a.example."), ("a.example.", "@")];
    assert_eq!(status(records).await, Status::NotListed);
}
