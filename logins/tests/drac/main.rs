//! DRAC's calls over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use dnsbl_logins::drac::{
    AddResult, Drac, DracBindError, DracCounters, DracListener, DracOutcome, DracSettings, MAX_CALL,
};
use dnsbl_tests::PATIENCE;
use tokio::{
    net::UdpSocket,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

mod real_client;

const PROGRAM: u32 = 900_101;
const ADDED: AddResult = AddResult::Success;

/// A decider that tells the test what it is asked, and decides when it may.
struct Grants {
    logins: mpsc::Sender<IpAddr>,
    may_end: Arc<Semaphore>,
}

impl Drac for Grants {
    async fn add(&self, address: IpAddr, peer: SocketAddr) -> AddResult {
        assert!(peer.ip().to_canonical().is_loopback(), "{peer}");
        self.logins.try_send(address).expect("the test has room");
        self.may_end.acquire().await.expect("it is never closed").forget();
        match address {
            IpAddr::V4(address) if address.octets() == [192, 0, 2, 0] => {
                panic!("as the test wants")
            }
            IpAddr::V4(address) if address.is_multicast() => AddResult::Permission,
            _ => ADDED,
        }
    }
}

/// A listener that serves.
struct Served {
    addr: SocketAddr,
    counters: Arc<DracCounters>,
    logins: mpsc::Receiver<IpAddr>,
    may_end: Arc<Semaphore>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Served {
    async fn start() -> Self {
        Self::with(DracSettings::new("127.0.0.1:0".parse().unwrap())).await
    }

    async fn with(settings: DracSettings) -> Self {
        let listener = DracListener::bind(settings).await.unwrap();
        let (addr, counters) = (listener.local_addr(), listener.counters());
        let (sender, logins) = mpsc::channel(2 * DracListener::MAX_ADDS);
        let may_end = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let stop = CancellationToken::new();
        let grants = Grants { logins: sender, may_end: may_end.clone() };
        let task = tokio::spawn(listener.serve(grants, stop.clone()));
        Self { addr, counters, logins, may_end, stop, task }
    }

    /// No address is added from now on but by permits of the semaphore.
    fn hold_adds(&self) {
        self.may_end.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn count(&self, outcome: DracOutcome) -> u64 {
        self.counters.value(outcome)
    }

    fn added(&self) -> u64 {
        self.count(DracOutcome::Add(ADDED))
    }

    /// The addresses that were to be added until now.
    fn logins(&mut self) -> Vec<String> {
        let addresses = std::iter::from_fn(|| self.logins.try_recv().ok());
        addresses.map(|address| address.to_string()).collect()
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.expect("it ends").expect("without a panic");
    }
}

/// A mail server that makes calls.
struct Caller(UdpSocket);

impl Caller {
    async fn new(served: &Served) -> Self {
        Self::from("127.0.0.1", served.addr).await
    }

    async fn from(own: &str, server: SocketAddr) -> Self {
        let own: IpAddr = own.parse().unwrap();
        let socket = UdpSocket::bind((own, 0)).await.unwrap();
        socket.connect(server).await.unwrap();
        Self(socket)
    }

    async fn send(&self, datagram: &[u8]) {
        assert_eq!(self.0.send(datagram).await.unwrap(), datagram.len());
    }

    /// The next reply, in units of four octets.
    async fn reply(&self) -> Vec<u32> {
        let mut buffer = [0; 64];
        let len = timeout(PATIENCE, self.0.recv(&mut buffer)).await.expect("a reply").unwrap();
        let (units, []) = buffer[..len].as_chunks() else { panic!("{:?}", &buffer[..len]) };
        units.iter().map(|unit| u32::from_be_bytes(*unit)).collect()
    }

    async fn ask(&self, datagram: &[u8]) -> Vec<u32> {
        self.send(datagram).await;
        self.reply().await
    }

    /// Returns once everything that was sent before has been dealt with. What was answered in between is lost.
    async fn catch_up(&self, xid: u32) {
        self.send(&call(xid, [PROGRAM, 1, 0], &[])).await;
        while self.reply().await != done(xid) {}
    }

    fn has_nothing(&self) -> bool {
        let err = self.0.try_recv(&mut [0; 64]).expect_err("nothing");
        err.kind() == io::ErrorKind::WouldBlock
    }
}

fn octets(units: &[u32]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

/// The call of a procedure, by the numbers of program, version and procedure.
fn call(xid: u32, procedure: [u32; 3], arguments: &[u32]) -> Vec<u8> {
    octets(&[&[xid, 0, 2][..], &procedure, &[0, 0, 0, 0], arguments].concat())
}

/// The call that adds an IPv4 address.
fn add(xid: u32, address: u32) -> Vec<u8> {
    call(xid, [PROGRAM, 1, 1], &[address])
}

/// The reply of a procedure that has no result.
fn done(xid: u32) -> Vec<u32> {
    vec![xid, 1, 0, 0, 0, 0]
}

fn added(xid: u32, result: u32) -> Vec<u32> {
    vec![xid, 1, 0, 0, 0, 0, result]
}

#[tokio::test]
async fn both_procedures_of_both_versions_are_answered() {
    let mut served = Served::start().await;
    let caller = Caller::new(&served).await;
    assert_eq!(caller.ask(&call(1, [PROGRAM, 1, 0], &[])).await, done(1));
    assert_eq!(caller.ask(&call(2, [PROGRAM, 2, 0], &[])).await, done(2));
    assert_eq!(caller.ask(&add(3, 0xc000_0201)).await, added(3, 0));
    let address: Ipv6Addr = "2001:db8::c9".parse().unwrap();
    let chars = address.octets().map(u32::from);
    assert_eq!(caller.ask(&call(4, [PROGRAM, 2, 1], &chars)).await, added(4, 0));
    assert_eq!(served.logins(), ["192.0.2.1", "2001:db8::c9"]);
    assert_eq!((served.count(DracOutcome::Null), served.added()), (2, 2));
    served.end().await;
}

#[tokio::test]
async fn a_client_learns_the_result_even_if_the_decider_panics() {
    let served = Served::start().await;
    let caller = Caller::new(&served).await;
    assert_eq!(caller.ask(&add(1, 0xe000_0001)).await, added(1, 1));
    assert_eq!(caller.ask(&add(2, 0xc000_0200)).await, added(2, 2));
    assert_eq!(caller.ask(&add(3, 0xc000_0201)).await, added(3, 0));
    for result in [AddResult::Permission, AddResult::System, ADDED] {
        assert_eq!(served.count(DracOutcome::Add(result)), 1, "{result:?}");
    }
    served.end().await;
}

#[tokio::test]
async fn who_is_not_named_gets_no_answer() {
    let mut settings = DracSettings::new("127.0.0.1:0".parse().unwrap());
    settings.from = vec!["127.0.0.2/32".parse().unwrap()];
    let mut served = Served::with(settings).await;
    let [stranger, named] = [
        Caller::from("127.0.0.1", served.addr).await,
        Caller::from("127.0.0.2", served.addr).await,
    ];
    for datagram in
        [add(1, 0xc000_0201), call(2, [PROGRAM, 1, 0], &[]), call(3, [PROGRAM, 9, 0], &[])]
    {
        stranger.send(&datagram).await;
    }
    named.catch_up(4).await;
    assert!(stranger.has_nothing());
    assert_eq!(served.count(DracOutcome::Foreign), 3);
    assert!(served.logins().is_empty());
    served.end().await;
}

#[tokio::test]
async fn a_call_that_comes_again_is_one_login_and_is_answered_again() {
    let mut served = Served::start().await;
    let caller = Caller::new(&served).await;
    for _ in 0..3 {
        assert_eq!(caller.ask(&add(7, 0xc000_0201)).await, added(7, 0));
    }
    assert_eq!(served.logins(), ["192.0.2.1"]);
    assert_eq!((served.added(), served.count(DracOutcome::Repeated)), (1, 2));
    // The next login of the same user is one.
    assert_eq!(caller.ask(&add(8, 0xc000_0201)).await, added(8, 0));
    assert_eq!(served.logins(), ["192.0.2.1"]);
    served.end().await;
}

#[tokio::test]
async fn a_call_that_comes_again_while_its_address_is_added_is_answered_once() {
    let mut served = Served::start().await;
    let caller = Caller::new(&served).await;
    served.hold_adds();
    for _ in 0..3 {
        caller.send(&add(7, 0xc000_0201)).await;
    }
    caller.catch_up(8).await;
    served.may_end.add_permits(1);
    assert_eq!(caller.reply().await, added(7, 0));
    caller.catch_up(9).await;
    assert!(caller.has_nothing());
    assert_eq!(served.logins(), ["192.0.2.1"]);
    assert_eq!((served.added(), served.count(DracOutcome::Repeated)), (1, 2));
    served.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_or_left_alone_and_the_next_call_works() {
    let mut served = Served::start().await;
    let caller = Caller::new(&served).await;
    for (procedure, arguments, expected) in [
        ([100_003, 3, 0], &[][..], &[0, 0, 0, 1][..]),
        ([PROGRAM, 3, 1], &[1], &[0, 0, 0, 2, 1, 2]),
        ([PROGRAM, 1, 2], &[1], &[0, 0, 0, 3]),
        ([PROGRAM, 1, 1], &[1, 2], &[0, 0, 0, 4]),
        ([PROGRAM, 2, 1], &[1], &[0, 0, 0, 4]),
    ] {
        let reply = caller.ask(&call(5, procedure, arguments)).await;
        assert_eq!(reply, [&[5, 1][..], expected].concat(), "{procedure:?}");
    }
    assert_eq!(caller.ask(&octets(&[6, 0, 4])).await, [6, 1, 1, 0, 2, 2]);
    assert_eq!(served.count(DracOutcome::Refused), 6);

    let mut too_long = add(7, 0xc000_0201);
    too_long.resize(MAX_CALL + 1, 0);
    let a_reply = octets(&done(8));
    let garbage =
        [b"".to_vec(), b"abc".to_vec(), too_long, vec![0; 3000], a_reply, add(9, 1)[..39].to_vec()];
    for datagram in &garbage {
        caller.send(datagram).await;
    }
    assert_eq!(caller.ask(&add(10, 0xc000_0201)).await, added(10, 0));
    assert!(caller.has_nothing());
    assert_eq!(served.count(DracOutcome::Malformed), 6);
    assert_eq!(served.logins(), ["192.0.2.1"]);
    served.end().await;
}

#[tokio::test]
async fn more_adds_at_once_than_may_be_are_shed_and_their_clients_are_served_when_they_ask_again() {
    let mut served = Served::start().await;
    let caller = Caller::new(&served).await;
    served.hold_adds();
    let most = u32::try_from(DracListener::MAX_ADDS).unwrap();
    for xid in 0..most + 2 {
        caller.send(&add(xid, xid)).await;
        // The kernel has room for few datagrams that wait.
        if xid % 64 == 63 || xid >= most {
            caller.catch_up(u32::MAX).await;
        }
    }
    assert_eq!(served.count(DracOutcome::Shed), 2);
    assert_eq!(served.logins().len(), DracListener::MAX_ADDS);
    // Some at a time here, too.
    let mut answered = HashSet::new();
    for _ in 0..most / 64 {
        served.may_end.add_permits(64);
        for _ in 0..64 {
            let reply = caller.reply().await;
            assert_eq!(reply, added(reply[0], 0));
            answered.insert(reply[0]);
        }
    }
    assert_eq!(answered.len(), DracListener::MAX_ADDS);
    served.may_end.add_permits(1);
    assert_eq!(caller.ask(&add(most, most)).await, added(most, 0));
    served.end().await;
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_answered() {
    let served = Served::start().await;
    let caller = Caller::new(&served).await;
    served.hold_adds();
    caller.send(&add(1, 0xc000_0201)).await;
    caller.catch_up(2).await;
    served.stop.cancel();
    served.may_end.add_permits(1);
    assert_eq!(caller.reply().await, added(1, 0));
    served.end().await;
}

#[tokio::test]
async fn a_listener_on_all_addresses_of_both_families_knows_loopback_of_both() {
    let served = Served::with(DracSettings::new("[::]:0".parse().unwrap())).await;
    let port = served.addr.port();
    for (own, server) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1")] {
        let server: IpAddr = server.parse().unwrap();
        let caller = Caller::from(own, (server, port).into()).await;
        assert_eq!(caller.ask(&add(1, 0xc000_0201)).await, added(1, 0), "{own}");
    }
    served.end().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = Served::start().await;
    let bound = DracListener::bind(DracSettings::new(first.addr)).await;
    let Err(err @ DracBindError::Bind { .. }) = bound else { panic!("{bound:?}") };
    assert!(err.to_string().contains(&first.addr.to_string()), "{err}");
    first.end().await;
}

#[tokio::test]
async fn rpcbind_is_not_told_of_a_port_for_ipv6_alone() {
    let mut settings = DracSettings::new("[::1]:0".parse().unwrap());
    settings.rpcbind = Some(DracSettings::RPCBIND);
    let bound = DracListener::bind(settings).await;
    let Err(DracBindError::RpcbindWithoutIpv4 { .. }) = bound else { panic!("{bound:?}") };
}

#[tokio::test]
async fn rpcbind_is_told_the_port_while_the_listener_serves() {
    let rpcbind = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut settings = DracSettings::new("127.0.0.1:0".parse().unwrap());
    settings.rpcbind = Some(rpcbind.local_addr().unwrap());
    let served = Served::with(settings).await;
    let port = u32::from(served.addr.port());
    let answer = async |number: u32, mapping: [u32; 4]| {
        let mut buffer = [0; 64];
        let received = timeout(PATIENCE, rpcbind.recv_from(&mut buffer));
        let (len, peer) = received.await.expect("a call").unwrap();
        let xid = u32::from_be_bytes(buffer[..4].try_into().unwrap());
        assert_eq!(buffer[..len], call(xid, [100_000, 2, number], &mapping));
        rpcbind.send_to(&octets(&added(xid, 1)), peer).await.unwrap();
    };
    for version in [1, 2] {
        answer(2, [PROGRAM, version, 17, 0]).await;
        answer(1, [PROGRAM, version, 17, port]).await;
    }
    served.stop.cancel();
    for version in [1, 2] {
        answer(2, [PROGRAM, version, 17, 0]).await;
    }
    served.end().await;
}
