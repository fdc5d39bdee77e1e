//! Subscribers: between JSON and the vocabulary.

use admin_api_types as api;
use dnsbl_types::{Quota, Recognition, Subscriber, SubscriberId, SubscriberKey, UnixTime};

use super::{BodyError, access, parse_all, texts, time};

/// The subscriber that a body asks for, without keys.
pub(crate) fn read(
    body: api::SubscriberBody,
    id: SubscriberId,
    now: UnixTime,
) -> Result<Subscriber, BodyError> {
    let networks = body.networks.iter().map(|text| access::network("networks", text));
    let networks = networks.collect::<Result<Vec<_>, _>>()?;
    let of_networks = if networks.is_empty() { Recognition::Key } else { Recognition::Either };
    let subscriber = Subscriber {
        id,
        name: body.name.trim().to_owned(),
        zones: parse_all("zones", &body.zones)?,
        networks,
        recognition: body.recognition.map_or(of_networks, recognition),
        quota: quota(body.quota)?,
        expires_at: end(body.expires_at.as_deref(), body.expires_in, now)?,
        keys: Vec::new(),
        note: body.note,
        created_at: now,
    };
    subscriber.check().map_err(BodyError::refused)
}

/// When it ends, be it that this has passed.
fn end(
    expires_at: Option<&str>,
    expires_in: Option<u64>,
    now: UnixTime,
) -> Result<Option<UnixTime>, BodyError> {
    match (expires_at, expires_in) {
        (Some(text), None) => match time::read("expires_at", text)? {
            at if at <= now => Ok(Some(at)),
            _ => time::expiry(expires_at, None, now),
        },
        (None, Some(0)) => Ok(Some(now)),
        _ => time::expiry(expires_at, expires_in, now),
    }
}

fn quota(body: api::Quota) -> Result<Quota, BodyError> {
    access::quota("quota", body)
}

fn recognition(body: api::Recognition) -> Recognition {
    match body {
        api::Recognition::Key => Recognition::Key,
        api::Recognition::Networks => Recognition::Networks,
        api::Recognition::Either => Recognition::Either,
        api::Recognition::Both => Recognition::Both,
    }
}

/// A subscriber as it is shown: with the keys that count, but not what they are.
pub(crate) fn write(subscriber: &Subscriber, now: UnixTime) -> api::Subscriber {
    let is_shown = |key: &&SubscriberKey| {
        subscriber.recognition.takes_key() && key.until.is_none_or(|until| now < until)
    };
    api::Subscriber {
        id: subscriber.id.to_string(),
        name: subscriber.name.clone(),
        zones: texts(&subscriber.zones),
        networks: texts(&subscriber.networks),
        recognition: match subscriber.recognition {
            Recognition::Key => api::Recognition::Key,
            Recognition::Networks => api::Recognition::Networks,
            Recognition::Either => api::Recognition::Either,
            Recognition::Both => api::Recognition::Both,
        },
        quota: access::write_quota(subscriber.quota),
        expires_at: subscriber.expires_at.map(time::write),
        note: subscriber.note.clone(),
        created_at: time::write(subscriber.created_at),
        keys: subscriber.keys.iter().filter(is_shown).map(write_key).collect(),
        key: None,
    }
}

fn write_key(key: &SubscriberKey) -> api::SubscriberKey {
    api::SubscriberKey {
        fingerprint: key.digest.fingerprint(),
        created_at: time::write(key.created_at),
        until: key.until.map(time::write),
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::AccessKey;

    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    fn body(json: &str) -> Result<Subscriber, BodyError> {
        read(serde_json::from_str(json).unwrap(), SubscriberId(7), NOW)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let keyed = body(r#"{"name":"a","zones":["bl.example.org"]}"#).unwrap();
        assert_eq!((keyed.recognition, keyed.quota), (Recognition::Key, Quota::default()));
        let both = r#"{"name":"a","zones":["bl.example.org"],"networks":["192.0.2.1"]}"#;
        let either = body(both).unwrap();
        assert_eq!(either.recognition, Recognition::Either);
        assert_eq!(texts(&either.networks), ["192.0.2.1/32"]);
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        for json in [
            r#"{"name":"","zones":["bl.example.org"]}"#,
            r#"{"name":"a","zones":[]}"#,
            r#"{"name":"a","zones":["bl.example.org"],"recognition":"both"}"#,
            r#"{"name":"a","zones":["bl.example.org"],"networks":["192.0.2.1/24"]}"#,
            r#"{"name":"a","zones":["bl.example.org"],"networks":["x"]}"#,
            r#"{"name":"a","zones":["bl.example.org"],"quota":{"per_day":0}}"#,
            r#"{"name":"a","zones":["bl.example.org"],"expires_at":"soon"}"#,
        ] {
            assert!(body(json).is_err(), "{json}");
        }
    }

    #[test]
    fn keys_are_told_apart_and_not_shown() {
        let keys = [1, 2, 3].map(|n| AccessKey::from_random([n; AccessKey::RANDOM]));
        let made = |key: &AccessKey, until| SubscriberKey {
            digest: key.digest(),
            created_at: UnixTime(1),
            until,
        };
        let mut subscriber = body(r#"{"name":"a","zones":["bl.example.org"]}"#).unwrap();
        let ends = [None, Some(UnixTime(1_001)), Some(NOW)];
        subscriber.keys = keys.iter().zip(ends).map(|(key, until)| made(key, until)).collect();
        let shown = write(&subscriber, NOW);
        assert_eq!(shown.keys.len(), 2, "one has ended");
        assert_ne!(shown.keys[0].fingerprint, shown.keys[1].fingerprint);
        let text = serde_json::to_string(&shown).unwrap();
        assert!(keys.iter().all(|key| !text.contains(&key.reveal()[..8])), "{text}");
    }
}
