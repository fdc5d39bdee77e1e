//! Zones of grants: who may do something for the time being.

use std::{
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use dnsbl_types::query_name;
use futures_util::future::join_all;

use crate::{
    Bogus, Codes, Failure, QueryType, Question, Status, Transport, ZoneName, judge::judge,
};

/// A zone of grants: addresses that may do something for some minutes, such as relay mail after their user
/// has fetched mail.
///
/// What it says is acted on in favor of a client, so every doubt counts against the client: only the code of
/// a grant, and that alone, is one. A grant may begin and end at any second, so nothing is remembered. The
/// zone has no test entries (RFC 5782 section 5) and is not probed; before a grant counts, the zone denies
/// addresses that can have none.
#[derive(Debug)]
pub struct GrantZone {
    name: ZoneName,
    code: GrantCode,
    /// When it was last asked about [`ABSENT`] and [`TEST_ENTRY`], and denied all of them.
    denied: Mutex<Option<Instant>>,
}

/// The return code that says that an address has a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantCode(Ipv4Addr);

/// The reason why a text is no code of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantCodeError {
    /// Not an IPv4 address.
    #[error("not an IPv4 address")]
    NotAnAddress,
    /// What no list answers for what it has.
    #[error(
        "a return code is inside 127.0.0.0/8, and neither 127.0.0.1 nor inside 127.255.255.0/24"
    )]
    NotACode,
}

/// Addresses that no zone of grants has: who lists one of them lists everything.
const ABSENT: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(224, 0, 0, 1)];
/// The test entry of block lists (RFC 5782 section 5): who has it is one of those, named by mistake. A client of
/// this machine may have it as its address, and then a grant.
const TEST_ENTRY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How long their denial holds.
const DENIAL_HOLDS: Duration = Duration::from_secs(10);

impl GrantZone {
    /// A zone that answers this code for those who have a grant.
    pub fn new(name: ZoneName, code: GrantCode) -> Self {
        Self { name, code, denied: Mutex::new(None) }
    }

    /// Its name.
    pub fn name(&self) -> &ZoneName {
        &self.name
    }

    /// Whether a client has a grant: [`Status::Listed`] is one, [`Status::NotListed`] is none, and with all
    /// others it could not be told. An IPv4-mapped address is the IPv4 address.
    ///
    /// It is always asked anew. `now` is the time of the question: a denial of what no such zone has holds
    /// for ten seconds from there.
    pub async fn ask<T: Transport>(
        &self,
        transport: &T,
        client: IpAddr,
        now: Instant,
        deadline: Instant,
    ) -> Status {
        match self.query(transport, client.to_canonical(), deadline).await {
            Status::Listed(listing) if listing.codes != [self.code.0] => {
                Status::Bogus(Bogus::NotTheGrantCode)
            }
            granted @ Status::Listed(_) => match self.prove(transport, client, now, deadline).await
            {
                Ok(()) => granted,
                Err(instead) => instead,
            },
            other => other,
        }
    }

    /// Sees to it that the zone denies what it can't have. An error is what to say in place of a grant.
    async fn prove<T: Transport>(
        &self,
        transport: &T,
        client: IpAddr,
        now: Instant,
        deadline: Instant,
    ) -> Result<(), Status> {
        if self.has_denied(now) {
            return Ok(());
        }
        let is_of_this_machine = client.to_canonical().is_loopback();
        let absent = ABSENT.into_iter().chain((!is_of_this_machine).then_some(TEST_ENTRY));
        let questions = absent.map(|addr| self.query(transport, addr.into(), deadline));
        let odd = join_all(questions).await.into_iter().find(|status| *status != Status::NotListed);
        let proof = match odd {
            None => Ok(()),
            Some(Status::Listed(_)) => Err(Status::Bogus(Bogus::NoGrantZone)),
            Some(other) => Err(other),
        };
        let is_whole = proof.is_ok() && !is_of_this_machine;
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = is_whole.then_some(now);
        proof
    }

    fn has_denied(&self, now: Instant) -> bool {
        let denied = *self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.is_some_and(|at| now.saturating_duration_since(at) < DENIAL_HOLDS)
    }

    async fn query<T: Transport>(&self, transport: &T, addr: IpAddr, deadline: Instant) -> Status {
        // The error shows the name, which may hold a key.
        let Ok(name) = query_name::encode(addr, self.name.secret()) else {
            return Status::Failed(Failure::NameTooLong);
        };
        match transport.ask(&Question { name, rtype: QueryType::A }, deadline).await {
            Ok(answer) => judge(&answer, &Codes::default()),
            Err(failure) => Status::Failed(failure),
        }
    }
}

