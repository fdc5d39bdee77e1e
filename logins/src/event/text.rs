//! Values as mail servers write them.

use std::net::IpAddr;

use dnsbl_types::UnixTime;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::EventError;

/// An address, with or without brackets; IPv4 inside IPv6 is IPv4.
pub(super) fn address(field: &'static str, text: &str) -> Result<IpAddr, EventError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>();
    address
        .map(|address| address.to_canonical())
        .map_err(|_| EventError::field(field, "no address"))
}

/// A time as RFC 3339 or as seconds since 1970, with or without a fraction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time(pub(super) UnixTime);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let seconds = match Value::deserialize(from)? {
            Value::String(text) => text
                .parse::<jiff::Timestamp>()
                .ok()
                .and_then(|time| u64::try_from(time.as_second()).ok())
                .or_else(|| text.split('.').next()?.parse().ok()),
            Value::Number(number) => {
                number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
            }
            _ => None,
        };
        let seconds = seconds.ok_or_else(|| D::Error::custom("neither RFC 3339 nor seconds"))?;
        Ok(Self(UnixTime(seconds)))
    }
}

/// A truth value, also as `yes` or `true`.
pub(super) fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Bool(is) => is,
        Value::String(text) => {
            ["yes", "true", "y"].iter().any(|yes| text.eq_ignore_ascii_case(yes))
        }
        _ => false,
    })
}
