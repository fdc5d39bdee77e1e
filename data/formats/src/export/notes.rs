//! What an export could not say.

/// A fact about a subject that a format has no words for, so that a server which gets it would answer something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A trie has one code for a prefix.
    #[error("has several return codes, and a trie of rbldnsd has one value for a prefix")]
    SeveralCodes,
    /// Names of IPv6 prefixes that are as short as those of IPv4 addresses mean both.
    #[error(
        "is shorter than /13, and a wildcard for it would also stand for the names of IPv4 addresses"
    )]
    ShortV6,
    /// What it says of 6to4 addresses depends on the IPv4 addresses inside them.
    #[error("covers all 6to4 addresses (2002::/16), each of which has an IPv4 address inside")]
    CoversSixToFour,
    /// Prefixes that end inside a label are many names.
    #[error("takes the file beyond {0} names")]
    TooManyNames(u64),
}

/// What can't be said, and the first subject of which it can't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// How many subjects there are of which it can't be said.
    pub count: u64,
    /// The first of them, and why.
    pub first: Option<(String, Refusal)>,
}

impl Refusals {
    pub(super) fn add(&mut self, subject: &impl ToString, why: Refusal) {
        self.count += 1;
        self.first.get_or_insert_with(|| (subject.to_string(), why));
    }
}

/// What is said otherwise than we do, where whether something is listed, and by which codes, is the same.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) refusals: Refusals,
    /// Listings that end, which no file can say.
    pub(super) expiring: u64,
    counts: [u64; NOTES.len()],
}

/// Something that is said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    CutText,
    BlankAtEnd,
    BlankBehindSubject,
    FurtherTexts,
    ListedName,
    WildcardText,
    SixToFour,
    Record,
}

/// The comments, in the order of [`Note`].
const NOTES: [&str; 8] = [
    "texts were cut: rbldnsd sends at most 254 octets",
    "texts end with a blank, which rbldnsd does not send",
    "texts have a blank behind the address that is not theirs: rbldnsd would take what follows for a variable",
    "prefixes have several texts, of which a trie says the first",
    "texts show the name that is listed, not the one that was asked for",
    "texts of wildcards show what is listed, not what was asked for",
    "prefixes of 6to4 addresses: rbldnsd does not see that one form of an address excludes the other",
    "records of the zone's own are left out, which rbldnsd has no words for: other types than A, MX and TXT, and TXT over 255 octets",
];

impl Notes {
    pub(super) fn note(&mut self, note: Note) {
        self.counts[note as usize] += 1;
    }

    /// The comments, without what begins one.
    pub(super) fn comments(&self) -> Vec<String> {
        let expiring = (self.expiring > 0).then(|| {
            format!("{} listings expire, which a file can't say: export again", self.expiring)
        });
        let counted = NOTES.iter().zip(self.counts).filter(|(_, count)| *count > 0);
        expiring.into_iter().chain(counted.map(|(text, count)| format!("{count} {text}"))).collect()
    }
}
