//! One server under full load.

use std::{ops::Range, path::Path, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    lab::Lab,
    load::{self, FULL_RATE},
    servers::Server,
    stats::median,
    usage,
};

/// What a server did under full load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// How many answers there were.
    pub(crate) answers: f64,
    /// Answers a second.
    pub(crate) rate: f64,
    /// User time of an answer, in µs.
    pub(crate) user: f64,
    /// System time of an answer, in µs.
    pub(crate) system: f64,
}

/// Questions 30 in 100 listed addresses: an answer that says so less or more often is wrong.
const LISTED_SHARE: Range<f64> = 0.25..0.35;
/// How many times what is answered must be offered, to say that a server answers no more.
const HEADROOM: f64 = 1.05;

/// Asks a server for as long as the lab says.
pub(crate) fn full_load(lab: &Lab, server: &dyn Server, queries: &Path) -> Result<Measured> {
    let program = server.program();
    let before = usage::cpu_time(program.id())?;
    let load = load::start(&lab.network, program.addr(), queries, FULL_RATE, lab.duration)?;
    let seen = load.finish()?;
    let used = usage::cpu_time(program.id())? - before;
    ensure!(seen.replies > 0, "{} answers nothing: {seen:?}, {used:?}", server.name());
    ensure!(
        !server.has_lists() || LISTED_SHARE.contains(&seen.listed_share()),
        "{} lists {:.1} % of what it is asked instead of 30 %",
        server.name(),
        seen.listed_share() * 100.0
    );
    if (seen.sent as f64) < seen.replies as f64 * HEADROOM {
        eprintln!(
            "bench: {} could have answered more than the {} offered",
            server.name(),
            seen.sent
        );
    }
    let per_answer = |time: Duration| time.as_secs_f64() * 1e6 / seen.replies as f64;
    let (user, system) = (per_answer(used.user), per_answer(used.system));
    Ok(Measured { answers: seen.replies as f64, rate: seen.rate(), user, system })
}

/// Lets servers take turns, each as often as the lab says, after one round that does not count.
/// Gives the rounds of each server.
pub(crate) fn take_turns(
    lab: &Lab,
    servers: &[(&dyn Server, &Path)],
) -> Result<Vec<Vec<Measured>>> {
    let mut rounds = vec![Vec::new(); servers.len()];
    for (server, queries) in servers {
        full_load(lab, *server, queries)?;
    }
    for _ in 0..lab.pairs {
        for ((server, queries), rounds) in servers.iter().zip(&mut rounds) {
            rounds.push(full_load(lab, *server, queries)?);
        }
    }
    Ok(rounds)
}

/// The medians of all figures.
pub(crate) fn medians(rounds: &[Measured]) -> Measured {
    let of = |pick: fn(&Measured) -> f64| median(rounds.iter().map(pick));
    Measured {
        answers: of(|m| m.answers),
        rate: of(|m| m.rate),
        user: of(|m| m.user),
        system: of(|m| m.system),
    }
}

/// The median of what `pick` gives in each round of `a`, over what it gives in the same of `b`.
pub(crate) fn ratio(a: &[Measured], b: &[Measured], pick: fn(&Measured) -> f64) -> f64 {
    median(a.iter().zip(b).map(|(a, b)| pick(a) / pick(b)))
}
