//! The UDP socket to which calls come.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tokio::{
    net::UdpSocket,
    task::{JoinError, JoinSet},
    time::{self, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    call::{AddResult, DracCall, MAX_CALL, Request},
    counters::{DracCounters, DracOutcome},
    duplicates::{CallKey, CallState, DuplicateRequestCache},
    portmapper,
    rpc::{Refusal, Reply},
};

/// Calls that are remembered, so that they are known when they come again.
const REMEMBERED: usize = 1 << 16;
/// How long receiving rests after an error; it is as long between two lines of the log about it.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Who decides about addresses.
pub trait Drac: Send + Sync + 'static {
    /// Adds an address, of which the mail server at `peer` says that its user has just logged in.
    ///
    /// The address may be any, such as a multicast one; an IPv4-mapped one is an IPv4 address. Once it is
    /// [`AddResult::Success`], the address has its grant.
    fn add(&self, address: IpAddr, peer: SocketAddr) -> impl Future<Output = AddResult> + Send;
}

/// The settings of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DracSettings {
    /// Where it listens. DRAC has no port of its own: clients ask rpcbind.
    pub listen: SocketAddr,
    /// Whose calls are heard. A sender's address can be forged by whoever can reach the socket.
    pub from: Vec<IpNet>,
    /// The rpcbind that is told the port, usually at [`Self::RPCBIND`]; `None`: no rpcbind is told.
    pub rpcbind: Option<SocketAddr>,
}

/// Settings by which nothing can be heard.
#[derive(Debug, thiserror::Error)]
pub enum DracBindError {
    /// The system refuses the address.
    #[error("can't listen on UDP {at} for calls of DRAC: {reason}")]
    Bind {
        /// The address.
        at: SocketAddr,
        /// The reason.
        reason: io::Error,
    },
    /// Whom rpcbind sends here comes over IPv4, as the port mapper protocol knows ports only.
    #[error("clients that ask rpcbind come over IPv4, and {at} takes none of that")]
    RpcbindWithoutIpv4 {
        /// The address.
        at: SocketAddr,
    },
}

/// A bound listener, which waits to serve.
#[derive(Debug)]
pub struct DracListener {
    socket: UdpSocket,
    /// Where it listens, with the port that it has got.
    addr: SocketAddr,
    settings: DracSettings,
    counters: Arc<DracCounters>,
}

impl DracSettings {
    /// The rpcbind of this machine.
    pub const RPCBIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 111);

    /// Settings by which loopback is heard, and rpcbind is not told.
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, from: loopback(), rpcbind: None }
    }
}

/// 127.0.0.0/8 and ::1/128.
fn loopback() -> Vec<IpNet> {
    let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
    vec![v4.into(), v6.into()]
}

impl DracListener {
    /// Calls whose address is being added at once; what comes beyond is dropped, and its client asks again.
    pub const MAX_ADDS: usize = 1024;

