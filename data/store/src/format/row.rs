//! The rows of segments, as they are written, and their conversions.

use std::net::Ipv4Addr;

use dnsbl_types::{Entry, Listing, ListingBody, Source, Subject, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    format::{
        codec,
        value::{WriteStamp, reason, return_codes},
    },
};

/// A row of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Row {
    /// The source does not list the subject, whatever older segments say.
    Tombstone,
    /// The source lists the subject.
    Listing(Box<ListingRow>),
}

impl Row {
    /// The listing; `None` for a tombstone.
    pub(crate) fn listing(&self) -> Option<&ListingRow> {
        match self {
            Self::Tombstone => None,
            Self::Listing(listing) => Some(listing),
        }
    }

    /// The listing; `None` for a tombstone.
    pub(crate) fn into_listing(self) -> Option<ListingRow> {
        match self {
            Self::Tombstone => None,
            Self::Listing(listing) => Some(*listing),
        }
    }
}

/// A listing of a source, without subject and source: those are its key and its segment's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListingRow {
    exclusion: bool,
    return_codes: Vec<Ipv4Addr>,
    reason: Option<String>,
    tags: Vec<String>,
    note: Option<String>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) provenance: Provenance,
}

/// When and by whom a row was written.
///
/// The first two stand in the database like an `Option<WriteStamp>`, which they were in format 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Provenance {
    /// With its segment.
    #[default]
    OfSegment,
    /// On its own.
    Own(WriteStamp),
    /// With its segment, but the source listed the subject before, since this second.
    ListedSince(u64),
}

impl Provenance {
    /// The same in full, given that of the segment.
    pub(crate) fn stamp(&self, segment: &WriteStamp) -> WriteStamp {
        match self {
            Self::OfSegment => segment.clone(),
            Self::Own(stamp) => stamp.clone(),
            Self::ListedSince(listed_at) => WriteStamp { listed_at: *listed_at, ..segment.clone() },
        }
    }

    /// The stamp of the change that wrote it, given that of the segment.
    pub(crate) fn written<'a>(&'a self, segment: &'a WriteStamp) -> &'a WriteStamp {
        match self {
            Self::OfSegment | Self::ListedSince(_) => segment,
            Self::Own(stamp) => stamp,
        }
    }

    /// The change that wrote it, given the stamp of the segment.
    pub(crate) fn seq(&self, segment: &WriteStamp) -> u64 {
        self.written(segment).seq
    }

    /// The second since which the source lists the subject, given the stamp of the segment.
    pub(crate) fn listed_at(&self, segment: &WriteStamp) -> u64 {
        match self {
            Self::OfSegment => segment.listed_at,
            Self::Own(stamp) => stamp.listed_at,
            Self::ListedSince(listed_at) => *listed_at,
        }
    }
}

/// How a row that says nothing but "listed" begins; what follows is its provenance.
const PLAIN: [u8; 8] = [1, 1, 0, 0, 0, 0, 0, 0];

/// A row that says that its source says nothing.
pub(crate) const TOMBSTONE_ROW: &[u8] = &[1, 0];

/// A row that says nothing but "listed", written with its segment.
pub(crate) const PLAIN_ROW: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 0, 0];

/// Whether a row in the database says nothing but "listed", whoever wrote it when.
fn is_plain(row: &[u8]) -> bool {
    row.starts_with(&PLAIN)
}

/// The head of a [`Row::Listing`], borrowed: all that decides answers, and what lies between.
#[derive(Deserialize)]
struct Answer<'a> {
    exclusion: bool,
    return_codes: Vec<Ipv4Addr>,
    reason: Option<&'a str>,
    #[serde(borrow)]
    _tags: Vec<&'a str>,
    _note: Option<&'a str>,
    expires_at: Option<u64>,
}

/// Reads of a row what decides answers; `None` for a tombstone.
pub(crate) fn decode_answer(row: &[u8]) -> Result<Option<ListingRow>, StoreError> {
    if is_plain(row) {
        return Ok(Some(ListingRow::default()));
    }
    let [1, 1, head @ ..] = row else {
        return Ok(codec::decode::<Row>("listing", row)?.into_listing());
    };
    let (answer, _) = postcard::take_from_bytes::<Answer<'_>>(head)
        .map_err(|err| StoreError::unreadable("listing", err))?;
    Ok(Some(ListingRow {
        exclusion: answer.exclusion,
        return_codes: answer.return_codes,
        reason: answer.reason.map(Into::into),
        expires_at: answer.expires_at,
        ..ListingRow::default()
    }))
}

/// The value beside the key of a row that expires, so that counting need not read the row.
pub(crate) fn expiry_value(row: &ListingRow) -> [u8; 1] {
    [row.exclusion().into()]
}

/// Whether a row that expires is an exclusion; `None` where an older release wrote its expiry.
pub(crate) fn read_expiry_value(value: &[u8]) -> Option<bool> {
    value.first().map(|flag| *flag != 0)
}

/// Whether a row in the database says nothing but "listed", and was written with its segment.
pub(crate) fn is_plain_of_segment(row: &[u8]) -> bool {
    row == PLAIN_ROW
}

impl ListingRow {
    pub(crate) fn new(body: &ListingBody, provenance: Provenance) -> Self {
        Self {
            exclusion: body.exclusion,
            return_codes: body.return_codes.iter().map(|code| code.addr()).collect(),
            reason: body.reason.as_ref().map(|reason| reason.template().into()),
            tags: body.tags.clone(),
            note: body.note.clone(),
            expires_at: body.expires_at.map(|at| at.0),
            provenance,
        }
    }

    /// The same, written then and by them.
    pub(crate) fn with_provenance(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }

