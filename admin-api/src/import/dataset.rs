//! From the values of a data set to listing bodies.

use std::collections::HashMap;

use dnsbl_formats::rbldnsd::{Value, ValueId};
use dnsbl_types::{ListingBody, Reason, ReturnCode, UnixTime, Zone};

/// The bodies of a data set's listings, each made once.
///
/// What is the zone's own stays out of a body, so that an address with nothing of its own costs as little as in
/// a plain import.
pub(super) struct Bodies<'a> {
    values: &'a [Value],
    zone: &'a Zone,
    expires_at: Option<UnixTime>,
    excluded: ListingBody,
    single: Vec<Result<ListingBody, BodyError>>,
    several: HashMap<Box<[ValueId]>, Result<ListingBody, BodyError>>,
    /// How many subjects have texts that were joined.
    joined: u64,
}

/// So many different bodies of several values are kept.
const KEPT: usize = 4096;

/// The reason for which a body can't be told, and the first line that wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BodyError {
    pub(super) line: u64,
    pub(super) why: String,
}

impl<'a> Bodies<'a> {
    /// The bodies of what these values say in a zone.
    pub(super) fn new(values: &'a [Value], zone: &'a Zone, expires_at: Option<UnixTime>) -> Self {
        let excluded = ListingBody { exclusion: true, expires_at, ..ListingBody::default() };
        let single = values.iter().map(|value| body(&[value], zone, expires_at)).collect();
        let several = HashMap::new();
        Self { values, zone, expires_at, excluded, single, several, joined: 0 }
    }

    /// The body of a subject that has these values.
    pub(super) fn of(&mut self, ids: &[ValueId]) -> Result<&ListingBody, &BodyError> {
        let ids = match ids {
            [id] => {
                return match id.place() {
                    None => Ok(&self.excluded),
                    Some(place) => self.single[place].as_ref(),
                };
            }
            ids => ids,
        };
        let all = self.values;
        let places = ids.iter().filter_map(|id| id.place());
        let values: Vec<&Value> = places.map(|place| &all[place]).collect();
        if texts(&values).len() > 1 {
            self.joined += 1;
        }
        if !self.several.contains_key(ids) {
            if self.several.len() >= KEPT {
                self.several.clear();
            }
            self.several.insert(ids.into(), body(&values, self.zone, self.expires_at));
        }
        self.several[ids].as_ref()
    }

    /// The reasons of their own, and the first line of each.
    pub(super) fn reasons(&self) -> impl Iterator<Item = (u64, &'a Reason)> + use<'a> {
        self.values.iter().filter_map(|value| match &value.says {
            Ok((_, Some(reason))) => Some((value.line, reason)),
            _ => None,
        })
    }

    /// How many subjects have several texts, which became one.
    pub(super) fn joined(&self) -> u64 {
        self.joined
    }

    /// The first line whose value has no text.
    pub(super) fn without_text(&self) -> Option<u64> {
        let without = self.values.iter().find(|value| matches!(value.says, Ok((_, None))));
        without.map(|value| value.line)
    }
}

/// The body that says all of these values.
fn body(
    values: &[&Value],
    zone: &Zone,
    expires_at: Option<UnixTime>,
) -> Result<ListingBody, BodyError> {
    let mut codes: Vec<ReturnCode> = Vec::new();
    for value in values {
        let wrong = |why: String| BodyError { line: value.line, why };
        let (code, _) = value.says.as_ref().map_err(|err| wrong(err.to_string()))?;
        codes.push(*code);
    }
    codes.sort_unstable();
    codes.dedup();
    let line = values.first().map_or(0, |value| value.line);
    let wrong = |why: String| BodyError { line, why };
    let reason = match texts(values).as_slice() {
        [] => None,
        [one] => Some((*one).clone()),
        several => {
            let texts: Vec<&str> = several.iter().map(|text| text.template()).collect();
            let joined = texts.join("; ");
            Some(joined.parse().map_err(|err| wrong(format!("its texts, joined: {err}")))?)
        }
    };
    let body = ListingBody {
        return_codes: if codes == zone.return_codes { Vec::new() } else { codes },
        reason: reason.filter(|reason| *reason != zone.reason),
        expires_at,
        ..ListingBody::default()
    };
    body.checked().map_err(|err| wrong(err.to_string()))
}

/// Different texts, in order.
fn texts<'a>(values: &[&'a Value]) -> Vec<&'a Reason> {
    let mut texts: Vec<&Reason> = Vec::new();
    for value in values {
        if let Ok((_, Some(text))) = &value.says
            && !texts.contains(&text)
        {
            texts.push(text);
        }
    }
    texts
}
