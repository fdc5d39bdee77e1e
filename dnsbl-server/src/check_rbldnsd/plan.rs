//! What becomes of rbldnsd's zones here.

use std::{collections::BTreeMap, path::PathBuf};

use dnsbl_formats::rbldnsd::{
    AclRule, DatasetType, ListType, NameServers, Part, PartName, Record, Settings, Soa,
};
use dnsbl_types::{Name, Source, UnixTime, ZoneKind};

use super::{
    arguments::{CommandLine, DatasetArgument, TtlLimits},
    differences,
    finding::{Finding, Level},
    load::{Dataset, List, Loaded, LoadedPart, PartContents, load},
    options,
    planned::{Plan, PlannedList, PlannedZone},
};

/// All that the command line has for a zone.
#[derive(Default)]
struct Gathered {
    lists: Vec<GatheredList>,
    records: Vec<Record>,
    settings: Vec<Settings>,
    /// Those of its lists.
    ttls: Vec<u32>,
    access: Option<Vec<AclRule>>,
    findings: Vec<Finding>,
    newest: u32,
    /// The zone that has this one as a part of a combined file.
    base: Option<Name>,
}

struct GatheredList {
    dataset: String,
    files: Vec<PathBuf>,
    list: List,
    /// What other zones share with it.
    shared: String,
}

/// Decides what becomes of a command line, whose files are read as they are at `now`.
pub(super) fn plan(line: CommandLine, name_servers: &[Name], now: UnixTime) -> Plan {
    let (mut findings, mut access) = (options::findings(&line), Vec::new());
    let mut order: Vec<Name> = Vec::new();
    let mut zones: BTreeMap<Name, Gathered> = BTreeMap::new();
    for origin in line.datasets.iter().filter_map(|argument| argument.zone.clone()) {
        if !order.contains(&origin) {
            zones.insert(origin.clone(), Gathered::default());
            order.push(origin);
        }
    }
    for argument in &line.datasets {
        let dataset = load(&line, argument, now);
        match &argument.zone {
            Some(origin) => gather(&mut zones, &mut order, (origin, &line.ttl), argument, dataset),
            None => {
                findings.extend(dataset.findings);
                if let Loaded::Acl(rules) = dataset.contents {
                    access.extend(rules);
                }
            }
        }
    }
    inherit(&mut zones);
    let mut planner =
        Planner { line: &line, name_servers, planned: Vec::new(), sources: Vec::new() };
    // What stands alone may be what others include.
    let (alone, several): (Vec<Name>, Vec<Name>) =
        order.into_iter().partition(|origin| zones[origin].groups().all(|group| group.len() < 2));
    for origin in alone.into_iter().chain(several) {
        if let Some(gathered) = zones.remove(&origin) {
            planner.zone(origin, gathered);
        }
    }
    let zones = planner.planned;
    Plan { zones, access, findings, line }
}

fn gather(
    zones: &mut BTreeMap<Name, Gathered>,
    order: &mut Vec<Name>,
    (origin, limits): (&Name, &TtlLimits),
    argument: &DatasetArgument,
    dataset: Dataset,
) {
    let Dataset { files, newest, contents, findings } = dataset;
    let shared = format!("{:?}", argument.shared());
    let zone = zones.entry(origin.clone()).or_default();
    zone.findings.extend(findings);
    zone.newest = zone.newest.max(newest);
    match contents {
        Loaded::List(list) => {
            zone.settings.push(list.settings.clone());
            zone.ttls.push(limits.of(&list.settings));
            zone.lists.push(GatheredList {
                dataset: argument.dataset.clone(),
                files,
                list: *list,
                shared,
            });
        }
        Loaded::Records(settings, records) => {
            zone.settings.push(settings);
            zone.add_records(records, limits);
        }
        Loaded::Acl(rules) => match &mut zone.access {
            None => zone.access = Some(rules),
            Some(_) => {
                let text = "a second access list for the zone, which rbldnsd does not take";
                zone.findings.push(Finding::new(Level::Broken, text));
            }
        },
        Loaded::Combined(settings, parts) => {
            zone.settings.push(settings);
            let mut seen: BTreeMap<(PathBuf, Name), usize> = BTreeMap::new();
            let totals = totals(&parts.iter().map(|of| (&of.file, &of.part)).collect::<Vec<_>>());
            for of in parts {
                for below in &of.part.below {
                    let number = seen.entry((of.file.clone(), below.clone())).or_default();
                    *number += 1;
                    let is_one_of_several = totals[&(of.file.clone(), below.clone())] > 1;
                    let name = PartName::new(below.clone(), is_one_of_several.then_some(*number));
                    add_part(zones, order, (origin, limits), &of, &name);
                }
            }
        }
        Loaded::Nothing => {}
    }
}

