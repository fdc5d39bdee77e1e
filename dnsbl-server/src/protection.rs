//! Protection as this server runs it: secrets from files or made up, counters in the registry.

use std::time::Instant;

use anyhow::Context;
use prometheus::Registry;

use crate::{
    config,
    dns::{AccessControl, Cookies, Protection, RateLimitCounters, RateLimiter, Secrets},
};

/// What the configuration asks for.
pub(crate) fn build(config: &config::Dns, registry: &Registry) -> anyhow::Result<Protection> {
    let (counters, collector) = RateLimitCounters::new()?;
    registry.register(Box::new(collector))?;
    let limiter = |settings: &config::RateLimit| {
        anyhow::Ok(RateLimiter::new(settings.clone(), random()?, counters, Instant::now()))
    };
    Ok(Protection {
        cookies: config.cookies.as_ref().map(cookies).transpose()?,
        rate_limiter: config.rate_limit.as_ref().map(limiter).transpose()?,
        large_udp: config.large_udp.clone(),
    })
}

/// Who may ask this server.
pub(crate) fn access(config: &config::Dns) -> AccessControl {
    AccessControl::new(config.access.clone(), Instant::now())
}

fn cookies(config: &config::Cookies) -> anyhow::Result<Cookies> {
    let shared = Secrets::read(&config.secrets).context("dns.cookies.secrets")?;
    let secrets = match shared {
        Some(secrets) => secrets,
        None => Secrets::of_one_server(random()?),
    };
    Ok(Cookies::new(secrets))
}

/// A secret.
pub(crate) fn random() -> anyhow::Result<[u8; 16]> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("the system has no randomness for a secret")?;
    Ok(random)
}
