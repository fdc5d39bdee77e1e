//! Cases 37 and 38: addresses that are not asked about.

use dnsbl_client::{Client, Skipped, SpecialUse, Status};

use crate::{
    client::{self, ip},
    fake::{Fake, nxdomain},
};

async fn asking(special_use: SpecialUse) -> (Fake, Client) {
    let fake = Fake::answering(nxdomain).await;
    let settings = client::asking(&fake).special_use(special_use).zone(client::zone("bl.example"));
    (fake, settings.build().unwrap())
}

const SPECIAL: [&str; 34] = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.255",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "224.0.0.0",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::",
    "fdff:ffff::1",
    "fe80::",
    "febf::1",
    "ff00::",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "100::1",
    "64:ff9b:1::1",
];
const DOCUMENTATION: [&str; 9] = [
    "192.0.2.0",
    "192.0.2.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
    "2001:db8::",
    "2001:db8:ffff::1",
    "3fff::1",
];
const PUBLIC: [&str; 16] = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2001:db9::1",
    "2002:c000:263::1",
];

#[tokio::test]
async fn case_37_special_addresses_are_not_asked_about_and_their_neighbours_are() {
    let (fake, client) = asking(SpecialUse::Skip).await;
    for text in SPECIAL.iter().chain(&DOCUMENTATION) {
        let outcome = client.check(ip(text)).await.outcomes.remove(0);
        assert_eq!(outcome.status, Status::Skipped(Skipped::SpecialUse), "{text}");
    }
    assert_eq!(fake.count(), 0);
    for (i, text) in PUBLIC.iter().enumerate() {
        let outcome = client.check(ip(text)).await.outcomes.remove(0);
        assert_eq!((outcome.status, fake.count()), (Status::NotListed, i + 1), "{text}");
    }
}

#[tokio::test]
async fn case_37_test_networks_are_asked_about_where_wanted() {
    let (fake, client) = asking(SpecialUse::AskDocumentation).await;
    for (i, text) in DOCUMENTATION.iter().enumerate() {
        client.check(ip(text)).await;
        assert_eq!(fake.count(), i + 1, "{text}");
    }
    client.check(ip("10.0.0.1")).await;
    assert_eq!(fake.count(), DOCUMENTATION.len());
    let (fake, client) = asking(SpecialUse::Ask).await;
    client.check(ip("10.0.0.1")).await;
    assert_eq!(fake.count(), 1);
}

#[tokio::test]
async fn case_38_exempt_networks_are_skipped_and_the_longest_prefix_decides() {
    let fake = Fake::answering(nxdomain).await;
    let nets = |texts: &[&str]| -> Vec<ipnet::IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let client = client::asking(&fake)
        .zone(client::zone("bl.example"))
        .exempt(nets(&["8.8.0.0/16", "8.8.8.8/32", "2001:4860::/32"]))
        .not_exempt(nets(&["8.8.8.0/24"]))
        .build()
        .unwrap();
    for (text, exempt) in [
        ("8.8.1.1", true),
        ("8.8.8.1", false),
        ("8.8.8.8", true),
        ("::ffff:8.8.8.8", true),
        ("8.9.0.1", false),
        ("2001:4860::1", true),
        ("2001:4861::1", false),
    ] {
        let status = client.check(ip(text)).await.outcomes.remove(0).status;
        assert_eq!(status == Status::Skipped(Skipped::Exempt), exempt, "{text}");
    }
}
