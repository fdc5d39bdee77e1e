//! The index: what an address's entries say, and how a change gets in.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dnsbl_index::{Index, IndexWriter};
use dnsbl_tests::Random;
use dnsbl_types::{
    AccessKey, Entry, EntryWriter as _, Follower as _, KeyDigest, Name, Quota, Recognition, Serial,
    Subject, Subscriber, SubscriberId, SubscriberKey, UnixTime, Zone, ZoneKind, ZoneSpec,
};

const SIZES: [(usize, &str); 3] = [(1_000, "1k"), (1_000_000, "1M"), (10_000_000, "10M")];
const NOW: UnixTime = UnixTime(1_000);
/// How many addresses are asked for in turn.
const ASKED: usize = 1 << 16;

/// An index of a size, and addresses to ask for.
struct Filled {
    origin: Name,
    index: Arc<Index>,
    writer: IndexWriter,
    listed: Vec<IpAddr>,
    unlisted: Vec<IpAddr>,
}

impl Filled {
    /// Lists addresses whose lowest bit is 0.
    fn with(size: usize) -> Self {
        let mut random = Random::new(size as u64);
        let mut listed: Vec<u32> = (0..size).map(|_| random.number() as u32 & !1).collect();
        listed.sort_unstable();
        let zone = zone();
        let (origin, index) = (zone.origin.clone(), Arc::new(Index::default()));
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        for &bits in &listed {
            writer.set_entries(&origin, &Subject::host(address(bits)), &[Entry::default()]);
        }
        writer.publish(1, Instant::now());
        let mut pick = || listed[random.below(size)];
        let listed: Vec<IpAddr> = (0..ASKED).map(|_| address(pick())).collect();
        let unlisted = (0..ASKED).map(|_| address(random.number() as u32 | 1)).collect();
        Self { origin, index, writer, listed, unlisted }
    }

    fn judge(&self, addr: IpAddr) -> bool {
        let snapshot = self.index.load();
        let zone = snapshot.zone(&self.origin).expect("the zone was put");
        zone.judge_address(addr, NOW).listed().is_some()
    }

    fn change(&mut self, addr: IpAddr, entries: &[Entry]) {
        self.writer.set_entries(&self.origin, &Subject::host(addr), entries);
        self.writer.publish(2, Instant::now());
    }
}

fn address(bits: u32) -> IpAddr {
    Ipv4Addr::from(bits).into()
}

fn zone() -> Zone {
    let ns: Name = "ns.example.net".parse().expect("a name");
    let reason = "Open relay $".parse().expect("a reason");
    ZoneSpec::new("bl.example.org".parse().expect("a name"), ZoneKind::Ip, vec![ns], reason)
        .check()
        .expect("settings that fit together")
}

fn index(criterion: &mut Criterion) {
    for (size, name) in SIZES {
        let mut filled = Filled::with(size);
        for (what, asked) in [("listed", &filled.listed), ("unlisted", &filled.unlisted)] {
            let mut addresses = asked.iter().cycle();
            criterion.bench_function(&format!("judge_address {what} {name}"), |bencher| {
                bencher.iter(|| filled.judge(black_box(*addresses.next().expect("it goes on"))));
            });
        }
        let unlisted = filled.unlisted.clone();
        let mut addresses = unlisted.iter().cycle();
        criterion.bench_function(&format!("set_entries and publish {name}"), |bencher| {
            bencher.iter(|| {
                let addr = *addresses.next().expect("it goes on");
                filled.change(addr, &[Entry::default()]);
                filled.change(addr, &[]);
            });
        });
    }
}

/// How many subscribers there are, and how many of their questions come at once.
const SUBSCRIBERS: u64 = 100_000;
const BATCH: usize = 64;

/// From a key in a name to a question that is counted, for a batch as the server takes it.
fn subscribers(criterion: &mut Criterion) {
    let (index, mut random) = (Arc::new(Index::default()), Random::new(7));
    let mut writer = IndexWriter::new(index.clone());
    writer.put_zone(&zone(), Serial(1));
    let mut keys: Vec<AccessKey> = Vec::new();
    for id in 0..SUBSCRIBERS {
        let bits = u128::from(random.number()) << 64 | u128::from(random.number());
        let key = AccessKey::from_random(bits.to_be_bytes());
        writer.set_subscriber(None, Some(&subscriber(id, key.digest())));
        keys.push(key);
    }
    writer.publish(1, Instant::now());
    let snapshot = index.load();
    let subscribers = snapshot.subscribers();
    let mut group = criterion.benchmark_group("subscribers 100k");
    group.throughput(Throughput::Elements(BATCH as u64));
    let mut pick = || -> Vec<AccessKey> {
        (0..BATCH).map(|_| keys[random.below(keys.len())].clone()).collect()
    };
    let digests = |keys: Vec<AccessKey>| keys.iter().map(AccessKey::digest).collect::<Vec<_>>();
    group.bench_function("digest", |bencher| {
        bencher.iter_batched(&mut pick, digests, BatchSize::SmallInput);
    });
    group.bench_function("find and count", |bencher| {
        let count = |digests: Vec<KeyDigest>| {
            subscribers.prefetch::<BATCH>(&digests);
            for digest in &digests {
                let found = subscribers.by_key(digest, NOW).expect("each key is somebody's");
                found.meter().count(0, true, false);
            }
            digests
        };
        bencher.iter_batched(|| digests(pick()), count, BatchSize::SmallInput);
    });
    group.finish();
}

fn subscriber(id: u64, digest: KeyDigest) -> Subscriber {
    Subscriber {
        id: SubscriberId(id),
        name: format!("subscriber {id}"),
        zones: vec![zone().origin.clone()],
        networks: Vec::new(),
        recognition: Recognition::Key,
        quota: Quota::default(),
        expires_at: None,
        keys: vec![SubscriberKey { digest, created_at: NOW, until: None }],
        note: None,
        created_at: NOW,
    }
}

criterion_group!(benches, subscribers, index);
criterion_main!(benches);
