//! Tests, listed hosts and outputs as they are stored: one byte that names the format, then postcard.

use std::net::IpAddr;

use dnsbl_types::UnixTime;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Arrival, ArrivalKind, Contact, DelistTests, Host, Outcome, Output, Sent, Sighting, State,
    StateKind, Test, Verdict,
};
use crate::{Ground, HostName, TestId};

/// The format that is written. In format 1 what has `Extra` in its name was missing.
const FORMAT: u8 = 2;

/// The reason why a record can't be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A release that is newer wrote it.
    #[error("it is of format {0}; this release reads 1 to {FORMAT}")]
    Format(u8),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct TestValue {
    id: u64,
    address: IpAddr,
    port: u16,
    ground: u8,
    domain: Option<String>,
    evidence: Option<String>,
    note: Option<String>,
    submitter: String,
    submitted_at: u64,
    state: u8,
    verdict: Option<u8>,
    via: Option<IpAddr>,
    plan: Vec<u8>,
    sent: Vec<(u8, Option<u8>)>,
    conversations: u8,
    tokens_expire_at: u64,
    tested_at: Option<u64>,
    transcript: Vec<String>,
    arrivals: Vec<ArrivalValue>,
    not_before: u64,
    postponed: u8,
}

#[derive(Default, Serialize, Deserialize)]
struct TestExtra {
    repeats: Vec<u8>,
    /// How often each probe that was sent was refused, and how often it was put off.
    counts: Vec<(u8, u8)>,
    retries: u8,
    retry_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct ArrivalValue {
    probe: u8,
    is_bounce: bool,
    peer: IpAddr,
    at: u64,
    headers: String,
}

#[derive(Serialize, Deserialize)]
struct HostValue {
    address: IpAddr,
    port: u16,
    domain: Option<String>,
    probes: Vec<u8>,
    test: u64,
    listed_at: u64,
    confirmed_at: u64,
    delist_tests: u32,
    last_delist_test: Option<u64>,
}

#[derive(Default, Serialize, Deserialize)]
struct HostExtra {
    anonymous_delist_tests: u32,
    anonymous_last: Option<u64>,
    cleared_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct OutputValue {
    address: IpAddr,
    sightings: Vec<(IpAddr, u64, u64)>,
}

impl Test {
    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let contact = self.state.contact();
        let value = TestValue {
            id: self.id.0,
            address: self.address,
            port: self.port,
            ground: place(&Ground::ALL, self.ground),
            domain: self.domain.as_ref().map(HostName::to_string),
            evidence: self.evidence.clone(),
            note: self.note.clone(),
            submitter: self.submitter.clone(),
            submitted_at: self.submitted_at.0,
            state: place(&StateKind::ALL, self.state.kind()),
            verdict: self.verdict().map(|verdict| place(&Verdict::ALL, verdict)),
            via: self.via,
            plan: self.plan.clone(),
            sent: self.sent.iter().map(sent_value).collect(),
            conversations: self.conversations,
            tokens_expire_at: contact.map_or(0, |contact| contact.tokens_expire_at.0),
            tested_at: self.tested_at().map(|at| at.0),
            transcript: self.transcript.clone(),
            arrivals: self.arrivals.iter().map(ArrivalValue::from).collect(),
            not_before: self.not_before.0,
            postponed: self.postponed,
        };
        encode(&(
            value,
            TestExtra {
                repeats: self.repeats.clone(),
                counts: self.sent.iter().map(|sent| (sent.refusals, sent.deferrals)).collect(),
                retries: self.retries,
                retry_at: self.retry_at().map(|at| at.0),
            },
        ))
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// The bytes are damaged, or of a newer release.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (value, extra): (TestValue, TestExtra) = decode(bytes)?;
        Ok(Self {
            state: state_of(&value, &extra)?,
            id: TestId(value.id),
            address: value.address,
            port: value.port,
            ground: at(&Ground::ALL, value.ground)?,
            domain: name(value.domain)?,
            evidence: value.evidence,
            note: value.note,
            submitter: value.submitter,
            submitted_at: UnixTime(value.submitted_at),
            via: value.via,
            plan: value.plan,
            repeats: extra.repeats,
            sent: value
                .sent
                .into_iter()
                .zip(extra.counts.into_iter().map(Some).chain(std::iter::repeat(None)))
                .map(|(sent, counts)| sent_of(sent, counts))
                .collect::<Result<_, _>>()?,
            conversations: value.conversations,
            retries: extra.retries,
            transcript: value.transcript,
            arrivals: value.arrivals.into_iter().map(Arrival::from).collect(),
            not_before: UnixTime(value.not_before),
            postponed: value.postponed,
        })
    }
}

impl Host {
    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let value = HostValue {
            address: self.address,
            port: self.port,
            domain: self.domain.as_ref().map(HostName::to_string),
            probes: self.probes.clone(),
            test: self.test.0,
            listed_at: self.listed_at.0,
            confirmed_at: self.confirmed_at.0,
            delist_tests: self.delist_tests.count,
            last_delist_test: self.delist_tests.last.map(|at| at.0),
        };
        let anonymous = self.anonymous_delist_tests;
        encode(&(
            value,
            HostExtra {
                anonymous_delist_tests: anonymous.count,
                anonymous_last: anonymous.last.map(|at| at.0),
                cleared_at: self.cleared_at.map(|at| at.0),
            },
        ))
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// The bytes are damaged, or of a newer release.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (value, extra): (HostValue, HostExtra) = decode(bytes)?;
        Ok(Self {
            address: value.address,
            port: value.port,
            domain: name(value.domain)?,
            probes: value.probes,
            test: TestId(value.test),
            listed_at: UnixTime(value.listed_at),
            confirmed_at: UnixTime(value.confirmed_at),
            delist_tests: DelistTests {
                count: value.delist_tests,
                last: value.last_delist_test.map(UnixTime),
            },
            anonymous_delist_tests: DelistTests {
                count: extra.anonymous_delist_tests,
                last: extra.anonymous_last.map(UnixTime),
            },
            cleared_at: extra.cleared_at.map(UnixTime),
        })
    }
}

