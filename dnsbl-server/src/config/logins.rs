//! `[logins]`: as typed, and checked.

use std::{net::SocketAddr, path::PathBuf};

use dnsbl_logins::{GrantLimits, Settings};
use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::{
    checked::{Drac, Logins},
    refused::{Refused, all, networks, optional, read, refuse, usual},
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct LoginsSpec {
    zone: Option<Spanned<String>>,
    secrets: Vec<Spanned<PathBuf>>,
    from: Option<Vec<Spanned<String>>>,
    proxies: Vec<Spanned<String>>,
    services: Option<Vec<Spanned<String>>>,
    tls_only: bool,
    logout_revokes: bool,
    max_age: Option<Spanned<u64>>,
    keep_names_days: Option<Spanned<u64>>,
    limits: LimitsSpec,
    drac: Option<DracSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct LimitsSpec {
    addresses_per_user: Spanned<usize>,
    users_per_address: Spanned<usize>,
    grants_per_second: Spanned<u32>,
    grants: Spanned<usize>,
}

impl Default for LimitsSpec {
    fn default() -> Self {
        let limits = GrantLimits::default();
        Self {
            addresses_per_user: usual(limits.addresses_per_user),
            users_per_address: usual(limits.users_per_address),
            grants_per_second: usual(limits.per_second),
            grants: usual(limits.grants),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DracSpec {
    listen: Spanned<String>,
    from: Option<Vec<Spanned<String>>>,
    zone: Option<Spanned<String>>,
    #[serde(default)]
    rpcbind: bool,
}

impl LoginsSpec {
    pub(super) fn check(self) -> Result<Logins, Refused> {
        let usual = Settings::default();
        let settings = Settings {
            zone: optional("logins.zone", self.zone.as_ref())?,
            from: given("logins.from", self.from.as_deref(), usual.from)?,
            proxies: networks("logins.proxies", &self.proxies)?,
            services: match &self.services {
                Some(services) => all("logins.services", services)?,
                None => usual.services,
            },
            tls_only: self.tls_only,
            logout_revokes: self.logout_revokes,
            max_age: within("logins.max-age", self.max_age.as_ref(), 1..=3600, usual.max_age)?,
            keep_names: 86_400
                * within(
                    "logins.keep-names-days",
                    self.keep_names_days.as_ref(),
                    0..=365,
                    usual.keep_names / 86_400,
                )?,
            limits: self.limits.check()?,
        };
        let drac = self.drac.map(|drac| drac.check(&settings)).transpose()?;
        Ok(Logins {
            settings,
            secrets: self.secrets.into_iter().map(Spanned::into_inner).collect(),
            drac,
        })
    }
}

impl LimitsSpec {
    fn check(self) -> Result<GrantLimits, Refused> {
        for (key, count) in [
            ("logins.limits.addresses-per-user", &self.addresses_per_user),
            ("logins.limits.users-per-address", &self.users_per_address),
            ("logins.limits.grants", &self.grants),
        ] {
            if !(1..=10_000_000).contains(count.get_ref()) {
                return refuse(key, count.span(), "it is 1 to 10000000");
            }
        }
        let per_second = &self.grants_per_second;
        if *per_second.get_ref() == 0 {
            let detail = "it is at least 1; without an allow zone nothing is granted";
            return refuse("logins.limits.grants-per-second", per_second.span(), detail);
        }
        Ok(GrantLimits {
            addresses_per_user: *self.addresses_per_user.get_ref(),
            users_per_address: *self.users_per_address.get_ref(),
            per_second: *self.grants_per_second.get_ref(),
            grants: *self.grants.get_ref(),
        })
    }
}

impl DracSpec {
    fn check(self, settings: &Settings) -> Result<Drac, Refused> {
        let listen: SocketAddr = read("logins.drac.listen", &self.listen)?;
        let from = given("logins.drac.from", self.from.as_deref(), Settings::default().from)?;
        let zone = optional("logins.drac.zone", self.zone.as_ref())?;
        let zone = zone.or_else(|| settings.zone.clone());
        Ok(Drac { listen, from, zone, rpcbind: self.rpcbind })
    }
}

fn given(
    key: &'static str,
    texts: Option<&[Spanned<String>]>,
    usual: Vec<IpNet>,
) -> Result<Vec<IpNet>, Refused> {
    texts.map_or(Ok(usual), |texts| networks(key, texts))
}

fn within(
    key: &'static str,
    typed: Option<&Spanned<u64>>,
    range: std::ops::RangeInclusive<u64>,
    usual: u64,
) -> Result<u64, Refused> {
    match typed {
        Some(typed) if !range.contains(typed.get_ref()) => {
            refuse(key, typed.span(), format!("it is {} to {}", range.start(), range.end()))
        }
        typed => Ok(typed.map_or(usual, |typed| *typed.get_ref())),
    }
}
