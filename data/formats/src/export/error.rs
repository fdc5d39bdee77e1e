//! Files that can't be made of a zone.

use crate::rbldnsd::ListType;

/// A file that can't be made of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Sets of addresses have no domains, and the other way round.
    #[error("{list} has {} and this zone has the other", if *.list == ListType::DnSet { "domains" } else { "addresses" }, list = .list.as_str())]
    Kind {
        /// The data set that was asked for.
        list: ListType,
    },
    /// A data set that is only read.
    #[error("{} is not written: its entries share one value; ip4set and ip6trie say the same", .0.as_str())]
    Shared(ListType),
    /// A zone that has ended.
    #[error("it is retired, so there is nothing that another server should list")]
    Retired,
    /// A combined zone, whose answers no file has.
    #[error(
        "it includes {0} other zones and answers with their listings, too, and a file has those of one zone: export each of them (rbldnsd takes their files together, as ZONE:TYPE:FILE,FILE)"
    )]
    Combined(usize),
    /// A data set of the fork's.
    #[error("dnhash is not written: only rspamd's fork reads it, and dnset says the same to both")]
    Fork,
}
