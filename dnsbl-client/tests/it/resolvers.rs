//! Several resolvers.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use dnsbl_client::{Failure, Status};
use hickory_proto::op::{Message, ResponseCode};

use crate::{
    server::{Server, Transport},
    zones::{self, rcode, reply},
};

async fn says(answer: ResponseCode) -> Server {
    Server::start(move |query: &Message, _| vec![rcode(query, answer)]).await
}

async fn silent() -> Server {
    Server::start(|_: &Message, _| vec![]).await
}

async fn status(servers: &[&Server], deadline: Duration) -> Status {
    let client = zones::client(servers, &["bl.example"], deadline).build();
    let addr: IpAddr = "192.0.2.99".parse().unwrap();
    client.unwrap().check(addr).await.outcomes.remove(0).status
}

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_first_that_answers_settles_it() {
    let (first, second) = (says(ResponseCode::NXDomain).await, silent().await);
    assert_eq!(status(&[&first, &second], LONG).await, Status::NotListed);
    assert_eq!(second.asked(), []);
}

#[tokio::test]
async fn one_that_fails_or_refuses_is_followed_by_the_next() {
    for answer in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::FormErr] {
        let (first, second) = (says(answer).await, says(ResponseCode::NXDomain).await);
        assert_eq!(status(&[&first, &second], LONG).await, Status::NotListed);
    }
}

#[tokio::test]
async fn one_that_is_silent_leaves_time_for_the_next() {
    let (first, second) = (silent().await, says(ResponseCode::NXDomain).await);
    assert_eq!(status(&[&first, &second], SHORT).await, Status::NotListed);
}

#[tokio::test]
async fn an_error_tells_more_than_silence() {
    let (first, second) = (says(ResponseCode::ServFail).await, silent().await);
    let failed = Status::Failed(Failure::Rcode(2));
    assert_eq!(status(&[&first, &second], SHORT).await, failed);
    assert_eq!(status(&[&second, &first], SHORT).await, failed);
}

#[tokio::test]
async fn a_lost_query_is_sent_again() {
    let lost = AtomicBool::new(false);
    let server = Server::start(move |query: &Message, _| {
        let arrived = lost.swap(true, Ordering::Relaxed);
        arrived.then(|| reply(query)).into_iter().collect()
    });
    let server = server.await;
    assert_eq!(status(&[&server], SHORT * 2).await, Status::NotListed);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn an_answer_cut_over_tcp_too_has_failed() {
    let cut = |query: &Message, _: Transport| vec![reply(query).truncate()];
    let server = Server::start(cut).await;
    let status = status(&[&server], LONG).await;
    assert!(matches!(status, Status::Failed(Failure::Network(_))), "{status:?}");
}

#[tokio::test]
async fn an_echo_of_the_query_is_no_answer() {
    let server = Server::start(|query: &Message, _| vec![query.clone()]).await;
    let status = status(&[&server], LONG).await;
    assert!(matches!(status, Status::Failed(Failure::Network(_))), "{status:?}");
}
