//! How long writes take while much is swept and compacted, and how long it takes to start meanwhile.
//!
//! `cargo build --release --locked --workspace --examples && target/release/examples/housekeeping FOLDER [ROWS [OTHERS]]`
//!
//! `ROWS` expire in one second, and as many go with an import; `OTHERS` plain addresses stay. Sweep and compaction
//! go as in the server: one step, then a pause as long as it took.

#![expect(clippy::unwrap_used, reason = "a measurement that can't go on has failed")]
#![expect(clippy::disallowed_methods, reason = "the pauses are what the server makes")]

use std::{
    net::Ipv4Addr,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use dnsbl_store::{
    Actor, Change, ImportLimits, ImportMode, Operation, OperationResult, Precondition, Store,
};
use dnsbl_types::{ListingBody, Name, Source, Subject, UnixTime, Zone, ZoneKind, ZoneSpec};

const NOW: UnixTime = UnixTime(1_700_000_000);
const SOON: UnixTime = UnixTime(1_700_003_600);
const PAUSE: Duration = Duration::from_millis(20);

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().expect("the folder for the store, which must not exist");
    let rows: u32 = args.next().map_or(1_000_000, |rows| rows.parse().unwrap());
    let others: u32 = args.next().map_or(1_000_000, |others| others.parse().unwrap());
    let folder = Path::new(&folder);
    std::fs::create_dir(folder).expect("a new folder");
    let store = opened(folder);
    let zone = Operation::PutZone { zone: Box::new(zone()), serial_floor: None };
    store.commit(Change::new(actor(), zone), NOW).unwrap();
    import(&store, "others", 0..others, &ListingBody::default());

    println!("no housekeeping:");
    let quiet = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(3));
            quiet.store(true, Ordering::Relaxed);
        });
        writes(&store, &quiet);
    });

    println!("{rows} expire in one second:");
    let body = ListingBody { expires_at: Some(SOON), ..ListingBody::default() };
    import(&store, "expiring", 0..rows, &body);
    let begun = Instant::now();
    let listings = store.read(SOON).zone(&origin()).unwrap().unwrap().listings;
    println!("  {listings} are left; counted in {:?}", begun.elapsed());
    beside_writes(&store, || Operation::Sweep);

    println!("{rows} go with an import:");
    let note = ListingBody { note: Some("seen".into()), ..ListingBody::default() };
    import(&store, "replaced", 0..2 * rows, &note);
    import(&store, "replaced", rows..2 * rows, &note);
    let store = reopened(store, folder, "before the compaction");
    for _ in 0..rows / 1000 {
        store.commit(Change::new(actor(), Operation::CompactSegments), SOON).unwrap();
    }
    let store = reopened(store, folder, "in the compaction");
    beside_writes(&store, || Operation::CompactSegments);

    println!("{rows} plain addresses go with an import:");
    import(&store, "others", rows.min(others)..others, &ListingBody::default());
    let store = reopened(store, folder, "before the compaction");
    beside_writes(&store, || Operation::CompactSegments);
    reopened(store, folder, "after the compaction");
}

/// Repeats a change as the server does, beside writes.
fn beside_writes(store: &Store, make: impl Fn() -> Operation + Sync) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (begun, mut steps, mut longest) = (Instant::now(), 0, Duration::ZERO);
            loop {
                let step = Instant::now();
                let outcome =
                    store.commit(Change::new(actor(), make()), SOON).unwrap().into_result();
                if matches!(outcome, Some(OperationResult::Count(0))) {
                    break;
                }
                (steps, longest) = (steps + 1, longest.max(step.elapsed()));
                thread::sleep(step.elapsed().min(PAUSE));
            }
            done.store(true, Ordering::Relaxed);
            println!("  {steps} steps in {:?}, the longest {longest:?}", begun.elapsed());
        });
        writes(store, &done);
    });
}

/// Writes one listing after the other until it is done.
fn writes(store: &Store, done: &AtomicBool) {
    let mut took = Vec::new();
    let mut n = 0u32;
    while !done.load(Ordering::Relaxed) {
        n = n.wrapping_add(1);
        let change = Operation::PutListing {
            zone: origin(),
            subject: Subject::from(Ipv4Addr::from(0x6000_0000 + n)),
            source: "replaced".parse().unwrap(),
            body: Box::default(),
            precondition: Precondition::None,
        };
        let begun = Instant::now();
        store.commit(Change::new(actor(), change), SOON).unwrap();
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "  {} writes: half within {:?}, 99 of 100 within {:?}, all within {:?}",
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn import(store: &Store, source: &str, rows: std::ops::Range<u32>, body: &ListingBody) {
    let source: Source = source.parse().unwrap();
    let mut staging = store.stage(&origin(), source).unwrap();
    for n in rows {
        // Spread over the space, a dozen in each /24.
        let addr = Ipv4Addr::from(n.wrapping_mul(0x9e37_79b1) >> 2 | 0x0100_0000);
        staging.put(&Subject::from(addr), body).unwrap();
    }
    let limits = ImportLimits { allow_rejected: false, max_removed: 1.0 };
    let staged = staging.finish(ImportMode::ReplaceSource(limits), false, NOW).unwrap();
    let begun = Instant::now();
    store.commit(Change::new(actor(), staged.commit()), NOW).unwrap();
    println!("  import committed in {:?}", begun.elapsed());
}

fn opened(folder: &Path) -> Store {
    let store = Store::open(folder).unwrap();
    store.load(&mut ()).unwrap();
    store.start(Box::new(())).unwrap();
    store
}

fn reopened(store: Store, folder: &Path, when: &str) -> Store {
    store.close();
    drop(store);
    let begun = Instant::now();
    let store = opened(folder);
    println!("  started again {when} in {:?}", begun.elapsed());
    store
}

fn actor() -> Actor {
    Actor::part("housekeeping")
}

fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

fn zone() -> Zone {
    let ns: Name = "ns.example.net".parse().unwrap();
    ZoneSpec::new(origin(), ZoneKind::Ip, vec![ns], "$".parse().unwrap()).check().unwrap()
}
