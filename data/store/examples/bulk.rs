//! Imports many addresses, opens the store again and reads it, and says how long each part took.
//!
//! `cargo build --release --locked --workspace --examples && target/release/examples/bulk FOLDER [ADDRESSES]`

#![expect(clippy::unwrap_used, reason = "a measurement that can't go on has failed")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use dnsbl_store::{
    Actor, Change, ImportLimits, ImportMode, Operation, OperationResult, Precondition, Staging,
    Store,
};
use dnsbl_types::{
    AllowEntry, Entry, EntryWriter, Follower, ListingBody, Name, Serial, Subject, Subscriber,
    UnixTime, Zone, ZoneKind, ZoneSpec,
};

/// Counts what it is shown.
#[derive(Default)]
struct Counter {
    hosts: usize,
    others: usize,
}

impl EntryWriter for Counter {
    fn set_entries(&mut self, _: &Name, _: &Subject, _: &[Entry]) {
        self.others += 1;
    }
    fn set_plain_hosts(&mut self, _: &Name, hosts: &[u32]) {
        self.hosts += hosts.len();
    }
}

impl Follower for Counter {
    fn put_zone(&mut self, _: &Zone, _: Serial) {}
    fn remove_zone(&mut self, _: &Name) {}
    fn set_serial(&mut self, _: &Name, _: Serial) {}
    fn set_subscriber(&mut self, _: Option<&Subscriber>, _: Option<&Subscriber>) {}
    fn put_allow_entry(&mut self, _: &AllowEntry) {}
    fn remove_allow_entry(&mut self, _: &AllowEntry) {}
    fn publish(&mut self, _: u64, _: Instant) {}
}

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().expect("the folder for the store, which must not exist");
    let count: u32 = args.next().map_or(10_000_000, |count| count.parse().unwrap());
    let folder = Path::new(&folder);
    std::fs::create_dir(folder).expect("a new folder");
    let addresses = timed("making addresses", || addresses(count));

    let mut store = opened(folder);
    let zone = Operation::PutZone { zone: Box::new(zone()), serial_floor: None };
    store.commit(Change::new(actor(), zone), UnixTime::now()).unwrap();
    import(&store, "feed", &addresses, "into an empty zone");
    store = reopened(store, folder);
    import(&store, "feed", &addresses, "of the same again");
    import(&store, "feed", &addresses[count as usize / 20..], "without a twentieth");
    import(&store, "other", &addresses, "by another source");
    store = reopened(store, folder);
    rows(&store, &addresses[..count as usize / 5]);
    store = reopened(store, folder);
    writes(&store, &addresses);
    println!("memory after all this: {}", memory());
    drop(store);
    println!("{} bytes on disk", size(folder));
}

fn import(store: &Store, source: &str, addresses: &[u32], what: &str) {
    println!("import {what}:");
    let begun = Instant::now();
    let mut staging = store.stage(&origin(), source.parse().unwrap()).unwrap();
    timed("  staging", || {
        addresses.iter().for_each(|addr| staging.put_host((*addr).into()).unwrap());
    });
    finish(store, staging);
    println!("  in all {:?}", begun.elapsed());
}

/// An import in which each listing has something of its own.
fn rows(store: &Store, addresses: &[u32]) {
    println!("import of {} addresses with a note each:", addresses.len());
    let mut staging = store.stage(&origin(), "notes".parse().unwrap()).unwrap();
    timed("  staging", || {
        for addr in addresses {
            let body = ListingBody { note: Some(format!("seen {addr}")), ..ListingBody::default() };
            staging.put(&Subject::from(std::net::Ipv4Addr::from(*addr)), &body).unwrap();
        }
    });
    finish(store, staging);
}

fn finish(store: &Store, staging: Staging) {
    let limits = ImportLimits { allow_rejected: false, max_removed: 1.0 };
    let mode = ImportMode::ReplaceSource(limits);
    let staged = timed("  deciding", || staging.finish(mode, false, UnixTime::now()).unwrap());
    let change = staged.commit();
    let done = timed("  committing", || {
        store.commit(Change::new(actor(), change), UnixTime::now()).unwrap()
    });
    let Some(OperationResult::Import(counts)) = done.clone().into_result() else {
        panic!("{done:?}")
    };
    println!("  {counts:?}");
}

fn opened(folder: &Path) -> Store {
    let store = timed("opening", || Store::open(folder).unwrap());
    let mut counter = Counter::default();
    timed("reading", || store.load(&mut counter).unwrap());
    println!("  {} plain addresses, {} others", counter.hosts, counter.others);
    store.start(Box::new(counter)).unwrap();
    store
}

fn reopened(store: Store, folder: &Path) -> Store {
    store.close();
    drop(store);
    opened(folder)
}

/// Single writes, many at once.
fn writes(store: &Store, addresses: &[u32]) {
    const THREADS: usize = 64;
    const EACH: usize = 1000;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for part in addresses.chunks(EACH).take(THREADS) {
            scope.spawn(move || part.iter().for_each(|addr| put(store, *addr)));
        }
    });
    let rate = (THREADS * EACH) as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:.0} durable writes a second, {THREADS} at once");
}

fn put(store: &Store, addr: u32) {
    let change = Operation::PutListing {
        zone: origin(),
        subject: Subject::from(std::net::Ipv4Addr::from(addr ^ 1)),
        source: "feed".parse().unwrap(),
        body: Box::default(),
        precondition: Precondition::None,
    };
    store.commit(Change::new(actor(), change), UnixTime::now()).unwrap();
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let (begun, cpu) = (Instant::now(), cpu());
    let result = run();
    let cpu = self::cpu().saturating_sub(cpu);
    println!("{what}: {:?}, CPU {cpu:?}, memory {}", begun.elapsed(), memory());
    result
}

/// What the process has used of the processors.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// Resident memory now and at most since the last look.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    };
    let memory = format!("{} MiB, at most {} MiB", field("VmRSS"), field("VmHWM"));
    // Forgets the maximum.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    memory
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// Addresses in no order, 70 % of them in /24s with many others.
fn addresses(count: u32) -> Vec<u32> {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 32) as u32
    };
    let nets: Vec<u32> = (0..count / 100).map(|_| random() & 0xffff_ff00).collect();
    let mut address = |_| match random() % 10 {
        0..7 => nets[random() as usize % nets.len()] | random() & 0xff,
        _ => random(),
    };
    (0..count).map(&mut address).collect()
}

fn actor() -> Actor {
    Actor::part("bulk")
}

fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

fn zone() -> Zone {
    let ns: Name = "ns.example.net".parse().unwrap();
    let reason = "$".parse().unwrap();
    ZoneSpec::new(origin(), ZoneKind::Ip, vec![ns], reason).check().unwrap()
}
