//! The transport by itself, against scripted servers.

use std::{
    collections::HashSet,
    fs,
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dnsbl_client::{Answer, Failure, QueryType, Question, Resolvers, Transport, Udp};
use futures_util::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::Name,
};
use tokio::{
    net::{TcpListener, UdpSocket},
    runtime::Runtime,
    spawn,
    time::timeout,
};

use crate::fake::{Asked, Fake, Say, Via, a, cname, nodata, nxdomain, rcode, reply, texts};

const LONG: Duration = Duration::from_secs(10);
/// Less than a try takes.
const SHORT: Duration = Duration::from_millis(300);

fn question(name: &str) -> Question {
    Question { name: name.parse().unwrap(), rtype: QueryType::A }
}

fn given(servers: &[SocketAddr]) -> Udp {
    Udp::new(&Resolvers::Given(servers.to_vec())).unwrap()
}

async fn ask(udp: &Udp, name: &str, patience: Duration) -> Result<Answer, Failure> {
    udp.ask(&question(name), Instant::now() + patience).await
}

async fn ask_one(fake: &Fake, patience: Duration) -> Result<Answer, Failure> {
    ask(&given(&[fake.addr]), "2.0.0.127.bl.example", patience).await
}

fn is_network(result: &Result<Answer, Failure>, text: &str) -> bool {
    matches!(result, Err(Failure::Network(said)) if said.contains(text))
}

/// A server that takes everything and says nothing.
async fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

/// An address where nobody is.
async fn nobody() -> SocketAddr {
    silent().await.1
}

/// A resolv.conf of the test's own.
struct ResolvConf(PathBuf);

impl ResolvConf {
    fn new(test: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{test}-{}.conf", std::process::id()));
        let file = Self(path);
        file.replace(text);
        file
    }

    /// As editors and dhclient do it: by a new file in its place.
    fn replace(&self, text: &str) {
        let new = self.0.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &self.0).unwrap();
    }
}

impl Drop for ResolvConf {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn nameserver(addr: SocketAddr) -> String {
    format!("nameserver [{}]:{}\n", addr.ip(), addr.port())
}

#[tokio::test]
async fn case_04_search_suffixes_are_never_asked() {
    let fake = Fake::answering(nxdomain).await;
    let text = format!("search corp.example\noptions ndots:15\n{}", nameserver(fake.addr));
    let file = ResolvConf::new("search", &text);
    let udp = Udp::from_resolv_conf(&file.0).unwrap();
    assert_eq!(ask(&udp, "99.2.0.192.bl.example", LONG).await.unwrap().rcode, 3);
    assert_eq!(ask(&udp, "lists", LONG).await.unwrap().rcode, 3);
    assert_eq!(fake.names(), ["A 99.2.0.192.bl.example.", "A lists."]);
}

#[tokio::test]
async fn case_07_mixed_case_in_a_reply_is_accepted() {
    let fake = Fake::start(|asked: &Asked| {
        let mut bytes = a(asked, &["127.0.0.2"]).to_vec().unwrap();
        bytes.iter_mut().skip(12).step_by(2).for_each(|byte| byte.make_ascii_uppercase());
        vec![Say::bytes(bytes)]
    });
    let answer = ask_one(&fake.await, LONG).await.unwrap();
    assert_eq!(answer.addresses, ["127.0.0.2".parse::<std::net::Ipv4Addr>().unwrap()]);
}

#[tokio::test]
async fn case_07_replies_with_another_id_name_or_type_are_dropped_and_counted() {
    let fake = Fake::start(|asked: &Asked| {
        let lie = || a(asked, &["127.0.0.2"]);
        let (mut id, mut name, mut rtype) = (lie(), lie(), lie());
        id.metadata.id ^= 1;
        name.queries[0].name = Name::from_ascii("3.0.0.127.bl.example.").unwrap();
        rtype.queries[0].query_type = hickory_proto::rr::RecordType::TXT;
        vec![id.into(), name.into(), rtype.into(), nxdomain(asked).into()]
    });
    let fake = fake.await;
    let udp = given(&[fake.addr]);
    assert_eq!(ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap().rcode, 3);
    assert_eq!((udp.counts().mismatched, fake.count()), (3, 1));
}

#[tokio::test]
async fn case_07_replies_from_another_port_do_not_arrive() {
    let fake = Fake::start(|asked: &Asked| {
        vec![Say::from(a(asked, &["127.0.0.2"])).by_another_port(), nxdomain(asked).into()]
    });
    let answer = ask_one(&fake.await, LONG).await.unwrap();
    assert_eq!((answer.rcode, answer.addresses.len()), (3, 0));
}

#[tokio::test]
async fn case_20_an_error_is_the_answer_of_a_server_that_is_alone() {
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NotAuth] {
        let fake = Fake::answering(move |asked| rcode(asked, code)).await;
        let answer = ask_one(&fake, LONG).await.unwrap();
        assert_eq!((answer.rcode, answer.server), (code.into(), Some(fake.addr)));
        assert_eq!(fake.count(), 1, "asking again would not help");
    }
}

