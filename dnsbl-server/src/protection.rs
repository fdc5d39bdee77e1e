//! Protection as this server runs it: secrets from files or made up, counters in the registry.

use std::time::Instant;

use anyhow::Context;
use prometheus::Registry;

use crate::{
    config,
    dns::{AccessControl, Cookies, Protection, RateLimitCounters, RateLimiter, Secrets, Service},
};

/// What the configuration asks for, and the counters for another that may come after it.
pub(crate) fn build(
    config: &config::Dns,
    registry: &Registry,
) -> anyhow::Result<(Protection, RateLimitCounters)> {
    let (counters, collector) = RateLimitCounters::new()?;
    registry.register(Box::new(collector))?;
    let protection = Protection {
        cookies: Changed::read(config)?.cookies(config, None)?,
        rate_limiter: limiter(config, None, &counters)?,
        large_udp: config.large_udp.clone(),
    };
    Ok((protection, counters))
}

/// Who may ask this server.
pub(crate) fn access(config: &config::Dns) -> AccessControl {
    AccessControl::new(config.access.clone(), Instant::now())
}

/// What another configuration needs beside it, read from files.
pub(crate) struct Changed(Option<Secrets>);

impl Changed {
    /// Reads the files.
    ///
    /// # Errors
    /// One can't be read, or holds no secret.
    pub(crate) fn read(config: &config::Dns) -> anyhow::Result<Self> {
        let files = config.cookies.as_ref().map(|cookies| cookies.secrets.as_slice());
        let secrets = Secrets::read(files.unwrap_or_default()).context("dns.cookies.secrets")?;
        Ok(Self(secrets))
    }

    /// Whether secrets were read.
    pub(crate) fn has_secrets(&self) -> bool {
        self.0.is_some()
    }

    /// A service that answers by another configuration, on the accounts and with the debts of the one before.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(crate) fn service(
        self,
        old: &Service,
        before: &config::Dns,
        config: &config::Dns,
        counters: &RateLimitCounters,
    ) -> anyhow::Result<Service> {
        let Protection { cookies, rate_limiter, large_udp: _ } = &old.protection;
        // A secret that was made up stays as long as none is named.
        let made_up = before.cookies.as_ref().is_some_and(|cookies| cookies.secrets.is_empty());
        let cookies = self.cookies(config, cookies.as_ref().filter(|_| made_up))?;
        let rate_limiter = limiter(config, rate_limiter.as_ref(), counters)?;
        let protection = Protection { cookies, rate_limiter, large_udp: config.large_udp.clone() };
        Ok(Service {
            index: old.index.clone(),
            counters: old.counters.clone(),
            access: old.access.with_rules(config.access.clone()).into(),
            protection,
            sampler: old.sampler.another(),
            version: config.version.clone(),
            identity: config.identity.clone(),
        })
    }

    fn cookies(
        self,
        config: &config::Dns,
        made_up: Option<&Cookies>,
    ) -> anyhow::Result<Option<Cookies>> {
        if config.cookies.is_none() {
            return Ok(None);
        }
        Ok(Some(match (self.0, made_up) {
            (Some(secrets), _) => Cookies::new(secrets),
            (None, Some(cookies)) => cookies.clone(),
            (None, None) => Cookies::new(Secrets::of_one_server(random()?)),
        }))
    }
}

fn limiter(
    config: &config::Dns,
    before: Option<&RateLimiter>,
    counters: &RateLimitCounters,
) -> anyhow::Result<Option<RateLimiter>> {
    let Some(settings) = config.rate_limit.clone() else { return Ok(None) };
    Ok(Some(match before {
        Some(before) => before.with_settings(settings),
        None => RateLimiter::new(settings, random()?, counters.clone(), Instant::now()),
    }))
}

/// A secret.
pub(crate) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut random = [0; N];
    getrandom::fill(&mut random).context("the system has no randomness for a secret")?;
    Ok(random)
}
