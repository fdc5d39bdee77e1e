//! `[dns.cookies]`, `[dns.rate-limit]` and `dns.large-udp`: as typed, and checked.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::{
    checked::{Cookies, LargeUdp, RateLimit},
    refused::{Refused, networks, refuse, usual},
};

/// The most secrets: that of today, the one before, the one to come, and room for servers that are behind.
const MAX_SECRETS: usize = 8;
/// The most networks of a list, all of which are looked through.
const MAX_NETWORKS: usize = 64;
/// The highest rate, an answer in a microsecond.
const MAX_RATE: u32 = 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct CookiesSpec {
    enabled: bool,
    secrets: Spanned<Vec<PathBuf>>,
}

impl Default for CookiesSpec {
    fn default() -> Self {
        Self { enabled: true, secrets: usual(Vec::new()) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct RateLimitSpec {
    enabled: bool,
    listed: Spanned<u32>,
    negative: Spanned<u32>,
    zone_records: Spanned<u32>,
    errors: Spanned<u32>,
    slip: Spanned<u32>,
    exempt: Spanned<Vec<Spanned<String>>>,
    dry_run: bool,
}

impl Default for RateLimitSpec {
    fn default() -> Self {
        Self {
            enabled: true,
            listed: usual(10_000),
            negative: usual(10_000),
            zone_records: usual(200),
            errors: usual(1_000),
            slip: usual(1),
            exempt: usual(UNROUTED.iter().map(|text| usual((*text).into())).collect()),
            dry_run: false,
        }
    }
}

/// Who gets answers over 512 octets over UDP.
#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LargeUdpSpec {
    #[default]
    All,
    Cookie,
}

impl CookiesSpec {
    pub(super) fn check(self) -> Result<Option<Cookies>, Refused> {
        if self.secrets.get_ref().len() > MAX_SECRETS {
            let detail =
                format!("there are more than {MAX_SECRETS}; each may be tried for a query");
            return refuse("dns.cookies.secrets", self.secrets.span(), detail);
        }
        Ok(self.enabled.then(|| Cookies { secrets: self.secrets.into_inner() }))
    }
}

impl RateLimitSpec {
    pub(super) fn check(self) -> Result<Option<RateLimit>, Refused> {
        for (key, rate) in [
            ("dns.rate-limit.listed", &self.listed),
            ("dns.rate-limit.negative", &self.negative),
            ("dns.rate-limit.zone-records", &self.zone_records),
            ("dns.rate-limit.errors", &self.errors),
        ] {
            if *rate.get_ref() > MAX_RATE {
                let detail = format!("it is at most {MAX_RATE} a second; 0 is without limit");
                return refuse(key, rate.span(), detail);
            }
        }
        if *self.slip.get_ref() > 100 {
            let detail = "it is at most 100, so that every hundredth is sent; 0: none";
            return refuse("dns.rate-limit.slip", self.slip.span(), detail);
        }
        let limit = RateLimit {
            listed: self.listed.into_inner(),
            negative: self.negative.into_inner(),
            zone_records: self.zone_records.into_inner(),
            errors: self.errors.into_inner(),
            slip: self.slip.into_inner(),
            exempt: few_networks("dns.rate-limit.exempt", &self.exempt)?,
            dry_run: self.dry_run,
        };
        Ok(self.enabled.then_some(limit))
    }
}

impl LargeUdpSpec {
    /// Checks it with the networks that are known, where there are cookies or not.
    pub(super) fn check(
        typed: &Spanned<Self>,
        known: &Spanned<Vec<Spanned<String>>>,
        has_cookies: bool,
    ) -> Result<LargeUdp, Refused> {
        let networks = few_networks("dns.large-udp-networks", known)?;
        match typed.get_ref() {
            Self::Cookie if !has_cookies => {
                let detail = "\"cookie\" needs dns.cookies.enabled = true";
                refuse("dns.large-udp", typed.span(), detail)
            }
            Self::Cookie => Ok(LargeUdp::Cookie { networks }),
            Self::All if networks.is_empty() => Ok(LargeUdp::All),
            Self::All => {
                let detail = "it means something only where dns.large-udp = \"cookie\"";
                refuse("dns.large-udp-networks", known.span(), detail)
            }
        }
    }
}

/// Networks that nobody is flooded in from the Internet, since nothing is routed there: this machine, private
/// ones (RFC 1918, 4193, 6598), link-local ones, and those of documentation (RFC 5737, 3849) and benchmarks (RFC
/// 2544).
const UNROUTED: [&str; 14] = [
    "127.0.0.0/8",
    "::1",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
];

fn few_networks(
    key: &'static str,
    typed: &Spanned<Vec<Spanned<String>>>,
) -> Result<Vec<ipnet::IpNet>, Refused> {
    if typed.get_ref().len() > MAX_NETWORKS {
        let detail = format!("there are more than {MAX_NETWORKS}, all of which are looked through");
        return refuse(key, typed.span(), detail);
    }
    networks(key, typed.get_ref())
}
