//! The answer function: a query of the fast path read, answered and written, as a UDP worker does it.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Instant,
};

use criterion::{Criterion, criterion_group, criterion_main};
use dnsbl_index::{Index, IndexWriter};
use dnsbl_tests::Random;
use dnsbl_types::{
    Access, AccessAction, AccessKey, AccessRules, EntryWriter as _, Follower as _, Name, Quota,
    Recognition, Serial, Subscriber, SubscriberId, SubscriberKey, SubscriberMode, UnixTime, Zone,
    ZoneKind, ZoneQuotas, ZoneSpec, query_name,
};

const SIZES: [(usize, &str); 3] = [(1_000, "1k"), (1_000_000, "1M"), (10_000_000, "10M")];
const NOW: UnixTime = UnixTime(1_000);
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// How many names are asked for in turn.
const ASKED: usize = 1 << 14;
const A: u16 = 1;
const TXT: u16 = 16;

fn zone() -> Zone {
    let ns: Name = "ns1.example.net".parse().expect("a name");
    let origin = "bl.example.org".parse().expect("a name");
    let reason = "Listed, see https://bl.example.org/$".parse().expect("a reason");
    let spec = ZoneSpec::new(origin, ZoneKind::Ip, vec![ns], reason);
    spec.check().expect("the settings fit together")
}

fn query(addr: u32, qtype: u16, origin: &Name) -> Vec<u8> {
    let addr = Ipv4Addr::from_bits(addr);
    let name = query_name::encode(addr.into(), origin).expect("the name is short enough");
    let mut packet = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend(name.wire());
    packet.extend(qtype.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

fn answers(criterion: &mut Criterion) {
    for (size, name) in SIZES {
        let mut random = Random::new(size as u64);
        // Listed addresses end in 0, the others in 1.
        let mut listed: Vec<u32> = (0..size).map(|_| random.number() as u32 & !1).collect();
        listed.sort_unstable();
        listed.dedup();
        let (zone, index) = (zone(), Arc::new(Index::default()));
        let origin = zone.origin.clone();
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        writer.set_plain_hosts(&origin, &listed);
        writer.publish(1, Instant::now());
        let mut ask = |is_listed: bool, qtype| -> Vec<Vec<u8>> {
            let mut address = || match is_listed {
                true => listed[random.below(listed.len())],
                false => random.number() as u32 | 1,
            };
            (0..ASKED).map(|_| query(address(), qtype, &origin)).collect()
        };
        for (what, packets) in [
            ("listed A", ask(true, A)),
            ("listed TXT", ask(true, TXT)),
            ("unlisted A", ask(false, A)),
        ] {
            let (snapshot, mut reply) = (index.load(), [0; 1232]);
            let mut packets = packets.iter().cycle();
            criterion.bench_function(&format!("answer/{what}/{name}"), |bencher| {
                bencher.iter(|| {
                    let packet = packets.next().expect("they never end");
                    black_box(dnsbl_server::answer_fast(&snapshot, packet, CLIENT, &mut reply, NOW))
                });
            });
        }
    }
}

/// What it costs to decide who may ask, with a list of a million.
fn access(criterion: &mut Criterion) {
    let mut random = Random::new(7);
    let mut listed: Vec<u32> = (0..1_000_000).map(|_| random.number() as u32).collect();
    listed.sort_unstable();
    listed.dedup();
    let rules = (0..64).map(|i| format!("10.{i}.0.0/16").parse().expect("a prefix"));
    let rules = rules.map(|prefix| (prefix, AccessAction::Refuse));
    let rules = AccessRules::new(AccessAction::Pass, rules).expect("good rules");
    let second = Quota { per_second: NonZeroU32::new(1_000_000), per_day: None };
    let quotas = ZoneQuotas { address: second, network: second, zone: second };
    let mode = SubscriberMode::Required;
    for (what, subscribers, access) in [
        ("open", 0, Access::default()),
        ("64 rules", 0, Access { rules, ..Access::default() }),
        ("quotas", 0, Access { quotas, ..Access::default() }),
        ("1 subscriber", 1, Access { subscribers: mode, ..Access::default() }),
        ("100k subscribers", 100_000, Access { subscribers: mode, ..Access::default() }),
    ] {
        let zone = ZoneSpec { access, ..ZoneSpec::clone(&zone()) }.check().expect("a zone");
        let (origin, index) = (zone.origin.clone(), Arc::new(Index::default()));
        let mut writer = IndexWriter::new(index.clone());
        writer.put_zone(&zone, Serial(1));
        writer.set_plain_hosts(&origin, &listed);
        let keys: Vec<AccessKey> = (0..subscribers).map(|_| key(&mut random)).collect();
        for (id, key) in keys.iter().enumerate() {
            writer.set_subscriber(None, Some(&subscriber(id as u64, key, &origin)));
        }
        writer.publish(1, Instant::now());
        let mut ask = || {
            let addr = listed[random.below(listed.len())];
            let origin = match keys.as_slice() {
                [] => origin.clone(),
                keys => origin.prepend([random.pick(keys).reveal().as_bytes()]).expect("a name"),
            };
            query(addr, A, &origin)
        };
        let packets: Vec<Vec<u8>> = (0..ASKED).map(|_| ask()).collect();
        let (snapshot, mut reply) = (index.load(), [0; 1232]);
        let mut packets = packets.iter().cycle();
        criterion.bench_function(&format!("access/{what}"), |bencher| {
            bencher.iter(|| {
                let packet = packets.next().expect("they never end");
                black_box(dnsbl_server::answer_fast(&snapshot, packet, CLIENT, &mut reply, NOW))
            });
        });
    }
}

fn key(random: &mut Random) -> AccessKey {
    let bits = u128::from(random.number()) << 64 | u128::from(random.number());
    AccessKey::from_random(bits.to_be_bytes())
}

fn subscriber(id: u64, key: &AccessKey, origin: &Name) -> Subscriber {
    Subscriber {
        id: SubscriberId(id),
        name: format!("subscriber {id}"),
        zones: vec![origin.clone()],
        networks: vec![],
        recognition: Recognition::Key,
        quota: Quota { per_second: NonZeroU32::new(1_000_000), per_day: NonZeroU32::new(u32::MAX) },
        expires_at: None,
        keys: vec![SubscriberKey { digest: key.digest(), created_at: NOW, until: None }],
        note: None,
        created_at: NOW,
    }
}

criterion_group!(benches, answers, access);
criterion_main!(benches);
