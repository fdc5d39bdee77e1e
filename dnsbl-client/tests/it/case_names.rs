//! Cases 1 to 6: names.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv6Addr},
};

use dnsbl_client::{
    Client, Domain, Email, Encoding, Hash, Hashing, Skipped, SpecialUse, Status, Target,
    TargetError, Zone,
};
use proptest::prelude::*;

use crate::{
    client,
    fake::{Asked, Fake, a, nxdomain},
};

/// A server that lists nothing.
async fn nothing() -> Fake {
    Fake::answering(nxdomain).await
}

/// The names asked for when these targets are looked up.
async fn asked(zone: Zone, targets: &[Target]) -> Vec<String> {
    let fake = nothing().await;
    let settings = client::asking(&fake).special_use(SpecialUse::Ask);
    settings.zone(zone).build().unwrap().check_all(targets).await;
    let mut names: Vec<String> = fake.asked().into_iter().map(|asked| asked.name).collect();
    names.sort();
    names
}

fn ip(text: &str) -> Target {
    Target::Address(text.parse().unwrap())
}

/// An independent way to the name: hexadecimal digits as `format!` writes them.
fn oracle(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(addr) => {
            let text = addr.to_string();
            let mut octets: Vec<&str> = text.split('.').collect();
            octets.reverse();
            format!("{}.bl.example.", octets.join("."))
        }
        IpAddr::V6(addr) => {
            let digits = format!("{:032x}", u128::from(addr));
            digits.chars().rev().fold(String::new(), |mut name, digit| {
                let _ = write!(name, "{digit}.");
                name
            }) + "bl.example."
        }
    }
}

