//! The rows of segments, as they are written, and their conversions.

use std::net::Ipv4Addr;

use dnsbl_types::{Entry, Listing, ListingBody, Subject, UnixTime};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, codec,
    state::Segment,
    value::{Written, reason, return_codes},
};

/// What a segment says of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Row {
    /// That its source says nothing.
    Tombstone,
    /// This.
    Says(Box<Said>),
}

impl Row {
    /// What it says; nothing for a tombstone.
    pub(crate) fn said(self) -> Option<Said> {
        match self {
            Self::Tombstone => None,
            Self::Says(said) => Some(*said),
        }
    }
}

/// What a source says of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    exclusion: bool,
    return_codes: Vec<Ipv4Addr>,
    reason: Option<String>,
    tags: Vec<String>,
    note: Option<String>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) origin: Origin,
}

/// When and by whom a row was written.
///
/// The first two stand in the database like an `Option<Written>`, which they were in format 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// With its segment.
    #[default]
    Segment,
    /// On its own.
    Own(Written),
    /// With its segment, but the source listed the subject before, since this second.
    Since(u64),
}

impl Origin {
    /// The same in full.
    pub(crate) fn written(&self, segment: &Segment) -> Written {
        match self {
            Self::Segment => segment.written.clone(),
            Self::Own(written) => written.clone(),
            Self::Since(listed_at) => Written { listed_at: *listed_at, ..segment.written.clone() },
        }
    }

    /// Since when the source lists the subject.
    pub(crate) fn listed_at(&self, segment: &Segment) -> u64 {
        match self {
            Self::Segment => segment.written.listed_at,
            Self::Own(written) => written.listed_at,
            Self::Since(listed_at) => *listed_at,
        }
    }
}

/// How a row that says nothing but "listed" begins; what follows is its origin.
const PLAIN: [u8; 8] = [1, 1, 0, 0, 0, 0, 0, 0];

/// A row that says that its source says nothing.
pub(crate) const TOMBSTONE_ROW: &[u8] = &[1, 0];

/// A row that says nothing but "listed", written with its segment.
pub(crate) const PLAIN_ROW: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 0, 0];

/// Whether a row in the database says nothing but "listed", whoever wrote it when.
fn is_plain(row: &[u8]) -> bool {
    row.starts_with(&PLAIN)
}

/// The head of a [`Row::Says`], borrowed: all that decides answers, and what lies between.
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
pub(crate) fn decode_answer(row: &[u8]) -> Result<Option<Said>, StoreError> {
    if is_plain(row) {
        return Ok(Some(Said::default()));
    }
    let [1, 1, head @ ..] = row else {
        return Ok(codec::decode::<Row>("listing", row)?.said());
    };
    let (answer, _) = postcard::take_from_bytes::<Answer<'_>>(head)
        .map_err(|err| StoreError::unreadable("listing", err))?;
    Ok(Some(Said {
        exclusion: answer.exclusion,
        return_codes: answer.return_codes,
        reason: answer.reason.map(Into::into),
        expires_at: answer.expires_at,
        ..Said::default()
    }))
}

/// Whether a row in the database says nothing but "listed", and was written with its segment.
pub(crate) fn is_plain_of_segment(row: &[u8]) -> bool {
    row == PLAIN_ROW
}

impl Said {
    pub(crate) fn new(body: &ListingBody, origin: Origin) -> Self {
        Self {
            exclusion: body.exclusion,
            return_codes: body.return_codes.iter().map(|code| code.addr()).collect(),
            reason: body.reason.as_ref().map(|reason| reason.template().into()),
            tags: body.tags.clone(),
            note: body.note.clone(),
            expires_at: body.expires_at.map(|at| at.0),
            origin,
        }
    }

    /// The same, written then and by them.
    pub(crate) fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Whether it says nothing but "listed", and was written with its segment.
    pub(crate) fn is_plain_of_segment(&self) -> bool {
        *self == PLAIN_SAID
    }

