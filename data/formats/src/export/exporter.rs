//! From listings to the text of a file.

use dnsbl_types::{Listing, Serial, Subject, Zone, ZoneKind};

use super::{
    answer::{Answer, Defaults, Joined},
    error::ExportError,
    nodes::{Node, Nodes},
    notes::{Notes, Refusals},
    out::Out,
    rbldnsd::{Combined, DataSet},
    rpz::{Rpz, Trigger},
    zone_file::ZoneFile,
};
use crate::rbldnsd::ListType;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A data set of rbldnsd; those that share one value (ip4tset, ip6tset) are only read.
    Rbldnsd(ListType),
    /// All of a zone in one data set of rbldnsd's type `combined`.
    Combined,
    /// A zone in the master file format (RFC 1035 section 5).
    ZoneFile,
    /// A response policy zone.
    Rpz(Trigger),
}

/// The listings of a zone that a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All.
    All,
    /// IPv4 addresses and prefixes.
    V4,
    /// IPv6 addresses and prefixes.
    V6,
}

/// What a zone file has.
#[derive(Clone, Copy, Debug)]
pub struct Options<'l> {
    /// The most names.
    pub max_names: u64,
    /// The IPv6 forms of IPv4 addresses too (`::ffff:a.b.c.d` and 6to4), if all listings of the zone are given that overlap
    /// 2002::/16, in their order.
    pub ipv6_forms: Option<&'l [Listing]>,
}

impl Default for Options<'_> {
    /// As many names as there are, without IPv6 forms.
    fn default() -> Self {
        Self { max_names: u64::MAX, ipv6_forms: None }
    }
}

/// A file in the making.
///
/// Listings are [`add`](Self::add)ed in the order of their subjects, then comes [`finish`](Self::finish). What is written so
/// far is in [`text`](Self::text), from which it may be taken at any time.
pub struct Exporter<'z> {
    zone: &'z Zone,
    serial: Serial,
    defaults: Defaults,
    nodes: Nodes,
    writer: Writer,
    notes: Notes,
    out: Out,
    /// The subject whose listings come.
    pending: Option<(Subject, Joined)>,
    /// Whether listings come that have come before.
    is_again: bool,
}

/// What writes the nodes.
#[expect(clippy::large_enum_variant, reason = "there is one for each file")]
enum Writer {
    DataSet(DataSet),
    Combined(Combined),
    ZoneFile(ZoneFile),
    Rpz(Rpz),
}

impl Target {
    /// The data set that a zone is usually written as: ip4set or dnset.
    pub fn usual_data_set(kind: ZoneKind) -> ListType {
        if kind.has_addresses() { ListType::Ip4Set } else { ListType::DnSet }
    }

    /// Which listings it has.
    pub fn part(self) -> Part {
        match self {
            Self::Rbldnsd(ListType::Ip4Set | ListType::Ip4Trie | ListType::Ip4TSet) => Part::V4,
            Self::Rbldnsd(ListType::Ip6Trie | ListType::Ip6TSet) => Part::V6,
            Self::Rbldnsd(ListType::DnSet | ListType::DnHash)
            | Self::Combined
            | Self::ZoneFile
            | Self::Rpz(_) => Part::All,
        }
    }

    /// Whether there may be something that it can't say.
    pub fn may_refuse(self) -> bool {
        match self {
            Self::Rbldnsd(list) => matches!(list, ListType::Ip4Trie | ListType::Ip6Trie),
            Self::ZoneFile => true,
            Self::Combined | Self::Rpz(_) => false,
        }
    }
}

impl<'z> Exporter<'z> {
    /// The beginning of a file.
    ///
    /// # Errors
    /// There is no such file of a zone of that kind, of one that includes others, or of one that has ended.
    pub fn new(
        target: Target,
        zone: &'z Zone,
        serial: Serial,
        options: Options<'_>,
    ) -> Result<Self, ExportError> {
        if zone.phase.retirement().is_some() {
            return Err(ExportError::Retired);
        }
        if !zone.includes.is_empty() {
            return Err(ExportError::Combined(zone.includes.as_slice().len()));
        }
        let defaults = Defaults::of(zone);
        let (writer, fixed) = match target {
            Target::Rbldnsd(list) => {
                let set = DataSet::new(list, zone)?;
                let fixed = set.fixed(zone);
                (Writer::DataSet(set), fixed)
            }
            Target::Combined => {
                let set = Combined::new(zone);
                let fixed = set.fixed(zone);
                (Writer::Combined(set), fixed)
            }
            Target::ZoneFile => {
                let forms = options.ipv6_forms.map(|listings| joined(listings, &defaults));
                let file = ZoneFile::new(zone, options.max_names, forms);
                let fixed = file.fixed(zone);
                (Writer::ZoneFile(file), fixed)
            }
            Target::Rpz(trigger) => (Writer::Rpz(Rpz::new(trigger, zone)), Vec::new()),
        };
        let nodes = Nodes::new(fixed);
        let (notes, out) = (Notes::default(), Out::default());
        let mut exporter = Self {
            zone,
            serial,
            defaults,
            nodes,
            writer,
            notes,
            out,
            pending: None,
            is_again: false,
        };
        exporter.writer.head(zone, serial, &mut exporter.out, &mut exporter.notes);
        Ok(exporter)
    }

