//! The codec between addresses and the names that ask for them.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
};

use criterion::{Criterion, criterion_group, criterion_main};
use dnsbl_types::{Name, query_name};

fn codec(criterion: &mut Criterion) {
    let origin: Name = "bl.example.org".parse().expect("a name");
    let v4: IpAddr = Ipv4Addr::new(192, 0, 2, 99).into();
    let v6: IpAddr = "2001:db8::99".parse().expect("an address");
    for (family, addr) in [("v4", v4), ("v6", v6)] {
        criterion.bench_function(&format!("encode {family}"), |bencher| {
            bencher.iter(|| query_name::encode(black_box(addr), &origin));
        });
        let name = query_name::encode(addr, &origin).expect("there is room");
        let labels = name.strip_suffix(&origin).expect("it is below the origin");
        criterion.bench_function(&format!("decode {family}"), |bencher| {
            bencher.iter(|| query_name::decode(black_box(labels)));
        });
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
