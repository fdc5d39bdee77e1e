//! Values as typed, and why one makes no sense.

use std::{fmt, net::SocketAddr, ops::Range};

use dnsbl_client::{Score, Udp};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use toml::Spanned;

use super::super::template::{Template, TemplateError};

/// A value that makes no sense, and where it stands.
pub(super) struct Refused {
    pub(super) at: Range<usize>,
    pub(super) detail: String,
}

pub(super) fn refuse<T>(at: Range<usize>, detail: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { at, detail: detail.into() })
}

/// A number of points.
#[derive(Clone, Copy)]
pub(super) struct Points(pub(super) Score);

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Points;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of points such as 2, -1 or 0.5")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Points, E> {
                number.to_string().parse().map(Points).map_err(E::custom)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Points, E> {
                number.to_string().parse().map(Points).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// The address of a DNS server.
pub(super) fn server(text: &Spanned<String>) -> Result<SocketAddr, Refused> {
    Udp::parse_server(text.get_ref())
        .ok_or_else(|| Refused { at: text.span(), detail: "not ADDRESS or ADDRESS:PORT".into() })
}

pub(super) fn template(
    text: &Spanned<String>,
    parse: fn(&str) -> Result<Template, TemplateError>,
) -> Result<Template, Refused> {
    parse(text.get_ref()).map_err(|err| Refused { at: text.span(), detail: err.to_string() })
}
