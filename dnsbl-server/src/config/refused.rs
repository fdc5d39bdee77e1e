//! Refusals of values, and the keys under which these stand.

use std::{fmt::Display, net::IpAddr, ops::Range, str::FromStr, time::Duration};

use ipnet::IpNet;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use toml::Spanned;

/// A key whose value does not make sense, and the place in the text where that value stands.
pub(super) struct Refused {
    pub(super) key: &'static str,
    pub(super) at: Range<usize>,
    pub(super) detail: String,
}

pub(super) fn refuse<T>(
    key: &'static str,
    at: Range<usize>,
    detail: impl Into<String>,
) -> Result<T, Refused> {
    Err(Refused { key, at, detail: detail.into() })
}

/// A value that nobody typed, and that is never refused.
pub(super) fn usual<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// Reads a text.
pub(super) fn read<T: FromStr<Err: Display>>(
    key: &'static str,
    text: &Spanned<String>,
) -> Result<T, Refused> {
    let read = text.get_ref().parse();
    read.or_else(|err| refuse(key, text.span(), format!("{:?}: {err}", text.get_ref())))
}

/// Reads a text that may be left out.
pub(super) fn optional<T: FromStr<Err: Display>>(
    key: &'static str,
    text: Option<&Spanned<String>>,
) -> Result<Option<T>, Refused> {
    text.map(|text| read(key, text)).transpose()
}

/// Reads each of some texts.
pub(super) fn all<T: FromStr<Err: Display>>(
    key: &'static str,
    texts: &[Spanned<String>],
) -> Result<Vec<T>, Refused> {
    texts.iter().map(|text| read(key, text)).collect()
}

/// Reads addresses and prefixes.
pub(super) fn networks(
    key: &'static str,
    texts: &[Spanned<String>],
) -> Result<Vec<IpNet>, Refused> {
    let network = |text: &Spanned<String>| match text.get_ref().parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => read(key, text),
    };
    texts.iter().map(network).collect()
}

/// Reads a whole number and a unit: `90s`, `30m`, `6h`, `5d`.
pub(super) fn duration(
    key: &'static str,
    typed: Option<&Spanned<String>>,
    usual: Duration,
) -> Result<Duration, Refused> {
    let Some(typed) = typed else { return Ok(usual) };
    let text = typed.get_ref();
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = unit.trim();
    if !matches!(unit, "s" | "m" | "h" | "d") {
        let detail = format!("{text:?} is not a number with s, m, h or d behind it");
        return refuse(key, typed.span(), detail);
    }
    let span: Option<Span> = format!("{number}{unit}").parse().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    match duration.filter(|duration| *duration <= SignedDuration::from_hours(365 * 24)) {
        Some(duration) => Ok(duration.unsigned_abs()),
        None => refuse(key, typed.span(), format!("{text:?} is not within 0s and 365d")),
    }
}