    pub(crate) fn exclusion(&self) -> bool {
        self.exclusion
    }

    pub(crate) fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now.0 < at)
    }

    /// Whether two rows say the same, whoever wrote them when.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
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

    /// The listing that this is in `segment`.
    pub(crate) fn listing(
        &self,
        subject: Subject,
        segment: &Segment,
    ) -> Result<Listing, StoreError> {
        let written = self.origin.written(segment);
        Ok(Listing {
            subject,
            source: segment.source.clone(),
            body: self.body()?,
            listed_at: UnixTime(written.listed_at),
            updated_at: UnixTime(written.updated_at),
            listed_by: written.listed_by,
            seq: written.seq,
        })
    }
}

/// What a plain listing says.
static PLAIN_SAID: Said = Said {
    exclusion: false,
    return_codes: Vec::new(),
    reason: None,
    tags: Vec::new(),
    note: None,
    expires_at: None,
    origin: Origin::Segment,
};

#[cfg(test)]
mod tests {
    use super::{
        Origin, PLAIN_ROW, Row, Said, TOMBSTONE_ROW, Written, decode_answer, is_plain,
        is_plain_of_segment,
    };
    use crate::codec;

    fn bytes(said: Said) -> Vec<u8> {
        codec::encode(&Row::Says(Box::new(said)))
    }

    #[test]
    fn a_plain_row_is_known_by_its_bytes() {
        let written = Written { listed_at: 1, updated_at: 2, listed_by: "x".into(), seq: 3 };
        let plain = bytes(Said::default());
        let own = bytes(Said::default().with_origin(Origin::Own(written)));
        let since = bytes(Said::default().with_origin(Origin::Since(7)));
        assert!(is_plain(&plain) && is_plain(&own) && is_plain(&since));
        assert_eq!(plain, PLAIN_ROW);
        assert!(is_plain_of_segment(&plain));
        assert!(!is_plain_of_segment(&own) && !is_plain_of_segment(&since));
        for said in [
            Said { exclusion: true, ..Said::default() },
            Said { note: Some(String::new()), ..Said::default() },
            Said { expires_at: Some(0), ..Said::default() },
        ] {
            assert!(!is_plain(&bytes(said)));
        }
        assert_eq!(codec::encode(&Row::Tombstone), TOMBSTONE_ROW);
        assert!(!is_plain(TOMBSTONE_ROW));
    }

    #[test]
    fn what_decides_answers_is_read_without_the_rest() {
        let written = Written { listed_at: 1, updated_at: 2, listed_by: "x".into(), seq: 3 };
        let answer = Said {
            exclusion: true,
            return_codes: vec![[127, 0, 0, 3].into()],
            reason: Some("why".into()),
            expires_at: Some(1 << 40),
            ..Said::default()
        };
        let whole = Said {
            tags: vec!["a".into(), "b".into()],
            note: Some("n".into()),
            origin: Origin::Own(written),
            ..answer.clone()
        };
        assert_eq!(decode_answer(&bytes(whole)).unwrap(), Some(answer));
        assert_eq!(decode_answer(PLAIN_ROW).unwrap(), Some(Said::default()));
        assert_eq!(decode_answer(TOMBSTONE_ROW).unwrap(), None);
        for row in [&[][..], &[1], &[1, 1, 0, 9], &[9, 1, 0]] {
            assert!(decode_answer(row).is_err(), "{row:?}");
        }
    }

    #[test]
    fn an_origin_stands_like_the_option_that_it_was() {
        let written = Written { listed_at: 1, updated_at: 2, listed_by: "x".into(), seq: 3 };
        assert_eq!(codec::encode(&Origin::Segment), codec::encode(&None::<Written>));
        assert_eq!(codec::encode(&Origin::Own(written.clone())), codec::encode(&Some(written)));
    }
}