    /// Binds the socket. What comes to it waits until it is served.
    ///
    /// # Errors
    /// The address can't be had, or rpcbind is to be told of one that is for IPv6 alone.
    pub async fn bind(settings: DracSettings) -> Result<Self, DracBindError> {
        let at = settings.listen;
        // A socket on `::` takes IPv4 as well.
        if settings.rpcbind.is_some() && at.is_ipv6() && !at.ip().is_unspecified() {
            return Err(DracBindError::RpcbindWithoutIpv4 { at });
        }
        let failed = |reason| DracBindError::Bind { at, reason };
        let socket = UdpSocket::bind(at).await.map_err(failed)?;
        let addr = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, addr, settings, counters: Arc::default() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The counters, which go on counting while it serves.
    pub fn counters(&self) -> Arc<DracCounters> {
        self.counters.clone()
    }

    /// Answers calls until it is stopped; then ends those that are under way, and answers them.
    pub async fn serve(self, grants: impl Drac, stop: CancellationToken) {
        let Self { socket, addr, settings: DracSettings { from, rpcbind, .. }, counters } = self;
        let registration = async {
            if let Some(rpcbind) = rpcbind {
                portmapper::keep_registered(rpcbind, addr.port(), &stop).await;
            }
        };
        let service = Service {
            socket,
            from,
            grants: Arc::new(grants),
            counters,
            duplicates: DuplicateRequestCache::new(REMEMBERED),
            adds: JoinSet::new(),
        };
        tokio::join!(registration, service.run(&stop));
    }
}

/// A listener at work.
struct Service<D> {
    socket: UdpSocket,
    from: Vec<IpNet>,
    grants: Arc<D>,
    counters: Arc<DracCounters>,
    duplicates: DuplicateRequestCache,
    /// The calls under way.
    adds: JoinSet<(CallKey, AddResult)>,
}

impl<D: Drac> Service<D> {
    async fn run(mut self, stop: &CancellationToken) {
        // One octet more than the longest call: what does not fit is cut off by the kernel, and seen to be too long.
        let mut buffer = [0; MAX_CALL + 1];
        let mut stopped = pin!(stop.cancelled());
        loop {
            tokio::select! {
                () = &mut stopped => break,
                Some(ended) = self.adds.join_next() => self.conclude(ended).await,
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, peer)) => self.take(&buffer[..len], peer).await,
                    Err(err) => {
                        tracing::warn!(%err, addr = ?self.socket.local_addr().ok(), "calls of DRAC could not be received");
                        sleep_until(time::Instant::now() + BACK_OFF).await;
                    }
                },
            }
        }
        while let Some(ended) = self.adds.join_next().await {
            self.conclude(ended).await;
        }
    }

    /// Takes a datagram, and answers it if that can be done at once.
    async fn take(&mut self, datagram: &[u8], peer: SocketAddr) {
        if !self.hears(peer.ip()) {
            tracing::debug!(%peer, "a datagram to DRAC's port from elsewhere");
            return self.counters.count(DracOutcome::Foreign);
        }
        let Some(DracCall { xid, request }) = DracCall::read(datagram) else {
            tracing::debug!(%peer, "a datagram to DRAC's port that is no call");
            return self.counters.count(DracOutcome::Malformed);
        };
        match request {
            Ok(Request::Null) => self.answer(peer, xid, Ok(None), DracOutcome::Null).await,
            Ok(Request::Add(address)) => self.add(CallKey { peer, xid, address }).await,
            Err(refusal) => {
                tracing::debug!(%peer, ?refusal, "a call to DRAC's port that is refused");
                self.answer(peer, xid, Err(refusal), DracOutcome::Refused).await;
            }
        }
    }

    /// Whether calls from an address are heard; on a socket for both families an IPv4 address comes as IPv6.
    fn hears(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.from.iter().any(|network| network.contains(&peer))
    }

    /// Begins to add an address, unless its call was here before.
    async fn add(&mut self, key: CallKey) {
        let now = Instant::now();
        match self.duplicates.state(&key, now) {
            Some(CallState::Answered(result)) => {
                let result = Ok(Some(result.number()));
                self.answer(key.peer, key.xid, result, DracOutcome::Repeated).await;
            }
            Some(CallState::UnderWay) => self.counters.count(DracOutcome::Repeated),
            None if self.adds.len() >= DracListener::MAX_ADDS => {
                self.counters.count(DracOutcome::Shed);
            }
            None => {
                self.duplicates.begin(key, now);
                let grants = self.grants.clone();
                self.adds.spawn(async move {
                    let result = AssertUnwindSafe(grants.add(key.address, key.peer)).catch_unwind();
                    (key, result.await.unwrap_or(AddResult::System))
                });
            }
        }
    }

    /// Answers a call whose address was added, or not.
    async fn conclude(&mut self, ended: Result<(CallKey, AddResult), JoinError>) {
        // It ends, and if by a panic then as `AddResult::System`.
        let Ok((key, result)) = ended else { return };
        self.duplicates.end(&key, result);
        let number = Ok(Some(result.number()));
        self.answer(key.peer, key.xid, number, DracOutcome::Add(result)).await;
    }

    async fn answer(
        &self,
        peer: SocketAddr,
        xid: u32,
        outcome: Result<Option<u32>, Refusal>,
        counted: DracOutcome,
    ) {
        // Before the reply, so that whoever has it finds it counted.
        self.counters.count(counted);
        if let Err(err) = self.socket.send_to(&Reply { xid, outcome }.write(), peer).await {
            tracing::debug!(%err, %peer, "a call of DRAC could not be answered");
        }
    }
}
