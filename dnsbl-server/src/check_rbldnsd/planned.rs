//! Zones to be.

use std::{net::SocketAddr, path::PathBuf};

use dnsbl_formats::rbldnsd::{AclRule, Record, RecordData, Soa};
use dnsbl_types::{Guard, Name, ZoneKind};

use super::{
    arguments::{CommandLine, Listen},
    finding::{Finding, Level},
    load::List,
};

/// What becomes of a command line.
pub(super) struct Plan {
    pub(super) line: CommandLine,
    /// Zones that others include come before those.
    pub(super) zones: Vec<PlannedZone>,
    /// The access list for all zones.
    pub(super) access: Vec<AclRule>,
    /// What is not about one zone.
    pub(super) findings: Vec<Finding>,
}

/// A zone to be.
pub(super) struct PlannedZone {
    pub(super) origin: Name,
    pub(super) kind: ZoneKind,
    pub(super) ns: Vec<Name>,
    pub(super) soa: Option<Soa>,
    /// The serial of `$SOA`, or the time of the newest file.
    pub(super) serial: u32,
    pub(super) ttl: u32,
    pub(super) lists: Vec<PlannedList>,
    pub(super) records: Vec<Record>,
    pub(super) access: Vec<AclRule>,
    pub(super) includes: Vec<Name>,
    pub(super) findings: Vec<Finding>,
}

/// A list that is imported into a zone.
pub(super) struct PlannedList {
    pub(super) source: String,
    /// As imports and feeds name it: a type, or a part of a combined file.
    pub(super) dataset: String,
    pub(super) files: Vec<PathBuf>,
    pub(super) list: List,
}

impl PlannedList {
    /// The guards that have to be lifted for its entries.
    pub(super) fn lifted(&self) -> Vec<Guard> {
        self.list.summary.guarded.iter().map(|(guard, ..)| *guard).collect()
    }
}

impl PlannedZone {
    /// Whether it is a name server inside the zone without an address in its records.
    pub(super) fn has_no_address(&self, ns: &Name) -> bool {
        let Some(labels) = ns.strip_suffix(&self.origin) else { return false };
        !self.records.iter().any(|record| {
            matches!(record.data, RecordData::A(_)) && record.name.labels().eq(labels)
        })
    }
}

impl Plan {
    /// The addresses to listen on, as this server's configuration has them.
    pub(super) fn listen(&self) -> Vec<String> {
        let shown = |listen: &Listen| match listen {
            Listen::At(addr, port) => Some(SocketAddr::new(*addr, *port).to_string()),
            Listen::Named(_) => None,
        };
        self.line.listen.iter().filter_map(shown).collect()
    }

    /// All findings, with the zone that each is about.
    pub(super) fn findings(&self) -> impl Iterator<Item = (Option<&Name>, &Finding)> {
        let of_zones = self
            .zones
            .iter()
            .flat_map(|zone| zone.findings.iter().map(|finding| (Some(&zone.origin), finding)));
        self.findings.iter().map(|finding| (None, finding)).chain(of_zones)
    }

    /// The worst of them.
    pub(super) fn worst(&self) -> Level {
        let levels = self.findings().map(|(_, finding)| finding.level);
        levels.max().unwrap_or(Level::Same)
    }
}
