//! Questions out, replies in. Nothing outside this module knows hickory.
//!
//! It takes the exchange of messages from hickory, not its resolver: that one answers `localhost`
//! and `invalid` by itself, counts NXDOMAIN (the usual answer here) as a failure that delays its
//! retransmissions, and does not turn to the next server after SERVFAIL. Here names are absolute,
//! there is no hosts file and no cache, and a server that settles nothing is followed by the next.

mod message;

use std::{io, net::SocketAddr, time::Duration};

use hickory_resolver::{
    net::{
        NetError,
        runtime::TokioRuntimeProvider,
        tcp::TcpClientStream,
        udp::UdpClientStream,
        xfer::{DnsHandle, DnsRequestSender, FirstAnswer},
    },
    proto::{
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Query},
        rr::{Name as HickoryName, RecordType},
    },
    system_conf::read_system_conf,
};
use tokio::time::{Instant, timeout};

use super::{Answer, QueryType, Question, Transport};
use crate::{ClientError, Failure, Resolvers, reason::clean};

/// How often a question is sent to one server over UDP, at equal intervals.
const SENDS: u8 = 3;

/// Asks servers over UDP, and over TCP what does not fit.
#[derive(Debug)]
pub struct Udp {
    /// Invariant: never empty.
    servers: Vec<SocketAddr>,
}

impl Udp {
    /// Finds the servers.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn new(resolvers: &Resolvers) -> Result<Self, ClientError> {
        let servers = match resolvers {
            Resolvers::System => system_resolvers().map_err(ClientError::SystemResolvers)?,
            Resolvers::Given(servers) | Resolvers::Authority(servers) => servers.clone(),
        };
        if servers.is_empty() {
            return Err(ClientError::NoResolver);
        }
        Ok(Self { servers })
    }

    /// Asks one server after the other until one settles it; each gets its share of the time left.
    async fn exchange(&self, query: &Query, deadline: Instant) -> Result<DnsResponse, Failure> {
        let mut result = Err(Failure::Deadline);
        for (asked, &server) in self.servers.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / (self.servers.len() - asked) as u32;
            match ask_server(server, query, share).await {
                Ok(reply) if message::settles(&reply) => return Ok(reply),
                unsettled => result = result.or(unsettled),
            }
        }
        result
    }
}

impl Transport for Udp {
    async fn ask(
        &self,
        question: &Question,
        deadline: std::time::Instant,
    ) -> Result<Answer, Failure> {
        let query = query(question)?;
        let reply = self.exchange(&query, deadline.into()).await?;
        Ok(message::read(&reply, &query))
    }
}

/// Those of `/etc/resolv.conf`.
fn system_resolvers() -> io::Result<Vec<SocketAddr>> {
    let (config, _options) = read_system_conf().map_err(io::Error::other)?;
    let servers = config.name_servers.iter();
    Ok(servers.map(|server| (server.ip, 53).into()).collect())
}

fn query(question: &Question) -> Result<Query, Failure> {
    let rtype = match question.rtype {
        QueryType::A => RecordType::A,
        QueryType::Txt => RecordType::TXT,
    };
    let name = HickoryName::from_labels(question.name.labels());
    let name = name.map_err(|err| failure(err.into()))?;
    Ok(Query::query(name, rtype))
}

/// Asks one server over UDP and, where the reply did not fit, over TCP.
async fn ask_server(
    server: SocketAddr,
    query: &Query,
    patience: Duration,
) -> Result<DnsResponse, Failure> {
    let exchange = async {
        match over_udp(server, query, patience).await {
            Ok(reply) if reply.truncation => over_tcp(server, query, patience).await,
            other => other,
        }
    };
    let reply = timeout(patience, exchange).await;
    let reply = reply.unwrap_or(Err(NetError::Timeout)).map_err(failure)?;
    if reply.truncation || reply.queries != [query.clone()] {
        return Err(Failure::Network(
            "the reply over TCP is cut off or answers another question".into(),
        ));
    }
    Ok(reply)
}

/// Every send has a port of its own; replies from elsewhere, with another ID or to another
/// question are ignored.
async fn over_udp(
    server: SocketAddr,
    query: &Query,
    patience: Duration,
) -> Result<DnsResponse, NetError> {
    let mut request = request(query);
    request.options_mut().retry_interval = patience / (u32::from(SENDS) + 1);
    let mut stream = UdpClientStream::builder(server, TokioRuntimeProvider::new())
        .with_timeout(Some(patience))
        .with_max_retries(SENDS)
        .with_retry_interval_floor(0)
        .build();
    stream.send_message(request).first_answer().await
}

async fn over_tcp(
    server: SocketAddr,
    query: &Query,
    patience: Duration,
) -> Result<DnsResponse, NetError> {
    // The provider holds the task that drives the connection, and ends it when dropped.
    let provider = TokioRuntimeProvider::new();
    let connecting = TcpClientStream::exchange(server, None, patience, None, provider.clone());
    connecting.await?.send(request(query)).first_answer().await
}

fn request(query: &Query) -> DnsRequest {
    DnsRequest::from_query(query.clone(), DnsRequestOptions::default())
}

fn failure(err: NetError) -> Failure {
    match err {
        NetError::Timeout => Failure::Deadline,
        other => Failure::Network(clean(&other.to_string())),
    }
}