/// How many parts a file has for a name.
fn totals(parts: &[(&PathBuf, &Part)]) -> BTreeMap<(PathBuf, Name), usize> {
    let mut totals = BTreeMap::new();
    for (file, part) in parts {
        for below in &part.below {
            *totals.entry(((*file).clone(), below.clone())).or_default() += 1;
        }
    }
    totals
}

fn add_part(
    zones: &mut BTreeMap<Name, Gathered>,
    order: &mut Vec<Name>,
    (base, limits): (&Name, &TtlLimits),
    of: &LoadedPart,
    name: &PartName,
) {
    let Ok(origin) = base.prepend(name.below().labels()) else {
        let text = format!("there is no room for {} below {base}", name.below());
        let finding = Finding::new(Level::LeftOut, text).at(&of.file, Some(of.line));
        zones.entry(base.clone()).or_default().findings.push(finding);
        return;
    };
    let (newest, is_own) = (zones[base].newest, origin == *base);
    let zone = zones.entry(origin.clone()).or_insert_with(|| {
        order.push(origin.clone());
        Gathered { base: Some(base.clone()), newest, ..Gathered::default() }
    });
    if !is_own && zone.base.as_ref() != Some(base) {
        let text =
            format!("{origin} is a zone of its own, which rbldnsd asks instead of this part");
        zone.findings.push(Finding::new(Level::Same, text).at(&of.file, Some(of.line)));
        return;
    }
    match &of.contents {
        PartContents::List(list) => {
            zone.ttls.push(limits.of(&list.settings));
            zone.lists.push(GatheredList {
                dataset: format!("combined:{name}"),
                files: vec![of.file.clone()],
                list: List::clone(list),
                shared: format!("{} {}", of.file.display(), of.line),
            });
        }
        PartContents::Records(records) => zone.add_records(records.clone(), limits),
        PartContents::Nothing => {}
    }
}

/// Zones that are parts of a combined file have the SOA, the name servers and the access of its zone.
fn inherit(zones: &mut BTreeMap<Name, Gathered>) {
    let parts: Vec<(Name, Name)> = zones
        .iter()
        .filter_map(|(origin, zone)| Some((origin.clone(), zone.base.clone()?)))
        .collect();
    for (origin, base) in parts {
        let of_base = &zones[&base];
        let (inherited, access) = (of_base.settings.clone(), of_base.access.clone());
        if let Some(zone) = zones.get_mut(&origin) {
            zone.settings.extend(inherited);
            zone.access = access;
        }
    }
}

impl Gathered {
    /// Its lists by what they are about, those together whose entries may meet.
    fn groups(&self) -> impl Iterator<Item = Vec<&GatheredList>> {
        let firsts = [ListType::Ip4Set, ListType::Ip6Trie, ListType::DnSet];
        firsts
            .into_iter()
            .map(|first| self.lists.iter().filter(|list| list.list.list.meets(first)).collect())
    }

    /// Adds records with the TTL that each has.
    fn add_records(&mut self, records: Vec<Record>, limits: &TtlLimits) {
        let with_ttl = |record: Record| Record { ttl: Some(limits.clamp(record.ttl)), ..record };
        self.records.extend(records.into_iter().map(with_ttl));
    }

    fn kind(&self) -> ZoneKind {
        self.lists.first().map_or(ZoneKind::Domain, |list| list.list.list.kind())
    }

    fn soa(&self) -> Option<&Soa> {
        let soa = self.settings.iter().find_map(|settings| settings.soa.as_ref());
        soa.map(|at| &at.value)
    }

    fn ns(&self) -> Option<&NameServers> {
        self.settings.iter().find_map(|settings| settings.ns.as_ref()).map(|at| &at.value)
    }
}

struct Planner<'a> {
    line: &'a CommandLine,
    /// Those for zones whose files name none.
    name_servers: &'a [Name],
    planned: Vec<PlannedZone>,
    /// The sources so far: the zone, the source, and what other zones share with it.
    sources: Vec<(Name, String, String)>,
}

