//! Figures: what zones had, were asked and changed in an hour or on a day. They follow from what happened and decide
//! nothing, so they are no part of the change log.

use std::{net::Ipv4Addr, ops::AddAssign};

use dnsbl_types::{Labels, Name, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{StoreError, format::codec};

/// A length of time that figures are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// An hour of UTC.
    Hour,
    /// A day of UTC.
    Day,
}

/// The figures of a zone in one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiguresRow {
    /// By hours or by days.
    pub span: Span,
    /// Which, counted from 1970 on.
    pub number: u32,
    /// The origin of the zone.
    pub zone: Name,
    /// What was counted.
    pub figures: Figures,
}

/// How many spans of age are told apart.
const AGE_SPANS: usize = Figures::AGES.len() + 1;

/// What is counted of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Questions over DNS.
    pub questions: u64,
    /// Those of them to which the answer was a listing.
    pub listed: u64,
    /// Listings that were added.
    pub added: u64,
    /// Listings that were removed before they expired.
    pub removed: u64,
    /// Listings that expired.
    pub expired: u64,
    /// Of single listings that were removed, how long they had been there: by the places in [`Figures::AGES`], and those
    /// above the last.
    pub ages: [u64; AGE_SPANS],
    /// What the zone had at the end of the span, as far as that was looked at.
    pub stock: Option<Stock>,
}

/// What a zone has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Listings.
    pub listings: u64,
    /// Exclusions.
    pub exclusions: u64,
    /// Listings by their first return code; empty where they were not counted.
    pub codes: Vec<(Ipv4Addr, u64)>,
}

/// Where the change log has been counted up to.
pub(crate) const COUNTED: &[u8] = b"c";
/// In front of figures.
const FIGURES: u8 = b'f';

impl Span {
    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Self::Hour => 3600,
            Self::Day => 24 * 3600,
        }
    }

    /// The number of the span that a time lies in.
    pub fn of(self, at: UnixTime) -> u32 {
        u32::try_from(at.0 / self.seconds()).unwrap_or(u32::MAX)
    }

    /// When a span begins.
    pub fn began(self, number: u32) -> UnixTime {
        UnixTime(u64::from(number) * self.seconds())
    }

    fn letter(self) -> u8 {
        match self {
            Self::Hour => b'h',
            Self::Day => b'd',
        }
    }
}

impl Figures {
    /// Seconds below which a listing was removed: an hour, a day, two, seven, thirty, ninety.
    pub const AGES: [u64; 6] = [3600, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400];

    /// Counts the removal of a listing that had been there for so many seconds.
    pub fn count_removal(&mut self, age: u64) {
        self.removed += 1;
        let place = Self::AGES.iter().position(|most| age < *most).unwrap_or(Self::AGES.len());
        self.ages[place] += 1;
    }
}

impl AddAssign for Figures {
    /// Adds what was counted; what a zone had later is what it has.
    fn add_assign(&mut self, later: Self) {
        self.questions = self.questions.saturating_add(later.questions);
        self.listed = self.listed.saturating_add(later.listed);
        self.added = self.added.saturating_add(later.added);
        self.removed = self.removed.saturating_add(later.removed);
        self.expired = self.expired.saturating_add(later.expired);
        for (own, more) in self.ages.iter_mut().zip(later.ages) {
            *own = own.saturating_add(more);
        }
        if let Some(mut stock) = later.stock {
            if stock.codes.is_empty() {
                stock.codes = self.stock.take().map(|stock| stock.codes).unwrap_or_default();
            }
            self.stock = Some(stock);
        }
    }
}

/// The first key of a span.
pub(crate) fn figures_from(span: Span, number: u32) -> Vec<u8> {
    let mut key = vec![FIGURES, span.letter()];
    key.extend(number.to_be_bytes());
    key
}

/// The first key behind those of this kind of span.
pub(crate) fn figures_behind(span: Span) -> Vec<u8> {
    vec![FIGURES, span.letter() + 1]
}

pub(crate) fn figures_key(row: &FiguresRow) -> Vec<u8> {
    let mut key = figures_from(row.span, row.number);
    key.extend(row.zone.wire());
    key
}

pub(crate) fn figures_value(figures: &Figures) -> Vec<u8> {
    codec::encode(figures)
}

pub(crate) fn read_figures_value(bytes: &[u8]) -> Result<Figures, StoreError> {
    codec::decode("figures", bytes)
}

pub(crate) fn read_figures(span: Span, key: &[u8], value: &[u8]) -> Result<FiguresRow, StoreError> {
    let unreadable = || StoreError::unreadable("figures key", format!("{key:x?}"));
    let (&[_, _, ref number @ ..], wire) = key.split_first_chunk::<6>().ok_or_else(unreadable)?;
    if wire.is_empty() {
        return Err(unreadable());
    }
    let zone = Name::from_labels(Labels::before(wire, 1)).ok().filter(|zone| zone.wire() == wire);
    Ok(FiguresRow {
        span,
        number: u32::from_be_bytes(*number),
        zone: zone.ok_or_else(unreadable)?,
        figures: read_figures_value(value)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Figures, Stock};

    #[test]
    fn counts_add_up_and_the_last_stock_stays() {
        let stock = |listings, codes| Some(Stock { listings, exclusions: 0, codes });
        let code = vec![("127.0.0.2".parse().unwrap(), 5)];
        let mut sum = Figures { questions: 1, stock: stock(5, code.clone()), ..Figures::default() };
        sum.count_removal(10);
        let mut more = Figures { questions: 2, stock: stock(6, vec![]), ..Figures::default() };
        more.count_removal(86_400);
        more.count_removal(u64::MAX);
        sum += more;
        assert_eq!((sum.questions, sum.removed, sum.ages), (3, 3, [1, 0, 1, 0, 0, 0, 1]));
        assert_eq!(sum.stock, stock(6, code));
        sum += Figures::default();
        assert_eq!(sum.stock.unwrap().listings, 6);
    }
}