impl GrantCode {
    /// 127.0.0.10.
    pub const DEFAULT: Self = Self(Ipv4Addr::new(127, 0, 0, 10));
}

impl FromStr for GrantCode {
    type Err = GrantCodeError;

    fn from_str(text: &str) -> Result<Self, GrantCodeError> {
        let code: Ipv4Addr = text.parse().map_err(|_| GrantCodeError::NotAnAddress)?;
        match code.octets() {
            [127, 0, 0, 1] | [127, 255, 255, _] => Err(GrantCodeError::NotACode),
            [127, ..] => Ok(Self(code)),
            _ => Err(GrantCodeError::NotACode),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        sync::Mutex,
        time::{Duration, Instant},
    };

    use super::{GrantCode, GrantCodeError, GrantZone};
    use crate::{Answer, Blocked, Bogus, Failure, Question, Status, Transport};

    /// What is answered, by the name asked for without the zone; everything else does not exist.
    #[derive(Default)]
    struct Scripted {
        answers: HashMap<&'static str, Result<Answer, Failure>>,
        /// For all other names.
        otherwise: Option<Answer>,
        asked: Mutex<Vec<String>>,
    }

    impl Scripted {
        fn answering(name: &'static str, answer: Result<Answer, Failure>) -> Self {
            Self { answers: HashMap::from([(name, answer)]), ..Self::default() }
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }
    }

    impl Transport for Scripted {
        async fn ask(&self, question: &Question, _deadline: Instant) -> Result<Answer, Failure> {
            let name = question.name.to_string();
            let name = name.trim_end_matches('.').strip_suffix(".popauth.example").unwrap();
            self.asked.lock().unwrap().push(name.to_owned());
            let otherwise = || Ok(self.otherwise.clone().unwrap_or_else(|| rcode(3)));
            self.answers.get(name).cloned().unwrap_or_else(otherwise)
        }
    }

    const CLIENT: &str = "9.2.0.192";

    fn codes(codes: &[&str]) -> Answer {
        Answer {
            addresses: codes.iter().map(|code| code.parse().unwrap()).collect(),
            ..Answer::default()
        }
    }

    fn rcode(rcode: u16) -> Answer {
        Answer { rcode, ..Answer::default() }
    }

    fn zone() -> GrantZone {
        GrantZone::new("popauth.example".parse().unwrap(), GrantCode::DEFAULT)
    }

    async fn ask_at(zone: &GrantZone, transport: &Scripted, client: &str, now: Instant) -> Status {
        let deadline = now + Duration::from_secs(1);
        zone.ask(transport, client.parse().unwrap(), now, deadline).await
    }

    async fn ask(transport: &Scripted) -> Status {
        ask_at(&zone(), transport, "192.0.2.9", Instant::now()).await
    }

    #[tokio::test]
    async fn the_code_alone_is_a_grant() {
        let granted = ask(&Scripted::answering(CLIENT, Ok(codes(&["127.0.0.10"])))).await;
        assert!(granted.listing().is_some(), "{granted:?}");
        assert_eq!(ask(&Scripted::default()).await, Status::NotListed);
        let nodata = ask(&Scripted::answering(CLIENT, Ok(rcode(0)))).await;
        assert_eq!(nodata, Status::NotListed);
    }

    #[tokio::test]
    async fn nothing_else_is() {
        let other = Status::Bogus(Bogus::NotTheGrantCode);
        let stray = "203.0.113.7".parse().unwrap();
        for (answer, expected) in [
            (Ok(codes(&["127.0.0.2"])), other.clone()),
            (Ok(codes(&["127.0.0.10", "127.0.0.11"])), other),
            (
                Ok(codes(&["127.0.0.10", "203.0.113.7"])),
                Status::Bogus(Bogus::OutsideLoopback(stray)),
            ),
            (Ok(codes(&["203.0.113.7"])), Status::Bogus(Bogus::OutsideLoopback(stray))),
            (Ok(codes(&["127.0.0.1"])), Status::Bogus(Bogus::Localhost)),
            (Ok(codes(&["127.255.255.254"])), Status::Blocked(Blocked::PublicResolver)),
            (Ok(rcode(5)), Status::Blocked(Blocked::Refused)),
            (Ok(Answer { rcode: 5, ..codes(&["127.0.0.10"]) }), Status::Blocked(Blocked::Refused)),
            (Ok(rcode(2)), Status::Failed(Failure::Rcode(2))),
            (
                Ok(Answer { filtered: Some(17), ..codes(&["127.0.0.10"]) }),
                Status::Blocked(Blocked::Filtered(17)),
            ),
            (Err(Failure::Deadline), Status::Failed(Failure::Deadline)),
        ] {
            assert_eq!(
                ask(&Scripted::answering(CLIENT, answer.clone())).await,
                expected,
                "{answer:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_zone_that_has_what_no_such_zone_has_grants_nothing() {
        let all = Scripted { otherwise: Some(codes(&["127.0.0.10"])), ..Scripted::default() };
        assert_eq!(ask(&all).await, Status::Bogus(Bogus::NoGrantZone));
        for (absent, answer, expected) in [
            ("1.0.0.127", Ok(codes(&["127.0.0.10"])), Status::Bogus(Bogus::NoGrantZone)),
            ("2.0.0.127", Ok(codes(&["127.0.0.2"])), Status::Bogus(Bogus::NoGrantZone)),
            ("1.0.0.224", Ok(codes(&["127.0.0.10"])), Status::Bogus(Bogus::NoGrantZone)),
            ("1.0.0.127", Err(Failure::Deadline), Status::Failed(Failure::Deadline)),
            ("1.0.0.127", Ok(rcode(5)), Status::Blocked(Blocked::Refused)),
        ] {
            let mut transport = Scripted::answering(CLIENT, Ok(codes(&["127.0.0.10"])));
            transport.answers.insert(absent, answer);
            assert_eq!(ask(&transport).await, expected, "{absent}");
        }
    }

    #[tokio::test]
    async fn a_grant_is_asked_for_each_time_and_the_denial_holds_ten_seconds() {
        let transport = Scripted::answering(CLIENT, Ok(codes(&["127.0.0.10"])));
        let (zone, begin) = (zone(), Instant::now());
        let with_denial = [CLIENT, "1.0.0.127", "1.0.0.224", "2.0.0.127"];
        for (after, asked) in [(0, &with_denial[..]), (9, &[CLIENT]), (10, &with_denial)] {
            let now = begin + Duration::from_secs(after);
            assert!(ask_at(&zone, &transport, "192.0.2.9", now).await.listing().is_some());
            assert_eq!(transport.asked(), asked, "after {after} seconds");
        }
    }

    #[tokio::test]
    async fn a_client_of_this_machine_may_have_the_address_of_the_test_entry() {
        let mut transport = Scripted::answering("2.0.0.127", Ok(codes(&["127.0.0.10"])));
        transport.answers.insert("3.0.0.127", Ok(codes(&["127.0.0.10"])));
        transport.answers.insert(CLIENT, Ok(codes(&["127.0.0.10"])));
        let (zone, now) = (zone(), Instant::now());
        for client in ["127.0.0.2", "127.0.0.3"] {
            assert!(ask_at(&zone, &transport, client, now).await.listing().is_some(), "{client}");
        }
        let other = ask_at(&zone, &transport, "192.0.2.9", now).await;
        assert_eq!(other, Status::Bogus(Bogus::NoGrantZone));
    }

    #[tokio::test]
    async fn a_denial_that_failed_is_asked_for_again() {
        let mut transport = Scripted::answering(CLIENT, Ok(codes(&["127.0.0.10"])));
        transport.answers.insert("1.0.0.127", Err(Failure::Deadline));
        let (zone, now) = (zone(), Instant::now());
        assert!(!ask_at(&zone, &transport, "192.0.2.9", now).await.is_verdict());
        transport.answers.remove("1.0.0.127");
        assert!(ask_at(&zone, &transport, "192.0.2.9", now).await.listing().is_some());
    }

    #[tokio::test]
    async fn who_has_no_grant_costs_one_question() {
        let transport = Scripted::default();
        ask_at(&zone(), &transport, "192.0.2.9", Instant::now()).await;
        assert_eq!(transport.asked(), [CLIENT]);
    }

    #[tokio::test]
    async fn an_ipv4_mapped_address_is_asked_as_ipv4_and_ipv6_by_nibbles() {
        let (zone, transport, now) = (zone(), Scripted::default(), Instant::now());
        ask_at(&zone, &transport, "::ffff:192.0.2.9", now).await;
        ask_at(&zone, &transport, "2001:db8::1", now).await;
        let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
        assert_eq!(transport.asked(), [CLIENT, nibbles]);
    }

    #[test]
    fn a_code_is_one_that_lists_give() {
        assert_eq!("127.0.0.10".parse(), Ok(GrantCode::DEFAULT));
        assert!("127.3.4.5".parse::<GrantCode>().is_ok());
        for text in ["127.0.0.1", "127.255.255.254", "192.0.2.1", "128.0.0.10"] {
            assert_eq!(text.parse::<GrantCode>(), Err(GrantCodeError::NotACode), "{text}");
        }
        for text in ["", "127.0.0", "::1", "127.0.0.10 "] {
            assert_eq!(text.parse::<GrantCode>(), Err(GrantCodeError::NotAnAddress), "{text}");
        }
    }
}
