//! Audit records: who did what, when and from where.

use dnsbl_types::{Name, Source, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{
        codec,
        log::{Actor, Op},
    },
};

/// Who did what, when and from where. Kept when the log is compacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The change it belongs to.
    pub seq: u64,
    /// When.
    pub at: UnixTime,
    /// The token's name, or the part of the server that acted on its own.
    pub actor: String,
    /// The token's public id; `None` also in records of older releases.
    pub token: Option<String>,
    /// Where the request came from.
    pub remote: Option<String>,
    /// What was done, as in the change log.
    pub action: String,
    /// To which zone.
    pub zone: Option<String>,
    /// To which subject, token, subscriber or document.
    pub subject: Option<String>,
    /// For which source.
    pub source: Option<String>,
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct AuditValue {
    seq: u64,
    at: u64,
    actor: String,
    token: Option<String>,
    remote: Option<String>,
    action: String,
    zone: Option<String>,
    subject: Option<String>,
    source: Option<String>,
}

/// A record as it was written before tokens were named by their ids.
#[derive(Deserialize)]
struct FirstAuditValue {
    seq: u64,
    at: u64,
    actor: String,
    remote: Option<String>,
    action: String,
    zone: Option<String>,
    subject: Option<String>,
    source: Option<String>,
}

impl From<FirstAuditValue> for AuditValue {
    fn from(value: FirstAuditValue) -> Self {
        let FirstAuditValue { seq, at, actor, remote, action, zone, subject, source } = value;
        Self { seq, at, actor, token: None, remote, action, zone, subject, source }
    }
}

/// The record of an operation.
pub(crate) fn encode(op: &Op, seq: u64, at: UnixTime, actor: &Actor) -> Vec<u8> {
    let value = AuditValue {
        seq,
        at: at.0,
        actor: actor.name.clone(),
        token: actor.token.clone(),
        remote: actor.remote.clone(),
        action: op.word().into(),
        zone: op.zone().map(Name::to_string),
        subject: op.subject(),
        source: op.source().map(Source::to_string),
    };
    codec::encode_as(codec::V2, &value)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<AuditRecord, StoreError> {
    const WHAT: &str = "audit record";
    let value: AuditValue = match codec::is_first(bytes) {
        true => codec::decode::<FirstAuditValue>(WHAT, bytes)?.into(),
        false => codec::decode_as(codec::V2, WHAT, bytes)?,
    };
    let AuditValue { seq, at, actor, token, remote, action, zone, subject, source } = value;
    let at = UnixTime(at);
    Ok(AuditRecord { seq, at, actor, token, remote, action, zone, subject, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Old<'a>(u64, u64, &'a str, Option<&'a str>, &'a str, [Option<&'a str>; 3]);

    #[test]
    fn a_record_of_the_release_before_is_read_without_a_token_id() {
        let old =
            Old(7, 9, "admin", Some("192.0.2.1"), "delete", [Some("bl.example."), None, None]);
        let record = decode(&codec::encode(&old)).unwrap();
        assert_eq!((record.seq, record.at, record.actor.as_str()), (7, UnixTime(9), "admin"));
        assert_eq!((record.token, record.remote.as_deref()), (None, Some("192.0.2.1")));
        assert_eq!(record.zone.as_deref(), Some("bl.example."));
    }

    #[test]
    fn a_record_names_the_token_by_its_id() {
        let actor = Actor { token: Some("07".into()), ..Actor::part("feed") };
        let op = Op::DeleteToken { id: "08".into(), name: "old".into() };
        let record = decode(&encode(&op, 3, UnixTime(5), &actor)).unwrap();
        assert_eq!((record.actor.as_str(), record.token.as_deref()), ("feed", Some("07")));
        assert_eq!(
            (record.action.as_str(), record.subject.as_deref()),
            ("token-delete", Some("old"))
        );
    }
}