impl Output {
    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let sightings = self.sightings.iter().map(|s| (s.input, s.test.0, s.at.0)).collect();
        encode(&(OutputValue { address: self.address, sightings }, ()))
    }

    /// Reads what [`encode`](Self::encode) wrote. The sightings of format 1 were not proved by what the
    /// output wrote itself, and count no more.
    ///
    /// # Errors
    /// The bytes are damaged, or of a newer release.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (mut value, ()): (OutputValue, ()) = decode(bytes)?;
        if bytes.first() == Some(&1) {
            value.sightings.clear();
        }
        let sighting = |(input, test, at)| Sighting { input, test: TestId(test), at: UnixTime(at) };
        let sightings = value.sightings.into_iter().map(sighting).collect();
        Ok(Self { address: value.address, sightings })
    }
}

impl From<&Arrival> for ArrivalValue {
    fn from(arrival: &Arrival) -> Self {
        Self {
            probe: arrival.probe,
            is_bounce: arrival.kind == ArrivalKind::Bounce,
            peer: arrival.peer,
            at: arrival.at.0,
            headers: arrival.headers.clone(),
        }
    }
}

impl From<ArrivalValue> for Arrival {
    fn from(value: ArrivalValue) -> Self {
        Self {
            probe: value.probe,
            kind: if value.is_bounce { ArrivalKind::Bounce } else { ArrivalKind::Return },
            peer: value.peer,
            at: UnixTime(value.at),
            headers: value.headers,
        }
    }
}

/// A test that was never begun has a 0 in place of the end of its tokens.
fn state_of(value: &TestValue, extra: &TestExtra) -> Result<State, RecordError> {
    let missing = |what: &str| RecordError::Damaged(format!("{what} is missing"));
    let tokens_expire_at = UnixTime(value.tokens_expire_at);
    let contact = Contact { tokens_expire_at, tested_at: value.tested_at.map(UnixTime) };
    let begun = (tokens_expire_at != UnixTime(0)).then_some(contact);
    Ok(match at(&StateKind::ALL, value.state)? {
        StateKind::Queued => State::Queued { contact: begun },
        StateKind::Testing => State::Testing { contact },
        StateKind::Pending => State::Pending {
            tokens_expire_at,
            tested_at: contact.tested_at.ok_or_else(|| missing("the end of the conversation"))?,
            retry_at: extra.retry_at.map(UnixTime),
        },
        StateKind::Done => State::Done {
            verdict: at(&Verdict::ALL, value.verdict.ok_or_else(|| missing("the verdict"))?)?,
            contact,
        },
        StateKind::Cancelled => State::Cancelled { contact: begun },
    })
}

fn sent_value(sent: &Sent) -> (u8, Option<u8>) {
    (sent.probe, sent.outcome.map(|outcome| place(&Outcome::ALL, outcome)))
}

fn sent_of(
    (probe, outcome): (u8, Option<u8>),
    counts: Option<(u8, u8)>,
) -> Result<Sent, RecordError> {
    let outcome = outcome.map(|outcome| at(&Outcome::ALL, outcome)).transpose()?;
    let of_format_1 = (u8::from(outcome == Some(Outcome::Refused)), 0);
    let (refusals, deferrals) = counts.unwrap_or(of_format_1);
    Ok(Sent { probe, outcome, refusals, deferrals })
}

/// A value by its place among all of its kind; new ones are added at the end only.
fn place<T: Copy + PartialEq>(all: &[T], value: T) -> u8 {
    let place = all.iter().position(|other| *other == value);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn at<T: Copy>(all: &[T], place: u8) -> Result<T, RecordError> {
    let value = all.get(usize::from(place)).copied();
    value.ok_or_else(|| RecordError::Damaged(format!("there is no value {place}")))
}

fn name(text: Option<String>) -> Result<Option<HostName>, RecordError> {
    let parsed = text.map(|text| text.parse()).transpose();
    parsed.map_err(|err| RecordError::Damaged(format!("domain: {err}")))
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Only what has no length beforehand can't be written, and nothing here is of that kind.
    postcard::to_extend(value, vec![FORMAT]).unwrap_or_default()
}

fn decode<T: DeserializeOwned, E: DeserializeOwned + Default>(
    bytes: &[u8],
) -> Result<(T, E), RecordError> {
    let damaged = |err: postcard::Error| RecordError::Damaged(err.to_string());
    match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(damaged),
        Some((&1, rest)) => Ok((postcard::from_bytes(rest).map_err(damaged)?, E::default())),
        Some((&format, _)) => Err(RecordError::Format(format)),
        None => Err(RecordError::Damaged("it is empty".into())),
    }
}
