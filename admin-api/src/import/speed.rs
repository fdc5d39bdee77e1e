//! How long a row takes until it can be stored; not run by default:
//! `cargo test --release --locked --workspace --lib import::speed -- --ignored --nocapture`.

use std::{fmt::Write as _, hint::black_box, io::BufReader, time::Instant};

use dnsbl_types::{Guard, TestEntry, UnixTime, Zone};

use super::Format;
use crate::v1::zone::ZoneIn;

const ROWS: u32 = 2_000_000;

/// Addresses in no order, most of them of two or three digits a part.
fn body() -> String {
    let mut text = String::new();
    for i in 0..ROWS {
        let [b, c, d, _] = i.wrapping_mul(2_654_435_761).to_be_bytes();
        let a = 11 + i.wrapping_mul(40_503) % 80;
        writeln!(text, "{a}.{b}.{c}.{d}").unwrap();
    }
    text
}

fn zone() -> Zone {
    let settings: ZoneIn =
        serde_json::from_str(r#"{"kind":"ip","ns":["ns.example.net."]}"#).unwrap();
    settings.into_zone("bl.example.org".parse().unwrap()).unwrap().0
}

#[test]
#[ignore = "prints a figure"]
fn nanoseconds_a_row() {
    let (body, zone) = (body(), zone());
    let best = (0..7).map(|_| {
        let started = Instant::now();
        let input = BufReader::with_capacity(128 << 10, body.as_bytes());
        let rows = Format::Plain.rows(input, UnixTime(1)).unwrap().unwrap();
        let mut taken = 0;
        for row in rows {
            let (subject, listing) = row.unwrap().1.unwrap();
            let test = TestEntry::named_by(&zone, &subject);
            if test.is_none() && Guard::check(&subject, &[]).is_ok() {
                black_box((&subject, &listing));
                taken += 1;
            }
        }
        assert!(taken > ROWS / 2);
        started.elapsed().as_nanos() / u128::from(ROWS)
    });
    println!("{} ns a row", best.min().unwrap());
}