#[tokio::test]
async fn case_01_names_are_those_of_rfc5782_s2() {
    let zone = || client::zone("bl.example");
    assert_eq!(asked(zone(), &[ip("192.0.2.99")]).await, ["99.2.0.192.bl.example."]);
    assert_eq!(
        asked(zone(), &[ip("2001:db8:1:2:3:4:567:89ab")]).await,
        ["b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.".to_owned()]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn case_01_names_are_those_of_an_independent_oracle(v4: [u8; 4], v6: [u8; 16]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for addr in [IpAddr::from(v4), IpAddr::from(v6)] {
            let names = runtime.block_on(asked(client::zone("bl.example"), &[addr.into()]));
            prop_assert_eq!(names, [oracle(addr.to_canonical())]);
        }
    }
}

#[tokio::test]
async fn case_02_a_mapped_peer_is_ipv4_and_the_raw_form_is_32_nibbles() {
    let zone = || client::zone("bl.example");
    assert_eq!(asked(zone(), &[ip("::ffff:192.0.2.99")]).await, ["99.2.0.192.bl.example."]);
    let raw: IpAddr = "::ffff:127.0.0.2".parse().unwrap();
    let names = asked(zone(), &[Target::ip_raw(raw)]).await;
    assert_eq!(names, [oracle(raw)]);
    assert!(names[0].starts_with("2.0.0.0.0.0.f.7.f.f.f.f.0."));
}

#[tokio::test]
async fn case_03_other_addresses_with_ipv4_inside_stay_ipv6() {
    for (text, inside) in [
        ("::192.0.2.99", "192.0.2.99"),
        ("64:ff9b::192.0.2.99", "192.0.2.99"),
        ("2002:c000:263::1", "192.0.2.99"),
    ] {
        let addr: Ipv6Addr = text.parse().unwrap();
        let names = asked(client::zone("bl.example"), &[IpAddr::from(addr).into()]).await;
        assert_eq!(names, [oracle(addr.into())], "{text}");
        assert_eq!(Target::embedded_v4(addr).unwrap().to_string(), inside, "{text}");
    }
    for text in ["::1", "::", "2001:db8::1", "64:ff9b:1::1"] {
        assert_eq!(Target::embedded_v4(text.parse().unwrap()), None, "{text}");
    }
}

/// A resolver with `search corp.example` and a wildcard below it sees no such question.
#[tokio::test]
async fn case_04_names_are_absolute_on_the_wire() {
    let fake = Fake::answering(|asked: &Asked| {
        if asked.name.ends_with("corp.example.") {
            a(asked, &["10.0.0.1"])
        } else {
            nxdomain(asked)
        }
    })
    .await;
    for zone in ["bl.example", "bl.example.", "lists"] {
        let client = client::asking(&fake).zone(client::zone(zone)).build().unwrap();
        let report = client.check("192.0.2.99".parse::<IpAddr>().unwrap()).await;
        assert_eq!(report.outcomes[0].status, Status::NotListed);
    }
    let names: Vec<String> = fake.asked().into_iter().map(|asked| asked.name).collect();
    let (bl, lists) = ("99.2.0.192.bl.example.", "99.2.0.192.lists.");
    assert_eq!(names, [bl, bl, lists]);
}

#[test]
fn case_05_what_is_no_domain_is_refused_with_a_reason() {
    let refused = |text: &str| text.parse::<Domain>().unwrap_err();
    let long_label = format!("{}.example", "x".repeat(64));
    let long_name = format!("{}example", "x.".repeat(128));
    for text in
        [&*long_label, &*long_name, "", "a..example", "a.example..", ".example", "a b.example"]
    {
        assert!(matches!(refused(text), TargetError::Name(_)), "{text}");
    }
    for text in ["-a.example", "a-.example", "a.-b.example"] {
        assert_eq!(refused(text), TargetError::Hyphen, "{text}");
    }
    for text in ["[1.2.3.4]", "[IPv6:::1]", "1.2.3.4", "1.2.3.4.", "::1"] {
        assert_eq!(refused(text), TargetError::Address, "{text}");
    }
    assert_eq!(refused("mail.example.123"), TargetError::NumericTop);
    for text in ["unknown", "localhost", "."] {
        assert_eq!(refused(text), TargetError::SingleLabel, "{text}");
    }
    for text in ["", "jane", "@example.org", "jane@", "jane@[1.2.3.4]", "a\r\nb@example.org"] {
        assert!(text.parse::<Email>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn case_05_a_domain_is_asked_in_lower_case_a_labels() {
    let zone = || client::domains("dbl.example");
    for (text, name) in [
        ("MAIL.Example.ORG.", "mail.example.org.dbl.example."),
        ("bücher.example", "xn--bcher-kva.example.dbl.example."),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah.dbl.example."),
    ] {
        assert_eq!(asked(zone(), &[Target::Domain(text.parse().unwrap())]).await, [name]);
    }
}

#[tokio::test]
async fn case_05_a_name_that_would_be_too_long_is_never_cut() {
    let long = format!("{}.example", ["x".repeat(60), "y".repeat(60), "z".repeat(60)].join("."));
    let target = Target::Domain(long.parse().unwrap());
    let zone = client::domains(&format!("{}.example", "q".repeat(60)));
    assert_eq!(asked(zone, &[target]).await, Vec::<String>::new());
}

#[tokio::test]
async fn case_06_a_target_goes_to_lists_of_its_kind_only() {
    let fake = nothing().await;
    let zones = [client::zone("bl.example"), client::domains("dbl.example")];
    let client: Client = client::asking(&fake).zones(zones).build().unwrap();
    let domain = Target::Domain("mail.example".parse().unwrap());
    let wrong = Status::Skipped(Skipped::WrongKind);
    let addresses = client.check("192.0.2.99".parse::<IpAddr>().unwrap()).await;
    assert_eq!(addresses.outcomes[1].status, wrong);
    let domains = client.check(domain.clone()).await;
    assert_eq!(domains.outcomes[0].status, wrong);
    let id = client.zone_id(0).unwrap();
    assert_eq!(client.lookup(id, &domain).await.status, wrong);
    assert_eq!(fake.names(), ["A 99.2.0.192.bl.example.", "A mail.example.dbl.example."]);
}

/// SHA-1 and SHA-256 of `jane@example.org`, from another implementation.
#[tokio::test]
async fn mail_addresses_are_asked_by_their_hash() {
    let sha1 = "77baeb8633437c80bc3f06a7bcfbad66185ca14b";
    let sha256 = "13d855ce931073d4924ac377cda0e9a543908b9d6607727c8033d729c65eced6";
    let base32 = "cpmfltutcbz5jeskyn343ihjuvbzbc45mydxe7eagplstrs6z3la";
    for (hash, encoding, length, label) in [
        (Hash::Sha1, Encoding::Hex, 63, sha1),
        (Hash::Sha256, Encoding::Hex, 32, &sha256[..32]),
        (Hash::Sha256, Encoding::Hex, 63, &sha256[..63]),
        (Hash::Sha256, Encoding::Base32, 63, base32),
    ] {
        let mut hashing = Hashing::new(hash, encoding);
        hashing.length = length;
        let zone = Zone::emails("ebl.example".parse().unwrap(), hashing);
        let jane = Target::Email("Jane@Example.org".parse().unwrap());
        assert_eq!(asked(zone, &[jane]).await, [format!("{label}.ebl.example.")]);
    }
}