#[tokio::test]
async fn case_20_an_error_or_a_referral_leads_to_the_next_server_at_once() {
    use ResponseCode::{FormErr, NotImp, Refused, ServFail};
    for code in [ServFail, Refused, NotImp, FormErr] {
        let bad = Fake::answering(move |asked| rcode(asked, code)).await;
        let good = Fake::answering(nxdomain).await;
        let udp = given(&[bad.addr, good.addr]);
        assert_eq!(ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap().rcode, 3);
        assert!(bad.count() >= 1, "{code}");
    }
}

#[tokio::test]
async fn case_20_formerr_and_notimp_are_asked_again_without_edns() {
    for code in [ResponseCode::FormErr, ResponseCode::NotImp] {
        let fake = Fake::answering(move |asked| match &asked.message.edns {
            Some(_) => rcode(asked, code),
            None => a(asked, &["127.0.0.2"]),
        });
        let fake = fake.await;
        assert_eq!(ask_one(&fake, LONG).await.unwrap().addresses.len(), 1);
        assert_eq!(fake.count(), 2);
        let hopeless = Fake::answering(move |asked| rcode(asked, code)).await;
        assert_eq!(ask_one(&hopeless, LONG).await.unwrap().rcode, u16::from(code));
        assert_eq!(hopeless.count(), 2);
    }
}

#[tokio::test]
async fn case_20_formerr_without_a_question_counts_too() {
    let fake = Fake::start(|asked: &Asked| match &asked.message.edns {
        Some(_) => {
            let id = asked.message.id.to_be_bytes();
            vec![Say::bytes([id[0], id[1], 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0])]
        }
        None => vec![nxdomain(asked).into()],
    });
    assert_eq!(ask_one(&fake.await, LONG).await.unwrap().rcode, 3);
}

/// Cut on UDP, whole on TCP.
fn cut(asked: &Asked, whole: Message) -> Message {
    match asked.via {
        Via::Udp => reply(asked).truncate(),
        Via::Tcp => whole,
    }
}

#[tokio::test]
async fn case_20_a_truncated_reply_is_fetched_over_tcp() {
    let long: Vec<&[u8]> = vec![&[b'x'; 255]; 250];
    let fake = Fake::answering(move |asked| cut(asked, texts(asked, &[&long])));
    let fake = fake.await;
    let udp = given(&[fake.addr]);
    let question = Question { rtype: QueryType::Txt, ..question("2.0.0.127.bl.example") };
    let answer = udp.ask(&question, Instant::now() + LONG).await.unwrap();
    assert_eq!(answer.texts, [vec![b'x'; 255 * 250]]);
    assert_eq!(udp.counts().over_tcp, 1);
    assert!(fake.asked()[0].message.id != fake.asked()[1].message.id);
}

#[tokio::test]
async fn case_20_tcp_that_is_refused_closed_or_cut_again_has_failed() {
    let udp_only = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = udp_only.local_addr().unwrap();
    spawn(serve(udp_only, |query| answer_bytes(query, 0x82, 0)));
    let refused = ask(&given(&[addr]), "2.0.0.127.bl.example", LONG).await;
    assert!(is_network(&refused, "refused"), "{refused:?}");
    let closing = Fake::start(|asked: &Asked| match asked.via {
        Via::Udp => vec![reply(asked).truncate().into()],
        Via::Tcp => vec![Say::close()],
    });
    let closed = ask_one(&closing.await, LONG).await;
    assert!(matches!(closed, Err(Failure::Network(_))), "{closed:?}");
    let again = Fake::answering(|asked| reply(asked).truncate()).await;
    let again = ask_one(&again, LONG).await;
    assert!(is_network(&again, "cut off"), "{again:?}");
}

#[tokio::test]
async fn case_20_tcp_that_never_answers_leaves_time_for_the_next_server() {
    let hanging = Fake::start(|asked: &Asked| match asked.via {
        Via::Udp => vec![reply(asked).truncate().into()],
        Via::Tcp => vec![],
    });
    let good = Fake::answering(nxdomain).await;
    let udp = given(&[hanging.await.addr, good.addr]);
    let answer = ask(&udp, "2.0.0.127.bl.example", Duration::from_secs(1)).await;
    assert_eq!(answer.unwrap().rcode, 3);
}

