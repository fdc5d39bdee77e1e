//! Lines that rbldnsd reads otherwise than they look.

/// A line that is taken, and means something else to rbldnsd than to who reads it, or something else here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trap {
    /// The line ends with CR.
    #[error(
        "the line ends with CR, which rbldnsd takes for part of an address or a text; it is left out here"
    )]
    CarriageReturn,
    /// The file begins with a byte order mark.
    #[error(
        "the file begins with a byte order mark, for which rbldnsd drops the first line; it is left out here"
    )]
    ByteOrderMark,
    /// A range or prefix with blanks in it.
    #[error(
        "a range or prefix with blanks lists its first address alone, with the rest as its text, as rbldnsd does; write it without blanks"
    )]
    SpacedRange,
    /// A value where entries have none.
    #[error(
        "what stands behind an address is ignored: entries of ip4tset and ip6tset share one value"
    )]
    IgnoredValue,
    /// A second default value where the first counts.
    #[error("only the first default value counts in ip4tset and ip6tset; this one is ignored")]
    IgnoredDefault,
    /// A variable that is set already.
    #[error("a variable keeps its first text; this one is ignored")]
    IgnoredVariable,
    /// A text that rbldnsd cuts.
    #[error("rbldnsd cuts texts to 254 bytes; here it is sent whole")]
    LongText,
    /// The text of a record that rbldnsd cuts.
    #[error(
        "rbldnsd cuts the text of a record to 255 bytes; here it is sent whole, in several strings"
    )]
    LongRecord,
    /// A prefix of an access list that has a rule already.
    #[error("only the first rule of a prefix counts; this one is ignored")]
    SecondRule,
    /// What rspamd's fork takes for parameters.
    #[error(
        "what follows @ is part of the text, as in rbldnsd; rspamd's fork takes it for parameters"
    )]
    Parameters,
    /// `1::` without a length.
    #[error(
        "an address that ends with :: is that one address, as in rbldnsd; write the length of a prefix, such as /32"
    )]
    NoLength,
    /// `::ffff:a.b.c.d`, which is IPv4 here.
    #[error(
        "an address in ::ffff:0:0/96 is the IPv4 address in it, which rbldnsd would not find in an ip6trie"
    )]
    Mapped,
    /// A directive that is there already.
    #[error("only the first $SOA and $NS of a file count; this one is ignored")]
    IgnoredDirective,
}

/// How often a trap was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trapped {
    /// Which.
    pub trap: Trap,
    /// The first such line.
    pub line: u64,
    /// How many lines there are.
    pub count: u64,
}

/// The traps of a file, each once.
#[derive(Debug, Default)]
pub(super) struct Traps(Vec<Trapped>);

impl Traps {
    pub(super) fn add(&mut self, trap: Trap, line: u64) {
        match self.0.iter_mut().find(|known| known.trap == trap) {
            Some(known) => known.count += 1,
            None => self.0.push(Trapped { trap, line, count: 1 }),
        }
    }

    pub(super) fn all(&self) -> &[Trapped] {
        &self.0
    }
}
