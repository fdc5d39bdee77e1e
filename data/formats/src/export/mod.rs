//! What a zone lists, written so that another server answers the same.
//!
//! An [`Exporter`] takes the listings of a zone in the order of their subjects: IPv4, IPv6, domains, each subject
//! before what it covers. It writes as it reads, and keeps no more than what covers the subject it is at.
//!
//! | for whom | how |
//! |---|---|
//! | rbldnsd, ip4set | ranges are cut where a longer prefix of the same class decides, see `cut.rs` |
//! | rbldnsd, the tries and dnset | line by line: they decide as we do |
//! | name servers | wildcards, and what keeps them from answering for more than they shall, see `zone_file/` |
//! | resolvers | RPZ: prefixes as they are, domains like in zone files |
//!
//! What a format can't say is either a [`Refusal`], where answers would be others, or counted in a comment at the end.
//! Test entries, which every zone has, are written with the data sets and zone files, since the server that gets these
//! has to answer them as well.

mod answer;
mod cut;
mod domains;
mod error;
mod exporter;
mod nodes;
mod notes;
mod out;
mod rbldnsd;
mod rpz;
mod zone_file;

pub use error::ExportError;
pub use exporter::{Exporter, Options, Part, Target};
pub use notes::{Refusal, Refusals};
pub use rpz::Trigger;