    /// Whether it says nothing but "listed", and was written with its segment.
    pub(crate) fn is_plain_of_segment(&self) -> bool {
        *self == PLAIN_LISTING
    }

    pub(crate) fn tags(&self) -> &[String] {
        &self.tags
    }

    pub(crate) fn return_codes(&self) -> &[Ipv4Addr] {
        &self.return_codes
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(crate) fn exclusion(&self) -> bool {
        self.exclusion
    }

    pub(crate) fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now.0 < at)
    }

    /// Whether two rows say the same, whoever wrote them when.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.exclusion == other.exclusion
            && self.return_codes == other.return_codes
            && self.reason == other.reason
            && self.tags == other.tags
            && self.note == other.note
            && self.expires_at == other.expires_at
    }

    pub(crate) fn body(&self) -> Result<ListingBody, StoreError> {
        Ok(ListingBody {
            return_codes: return_codes(&self.return_codes)?,
            reason: self.reason.as_deref().map(reason).transpose()?,
            exclusion: self.exclusion,
            tags: self.tags.clone(),
            note: self.note.clone(),
            expires_at: self.expires_at.map(UnixTime),
        })
    }

    /// The part that decides answers; `None` where it has return codes and none may be answered: with
    /// the zone's in their place an upgrade would list what good clients have never taken for listed.
    pub(crate) fn entry(&self) -> Result<Option<Entry>, StoreError> {
        let mut codes = return_codes(&self.return_codes)?;
        codes.retain(|code| code.is_answered());
        if codes.is_empty() && !self.return_codes.is_empty() {
            return Ok(None);
        }
        Ok(Some(Entry {
            exclusion: self.exclusion,
            return_codes: codes,
            reason: self.reason.as_deref().map(reason).transpose()?,
            expires_at: self.expires_at.map(UnixTime),
        }))
    }

    /// The listing that this is, given the source and the stamp of its segment.
    pub(crate) fn listing(
        &self,
        subject: Subject,
        source: &Source,
        segment: &WriteStamp,
    ) -> Result<Listing, StoreError> {
        let stamp = self.provenance.stamp(segment);
        Ok(Listing {
            subject,
            source: source.clone(),
            body: self.body()?,
            listed_at: UnixTime(stamp.listed_at),
            updated_at: UnixTime(stamp.updated_at),
            listed_by: stamp.listed_by,
            seq: stamp.seq,
        })
    }
}

/// What a plain listing says.
pub(crate) static PLAIN_LISTING: ListingRow = ListingRow {
    exclusion: false,
    return_codes: Vec::new(),
    reason: None,
    tags: Vec::new(),
    note: None,
    expires_at: None,
    provenance: Provenance::OfSegment,
};

#[cfg(test)]
mod tests {
    use super::{
        ListingRow, PLAIN_ROW, Provenance, Row, TOMBSTONE_ROW, WriteStamp, decode_answer, is_plain,
        is_plain_of_segment,
    };
    use crate::format::codec;

    fn bytes(row: ListingRow) -> Vec<u8> {
        codec::encode(&Row::Listing(Box::new(row)))
    }

    #[test]
    fn a_plain_row_is_known_by_its_bytes() {
        let written = WriteStamp { listed_at: 1, updated_at: 2, listed_by: "x".into(), seq: 3 };
        let plain = bytes(ListingRow::default());
        let own = bytes(ListingRow::default().with_provenance(Provenance::Own(written)));
        let since = bytes(ListingRow::default().with_provenance(Provenance::ListedSince(7)));
        assert!(is_plain(&plain) && is_plain(&own) && is_plain(&since));
        assert_eq!(plain, PLAIN_ROW);
        assert!(is_plain_of_segment(&plain));
        assert!(!is_plain_of_segment(&own) && !is_plain_of_segment(&since));
        for row in [
            ListingRow { exclusion: true, ..ListingRow::default() },
            ListingRow { note: Some(String::new()), ..ListingRow::default() },
            ListingRow { expires_at: Some(0), ..ListingRow::default() },
        ] {
            assert!(!is_plain(&bytes(row)));
        }
        assert_eq!(codec::encode(&Row::Tombstone), TOMBSTONE_ROW);
        assert!(!is_plain(TOMBSTONE_ROW));
    }

    #[test]
    fn what_decides_answers_is_read_without_the_rest() {
        let written = WriteStamp { listed_at: 1, updated_at: 2, listed_by: "x".into(), seq: 3 };
        let answer = ListingRow {
            exclusion: true,
            return_codes: vec![[127, 0, 0, 3].into()],
            reason: Some("why".into()),
            expires_at: Some(1 << 40),
            ..ListingRow::default()
        };
        let whole = ListingRow {
            tags: vec!["a".into(), "b".into()],
            note: Some("n".into()),
            provenance: Provenance::Own(written),
            ..answer.clone()
        };
        assert_eq!(decode_answer(&bytes(whole)).unwrap(), Some(answer));
        assert_eq!(decode_answer(PLAIN_ROW).unwrap(), Some(ListingRow::default()));
        assert_eq!(decode_answer(TOMBSTONE_ROW).unwrap(), None);
        for row in [&[][..], &[1], &[1, 1, 0, 9], &[9, 1, 0]] {
            assert!(decode_answer(row).is_err(), "{row:?}");
        }
    }

    #[test]
    fn a_provenance_stands_like_the_option_that_it_was() {
        let written = WriteStamp { listed_at: 1, updated_at: 2, listed_by: "x".into(), seq: 3 };
        assert_eq!(codec::encode(&Provenance::OfSegment), codec::encode(&None::<WriteStamp>));
        assert_eq!(codec::encode(&Provenance::Own(written.clone())), codec::encode(&Some(written)));
    }
}