    /// What is written and was not taken.
    pub fn text(&mut self) -> &mut String {
        &mut self.out.text
    }

    /// What could not be said so far: then the file is not to be used.
    pub fn refusals(&self) -> &Refusals {
        &self.notes.refusals
    }

    /// Adds a listing. Its subject is that of the one before, or comes behind it.
    pub fn add(&mut self, listing: &Listing) {
        let body = &listing.body;
        self.notes.expiring += u64::from(body.expires_at.is_some() && !self.is_again);
        if let Some((subject, joined)) = &mut self.pending
            && *subject == listing.subject
        {
            return joined.add(body, &self.defaults);
        }
        self.settle();
        let mut joined = Joined::new();
        joined.add(body, &self.defaults);
        self.pending = Some((listing.subject.clone(), joined));
    }

    /// Which listings have to be [`add`](Self::add)ed once more, in their order, before the file is finished; to be asked until
    /// it is none.
    pub fn again(&mut self) -> Option<Part> {
        self.settle();
        let Self { nodes, writer, out, notes, .. } = self;
        let Writer::Combined(set) = writer else { return None };
        nodes.end(|node| set.put(node, out, notes));
        self.is_again = true;
        set.begin_next(out).then_some(Part::V6)
    }

    /// Ends the file.
    pub fn finish(&mut self) {
        self.settle();
        let Self { nodes, writer, out, notes, .. } = self;
        nodes.end(|node| writer.put(node, out, notes));
        writer.end(out, notes);
        let mark = writer.comment();
        for comment in notes.comments() {
            out.write(format_args!("{mark} {comment}\n"));
        }
        out.write(format_args!("{mark} end of {}, serial {}\n", self.zone.origin, self.serial.0));
    }

    /// All listings of a subject are in.
    fn settle(&mut self) {
        let Some((subject, joined)) = self.pending.take() else { return };
        let answer = joined.answer(&self.defaults);
        let Self { nodes, writer, out, notes, .. } = self;
        nodes.add(subject, answer, |node| writer.put(node, out, notes));
    }
}

/// The answers of subjects.
fn joined(listings: &[Listing], defaults: &Defaults) -> Vec<(Subject, Answer)> {
    let same = listings.chunk_by(|a, b| a.subject == b.subject);
    let answer = |same: &[Listing]| {
        let mut joined = Joined::new();
        same.iter().for_each(|listing| joined.add(&listing.body, defaults));
        (same[0].subject.clone(), joined.answer(defaults))
    };
    same.map(answer).collect()
}

impl Writer {
    /// What begins a comment.
    fn comment(&self) -> char {
        match self {
            Self::DataSet(_) | Self::Combined(_) => '#',
            Self::ZoneFile(_) | Self::Rpz(_) => ';',
        }
    }

    fn head(&self, zone: &Zone, serial: Serial, out: &mut Out, notes: &mut Notes) {
        match self {
            Self::DataSet(set) => set.head(zone, serial, out),
            Self::Combined(set) => set.head(zone, serial, out, notes),
            Self::ZoneFile(file) => file.head(zone, serial, out),
            Self::Rpz(rpz) => rpz.head(zone, serial, out),
        }
    }

    fn put(&mut self, node: Node, out: &mut Out, notes: &mut Notes) {
        match self {
            Self::DataSet(set) => set.put(node, out, notes),
            Self::Combined(set) => set.put(node, out, notes),
            Self::ZoneFile(file) => file.put(node, out, notes),
            Self::Rpz(rpz) => rpz.put(node, out),
        }
    }

    fn end(&mut self, out: &mut Out, notes: &mut Notes) {
        match self {
            Self::DataSet(set) => set.end(out, notes),
            Self::Combined(set) => set.end(out, notes),
            Self::ZoneFile(file) => file.end(out, notes),
            Self::Rpz(rpz) => rpz.end(out),
        }
    }
}
