//! What a million of each kind of entry takes in the index: as it counts, and as the system sees it.
//!
//! `cargo build --release --locked --workspace --examples && target/release/examples/index_bytes [COUNT]`

#![expect(clippy::unwrap_used, reason = "a measurement that can't go on has failed")]

use std::{net::Ipv4Addr, sync::Arc, time::Instant};

use dnsbl_index::{Index, IndexWriter};
use dnsbl_types::{
    Entry, EntryWriter as _, Follower as _, Name, Serial, Subject, UnixTime, Zone, ZoneKind,
    ZoneSpec,
};

fn main() {
    let count: u32 = std::env::args().nth(1).map_or(1_000_000, |count| count.parse().unwrap());
    let plain = |_: u32| Entry::default();
    let own = |n: u32| {
        let reason = format!("seen in a spam trap, report {n:08}").parse().unwrap();
        Entry { reason: Some(reason), ..Entry::default() }
    };
    let expiring = |n: u32| Entry { expires_at: Some(UnixTime(n.into())), ..Entry::default() };
    println!("{count} entries of each kind; bytes an entry, counted and resident");
    let address = |n: u32| Ipv4Addr::from_bits(n.wrapping_mul(0x9e37_79b1) >> 4).into();
    show("IPv4 address", count, ZoneKind::Ip, address, plain);
    show("IPv4 address that expires", count, ZoneKind::Ip, address, expiring);
    show("IPv4 address with a reason of 37 octets of its own", count, ZoneKind::Ip, address, own);
    let prefix = |n: u32| format!("{}/24", Ipv4Addr::from_bits(n << 8)).parse().unwrap();
    show("IPv4 prefix", count, ZoneKind::Ip, prefix, plain);
    let v6 = |n: u32| {
        let n = n.wrapping_mul(0x9e37_79b1);
        format!("2001:db8:{:x}:{:x}::/64", n >> 16, n & 0xffff).parse().unwrap()
    };
    show("IPv6 prefix", count, ZoneKind::Ip, v6, plain);
    let long = |n: u32| format!("listed-{:08x}.example.com", n.wrapping_mul(0x9e37_79b1));
    show("domain of 27 characters", count, ZoneKind::Domain, |n| long(n).parse().unwrap(), plain);
    let short = |n: u32| format!("d{:08x}.example.com", n.wrapping_mul(0x9e37_79b1));
    show("domain of 21 characters", count, ZoneKind::Domain, |n| short(n).parse().unwrap(), plain);
}

fn show(
    what: &str,
    count: u32,
    kind: ZoneKind,
    subject: impl Fn(u32) -> Subject,
    entry: impl Fn(u32) -> Entry,
) {
    let before = resident();
    let index = Arc::new(Index::default());
    let mut writer = IndexWriter::new(index.clone());
    writer.put_zone(&zone(kind), Serial(1));
    for n in 0..count {
        writer.set_entries(&origin(), &subject(n), &[entry(n)]);
    }
    writer.publish(1, Instant::now());
    let counted = index.load().zone(&origin()).unwrap().bytes() as f64 / f64::from(count);
    let resident = resident().saturating_sub(before) as f64 / f64::from(count);
    println!("{what}: {counted:.1}, {resident:.1}");
}

/// Bytes in memory, from `/proc`.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn origin() -> Name {
    "bl.example.org".parse().unwrap()
}

fn zone(kind: ZoneKind) -> Zone {
    let ns: Name = "ns.example.net".parse().unwrap();
    ZoneSpec::new(origin(), kind, vec![ns], "$".parse().unwrap()).check().unwrap()
}