#[tokio::test]
async fn case_20_an_unreachable_port_is_told_at_once_and_the_next_server_asked() {
    let (nobody, good) = (nobody().await, Fake::answering(nxdomain).await);
    let alone = ask(&given(&[nobody]), "2.0.0.127.bl.example", LONG).await;
    assert!(is_network(&alone, "refused"), "{alone:?}");
    let udp = given(&[nobody, good.addr]);
    assert_eq!(ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap().rcode, 3);
}

#[tokio::test]
async fn case_20_garbage_and_headers_cut_short_are_dropped() {
    for babble in [&b""[..], b"\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", &[0xff; 600]] {
        let babble = babble.to_vec();
        let fake = Fake::start(move |asked: &Asked| {
            let header = nxdomain(asked).to_vec().unwrap()[..11].to_vec();
            vec![Say::bytes(babble.clone()), Say::bytes(header)]
        });
        let fake = fake.await;
        let udp = given(&[fake.addr]);
        let result = ask(&udp, "2.0.0.127.bl.example", SHORT).await;
        assert_eq!(result, Err(Failure::Deadline));
        assert!(udp.counts().mismatched >= 2);
    }
}

#[tokio::test]
async fn case_20_records_that_lead_nowhere_are_malformed() {
    // The owner: a pointer to itself, to behind the message, a reserved label type.
    for owner in [&b"\xc0\x26"[..], b"\xff\xff", b"\x41x\x00"] {
        let owner = owner.to_vec();
        let fake = Fake::start(move |asked: &Asked| {
            let mut bytes = reply(asked).to_vec().unwrap();
            assert_eq!(bytes.len(), 0x26, "the pointer is to the record");
            bytes[7] = 1;
            bytes.extend_from_slice(&owner);
            bytes.extend_from_slice(b"\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x02");
            vec![Say::bytes(bytes)]
        });
        let result = ask_one(&fake.await, LONG).await;
        assert!(is_network(&result, "malformed"), "{result:?}");
    }
}

#[tokio::test]
async fn case_20_an_alias_to_nowhere_is_no_data() {
    let fake = Fake::answering(|asked| cname(asked, "elsewhere.example.")).await;
    let answer = ask_one(&fake, LONG).await.unwrap();
    assert_eq!((answer.rcode, answer.addresses.len(), answer.ttl), (0, 0, Some(60)));
}

#[tokio::test]
async fn case_23_each_time_it_is_sent_with_another_id_from_another_port_to_the_next_server() {
    let (first, second) = (Fake::start(|_: &Asked| vec![]), Fake::start(|_: &Asked| vec![]));
    let (first, second) = (first.await, second.await);
    let udp = given(&[first.addr, second.addr]);
    let result = ask(&udp, "2.0.0.127.bl.example", Duration::from_millis(1200)).await;
    assert_eq!(result, Err(Failure::Deadline));
    assert_eq!((first.count(), second.count()), (2, 1));
    let sent = || first.asked().into_iter().chain(second.asked());
    assert_eq!(sent().map(|asked| asked.message.id).collect::<HashSet<_>>().len(), 3);
    assert_eq!(sent().map(|asked| asked.from).collect::<HashSet<_>>().len(), 3);
    assert_eq!((udp.counts().sent, udp.counts().sent_again), (3, 2));
}

#[tokio::test]
async fn case_23_a_late_reply_to_the_first_counts_once() {
    let late = Fake::start(|asked: &Asked| {
        let reply = || Say::from(a(asked, &["127.0.0.2"])).after(Udp::TRY + SHORT / 2);
        vec![reply(), reply()]
    });
    let late = late.await;
    let (_socket, silent) = silent().await;
    let udp = given(&[late.addr, silent]);
    let answer = ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap();
    assert_eq!((answer.addresses.len(), answer.server), (1, Some(late.addr)));
    assert!(udp.counts().sent_again >= 1);
    // The reader sees the second reply before that of another question.
    ask(&udp, "3.0.0.127.bl.example", LONG).await.unwrap();
    assert_eq!(udp.counts().mismatched, 0, "late replies are no forgeries");
}