impl Planner<'_> {
    fn zone(&mut self, origin: Name, mut gathered: Gathered) {
        let kind = gathered.kind();
        let mut zone = self.settings(origin, kind, &mut gathered);
        let lists = std::mem::take(&mut gathered.lists);
        let (ours, others): (Vec<_>, Vec<_>) =
            lists.into_iter().partition(|list| list.list.list.kind() == kind);
        for list in others {
            let lists = if kind.has_addresses() { "addresses" } else { "domains" };
            let text = format!(
                "{}: a zone lists addresses or domains, not both, and this one lists {lists}: serve it under another name",
                list.dataset
            );
            zone.findings.push(Finding::new(Level::LeftOut, text).at(&list.files[0], None));
        }
        let firsts = [ListType::Ip4Set, ListType::Ip6Trie, ListType::DnSet];
        let mut rest = ours;
        for first in firsts {
            let (group, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|list| list.list.list.meets(first));
            rest = others;
            let is_alone = group.len() < 2;
            for list in group {
                match is_alone {
                    true => self.list(&mut zone, list),
                    false => self.include(&mut zone, list),
                }
            }
        }
        zone.findings.extend(differences::of_zone(&zone));
        self.planned.push(zone);
    }

    fn settings(&self, origin: Name, kind: ZoneKind, gathered: &mut Gathered) -> PlannedZone {
        let mut findings = std::mem::take(&mut gathered.findings);
        let soa = gathered.soa().cloned();
        let named = gathered.ns().map(|ns| ns.names.clone()).unwrap_or_default();
        let ns = if named.is_empty() { self.name_servers.to_vec() } else { named };
        let mut ttls = std::mem::take(&mut gathered.ttls);
        ttls.sort_unstable();
        ttls.dedup();
        if ttls.len() > 1 {
            let text = "its data sets have different TTLs, and the zone has one: the shortest";
            findings.push(Finding::new(Level::Differs, text));
        }
        let of_records = gathered.records.iter().filter_map(|record| record.ttl).min();
        let ttl = ttls.first().copied().or(of_records).unwrap_or_else(|| self.line.ttl.clamp(None));
        let serial = soa.as_ref().map_or(0, |soa| soa.serial);
        PlannedZone {
            origin,
            kind,
            ns,
            serial: if serial == 0 { gathered.newest } else { serial },
            soa,
            ttl: ttl.max(1),
            lists: Vec::new(),
            records: std::mem::take(&mut gathered.records),
            access: gathered.access.take().unwrap_or_default(),
            includes: Vec::new(),
            findings,
        }
    }

    fn list(&mut self, zone: &mut PlannedZone, of: GatheredList) {
        let source = self.source(zone, &of);
        let GatheredList { dataset, files, list, shared } = of;
        self.sources.push((zone.origin.clone(), source.clone(), shared));
        zone.lists.push(PlannedList { source, dataset, files, list });
    }

    /// Has a zone answer for a list that it has beside others: in a zone of its own, which is there already if
    /// rbldnsd serves it alone, too.
    fn include(&mut self, zone: &mut PlannedZone, of: GatheredList) {
        let known = self.planned.iter().find(|known| {
            let is_all = known.lists.len() == 1 && known.includes.is_empty();
            let is_same = |(origin, _, shared): &(Name, String, String)| {
                *origin == known.origin && *shared == of.shared
            };
            is_all && known.records.is_empty() && self.sources.iter().any(is_same)
        });
        if let Some(known) = known {
            return zone.includes.push(known.origin.clone());
        }
        let label: String = self.source(zone, &of).replace(['.', '_'], "-").to_ascii_lowercase();
        let label = label.trim_matches('-').chars().take(40).collect::<String>();
        let is_free = |origin: &Name| self.planned.iter().all(|known| known.origin != *origin);
        let names = std::iter::once(format!("{label}-list"))
            .chain((2..).map(|number| format!("{label}-list-{number}")));
        let mut origins = names.map_while(|name| zone.origin.prepend([name.as_bytes()]).ok());
        let Some(origin) = origins.find(is_free) else {
            let text = format!("{}: there is no room for a zone of its own", of.dataset);
            return zone.findings.push(Finding::new(Level::LeftOut, text).at(&of.files[0], None));
        };
        let mut own = PlannedZone {
            origin: origin.clone(),
            kind: zone.kind,
            ns: zone.ns.clone(),
            soa: zone.soa.clone(),
            serial: zone.serial,
            ttl: self.line.ttl.of(&of.list.settings).max(1),
            lists: Vec::new(),
            records: Vec::new(),
            access: zone.access.clone(),
            includes: Vec::new(),
            findings: Vec::new(),
        };
        let text =
            format!("a zone of its own, so that {} can include it beside others", zone.origin);
        own.findings.push(Finding::new(Level::Same, text));
        self.list(&mut own, of);
        own.findings.extend(differences::of_zone(&own));
        self.planned.push(own);
        zone.includes.push(origin);
    }

    /// A name for a list, after its first file; none twice in a zone.
    fn source(&self, zone: &PlannedZone, of: &GatheredList) -> String {
        let stem = of.files[0].file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.strip_suffix(".gz").unwrap_or(&stem);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let name: String = stem.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let name: String = name.chars().take(Source::MAX_LEN - 8).collect();
        let name = match name.as_str() {
            "" => DatasetType::List(of.list.list).as_str().to_owned(),
            Source::LOGINS | Source::REPORTS | "relay-test" => format!("{name}-list"),
            _ => name,
        };
        let is_free = |name: &String| zone.lists.iter().all(|list| list.source != *name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(is_free).unwrap_or(name)
    }
}