#[tokio::test]
async fn case_28_a_replaced_resolv_conf_is_followed() {
    let (before, after) = (Fake::answering(nodata).await, Fake::answering(nxdomain).await);
    let file = ResolvConf::new("replaced", &nameserver(before.addr));
    let udp = Udp::from_resolv_conf(&file.0).unwrap();
    assert_eq!(ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap().rcode, 0);
    file.replace(&nameserver(after.addr));
    let followed = async { while ask(&udp, "bl.example", LONG).await.unwrap().rcode != 3 {} };
    timeout(LONG, followed).await.unwrap();
    let count = before.count();
    ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap();
    assert_eq!(before.count(), count);
}

#[tokio::test]
async fn case_28_a_resolver_that_restarts_is_found_again() {
    let addr = nobody().await;
    let udp = given(&[addr]);
    for _ in 0..3 {
        assert!(ask(&udp, "2.0.0.127.bl.example", LONG).await.is_err());
        let server = spawn(serve(UdpSocket::bind(addr).await.unwrap(), |query| {
            answer_bytes(query, 0x80, 3)
        }));
        assert_eq!(ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap().rcode, 3);
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn case_40_of_70_000_at_once_what_is_too_much_fails_at_once_and_the_rest_in_time() {
    let (_socket, silent) = silent().await;
    let udp = given(&[silent]);
    let names: Vec<Question> = (0..70_000).map(|i| question(&format!("{i}.bl.example"))).collect();
    let deadline = Instant::now() + Duration::from_secs(4);
    let mut asked: FuturesUnordered<_> = names.iter().map(|name| udp.ask(name, deadline)).collect();
    let (mut shed, mut late) = (0, 0);
    while let Some(result) = asked.next().await {
        match result.unwrap_err() {
            Failure::Overloaded => {
                assert!(late == 0, "what is shed does not wait");
                shed += 1;
            }
            Failure::Deadline => late += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((shed, late), (70_000 - Udp::MAX_IN_FLIGHT, Udp::MAX_IN_FLIGHT));
    assert_eq!((udp.counts().in_flight, udp.counts().shed), (0, shed as u64));
}

#[tokio::test]
async fn case_40_70_000_are_answered_some_at_a_time() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap();
    let runtime = Runtime::new().unwrap();
    runtime.spawn(serve_in(server.into_std().unwrap()));
    let udp = given(&[addr]);
    let asked = futures_util::stream::iter(0..70_000).map(|i| {
        let (udp, name) = (&udp, format!("{i}.bl.example"));
        async move { ask(udp, &name, LONG).await.unwrap().rcode }
    });
    let codes = asked.buffer_unordered(100).fold(0, async |sum, code| sum + u32::from(code));
    assert_eq!(codes.await, 3 * 70_000);
    assert_eq!(udp.counts().mismatched, 0);
    runtime.shutdown_background();
}

#[tokio::test]
async fn case_41_a_dropped_question_frees_its_slot() {
    let (_socket, silent) = silent().await;
    let udp = given(&[silent]);
    let name = question("2.0.0.127.bl.example");
    {
        let mut asked = pin!(udp.ask(&name, Instant::now() + LONG));
        assert!(asked.as_mut().now_or_never().is_none());
        assert_eq!(udp.counts().in_flight, 1);
    }
    assert_eq!(udp.counts().in_flight, 0);
}

#[tokio::test]
async fn case_41_a_question_outlives_the_runtime_that_the_sockets_were_opened_in() {
    let fake = Fake::start(|asked: &Asked| {
        let is_last = asked.name.starts_with("last");
        if is_last { vec![nxdomain(asked).into()] } else { vec![] }
    });
    let fake = fake.await;
    let udp = Arc::new(given(&[fake.addr]));
    let other = Runtime::new().unwrap();
    let shared = udp.clone();
    let asked = other.spawn(async move { ask(&shared, "first.example", LONG).await });
    let sent = async {
        while fake.count() == 0 {
            tokio::task::yield_now().await
        }
    };
    timeout(LONG, sent).await.unwrap();
    other.shutdown_background();
    assert!(asked.await.unwrap_err().is_cancelled());
    assert_eq!(ask(&udp, "last.example", LONG).await.unwrap().rcode, 3);
    assert_eq!(udp.counts().in_flight, 0);
}

#[tokio::test]
async fn case_43_a_guesser_is_escaped_over_tcp() {
    let guessing = Fake::start(|asked: &Asked| match asked.via {
        Via::Tcp => vec![nxdomain(asked).into()],
        Via::Udp => {
            let guess = |i| {
                let mut lie = a(asked, &["127.0.0.2"]);
                lie.metadata.id = lie.metadata.id.wrapping_add(i);
                lie.into()
            };
            (1..40).map(guess).collect()
        }
    });
    let guessing = guessing.await;
    let udp = given(&[guessing.addr]);
    assert_eq!(ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap().rcode, 3);
    assert_eq!(udp.counts().over_tcp, 1);
    let ports: HashSet<_> = [&guessing.asked()[0]].map(|asked| asked.from).into();
    ask(&udp, "3.0.0.127.bl.example", LONG).await.unwrap();
    let again = guessing.asked().into_iter().rev().find(|asked| asked.via == Via::Udp).unwrap();
    assert!(!ports.contains(&again.from), "the port is another one");
}

#[tokio::test]
async fn case_43_ports_change_in_the_course_of_many_questions() {
    let fake = Fake::answering(nxdomain).await;
    let udp = given(&[fake.addr]);
    for _ in 0..1000 {
        ask(&udp, "2.0.0.127.bl.example", LONG).await.unwrap();
    }
    let asked = fake.asked();
    let ports: HashSet<_> = asked.iter().map(|asked| asked.from).collect();
    let ids: HashSet<_> = asked.iter().map(|asked| asked.message.id).collect();
    assert!(ports.len() >= 6, "{} ports", ports.len());
    assert!(ids.len() > 950, "{} ids", ids.len());
}

#[tokio::test]
async fn with_one_of_two_resolvers_dead_all_are_answered_and_it_is_soon_asked_no_more() {
    let (socket, dead) = silent().await;
    let asked_of_the_dead = || {
        let mut buffer = [0; 512];
        std::iter::from_fn(|| socket.try_recv(&mut buffer).ok()).count()
    };
    let alive = Fake::answering(nxdomain).await;
    let udp = given(&[dead, alive.addr]);
    let one = async || assert_eq!(ask(&udp, "bl.example", LONG).await.unwrap().rcode, 3);
    join_all((0..100).map(|_| one())).await;
    socket.readable().await.unwrap();
    assert!(asked_of_the_dead() > 0);
    for _ in 0..20 {
        one().await;
    }
    // One question tries it again every now and then.
    assert!(asked_of_the_dead() < 10);
}

#[tokio::test]
async fn an_authority_is_asked_without_recursion_and_a_resolver_with() {
    let fake = Fake::answering(nxdomain).await;
    let authority = Udp::new(&Resolvers::Authority(vec![fake.addr])).unwrap();
    ask(&authority, "bl.example", LONG).await.unwrap();
    ask(&given(&[fake.addr]), "bl.example", LONG).await.unwrap();
    let desired: Vec<bool> =
        fake.asked().iter().map(|asked| asked.message.recursion_desired).collect();
    assert_eq!(desired, [false, true]);
}

#[tokio::test]
async fn silence_lasts_until_the_deadline() {
    let (_socket, silent) = silent().await;
    let udp = given(&[silent]);
    for patience in [30, 100, 700].map(Duration::from_millis) {
        let began = Instant::now();
        assert_eq!(ask(&udp, "bl.example", patience).await, Err(Failure::Deadline));
        assert!(began.elapsed() >= patience);
    }
}

#[tokio::test]
async fn a_connection_that_nobody_accepts_ends_with_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = UdpSocket::bind(addr).await.unwrap();
    let heard = Arc::new(AtomicBool::new(false));
    let seen = heard.clone();
    spawn(serve(server, move |query| {
        seen.store(true, Ordering::Relaxed);
        answer_bytes(query, 0x82, 0)
    }));
    assert_eq!(ask(&given(&[addr]), "bl.example", SHORT).await, Err(Failure::Deadline));
    assert!(heard.load(Ordering::Relaxed));
}

/// Answers on a socket.
async fn serve(socket: UdpSocket, answer: impl Fn(&[u8]) -> Vec<u8>) {
    let mut buffer = [0; 512];
    loop {
        // The asker may be gone, which loopback reports.
        let Ok((len, peer)) = socket.recv_from(&mut buffer).await else { continue };
        let _ = socket.send_to(&answer(&buffer[..len]), peer).await;
    }
}

/// Denies everything, in another runtime than the one it was bound in.
async fn serve_in(socket: std::net::UdpSocket) {
    serve(UdpSocket::from_std(socket).unwrap(), |query| answer_bytes(query, 0x80, 3)).await;
}

/// The query made a reply with these flags and this code.
fn answer_bytes(query: &[u8], flags: u8, code: u8) -> Vec<u8> {
    let mut reply = query.to_vec();
    (reply[2], reply[3]) = (flags, code);
    reply
}
