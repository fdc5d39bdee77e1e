//! What it costs to decide who may ask, and how much he gets.

use std::{path::Path, thread};

use anyhow::{Context, Result};
use serde_json::json;

use super::answers::print;
use crate::{
    lab::Lab,
    measure::{ratio, take_turns},
    programs,
    report::{self, Table},
    servers::{Ours, Server},
    usage,
};

/// How many subscribers a zone has, as far as it has listings, and how many connections make them.
const SUBSCRIBERS: usize = 100_000;
const CONNECTIONS: usize = 64;

/// Neither cookies nor rate limits.
const PLAIN: &str = "[dns.cookies]\nenabled = false\n[dns.rate-limit]\nenabled = false\n";
/// Both, with a limit that nothing here reaches, and nobody exempt.
const PROTECTED: &str = "[dns.rate-limit]\nlisted = 1000000\nnegative = 1000000\nexempt = []\n";

/// The largest list in a zone that everybody may ask, in turns with cookies and rate limits, with rules, with
/// quotas, with subscribers, and with another build, if one is given.
pub(crate) fn all(lab: &mut Lab, before: Option<&Path>) -> Result<()> {
    let data = lab.data(lab.large())?;
    let program = programs::ours("dnsbl-server")?;
    let open = lab.variant(&data, "open", &program, PLAIN)?;
    let protected = lab.variant(&data, "protected", &program, PROTECTED)?;
    let ruled = lab.variant(&data, "ruled", &program, PLAIN)?;
    let rules = (0..64).map(|i| json!({"prefix": format!("192.0.{i}.0/24"), "action": "refuse"}));
    ruled.set_access(json!({"rules": rules.collect::<Vec<_>>()}))?;
    let metered = lab.variant(&data, "metered", &program, PLAIN)?;
    let quota = json!({"per_second": 4_000_000, "per_day": u32::MAX});
    metered.set_access(json!({"quotas": {"address": quota, "network": quota, "zone": quota}}))?;
    let subscribed = lab.variant(&data, "subscribed", &program, PLAIN)?;
    subscribed.set_access(json!({"subscribers": "required"}))?;
    let count = SUBSCRIBERS.min(lab.large());
    let keys = subscribe(&subscribed, count)?;
    // What making them has left behind is not theirs: both have just been started.
    subscribed.stop()?;
    let subscribed = lab.variant_again(&data, "subscribed", &program, PLAIN)?;
    let memory = |server: &Ours| usage::memory(server.program().id());
    let grown = memory(&subscribed)?.saturating_sub(memory(&open)?);
    // It may be from before there was anything of this to turn off; `builds` compares any.
    let before = before.map(|program| lab.variant(&data, "before", program, PLAIN));
    let left_out = |err: &_| eprintln!("bench: the other build is left out: {err:#}");
    let before = before.and_then(|before| before.inspect_err(left_out).ok());

    let of_subscribers = format!("{} subscribers", report::size(count));
    let (queries, with_keys) = (data.queries(), data.queries_with(&keys)?);
    let mut servers: Vec<(&str, &Ours, &Path)> = vec![
        ("everybody", &open, &queries),
        ("cookies and rate limits", &protected, &queries),
        ("64 rules", &ruled, &queries),
        ("quotas", &metered, &queries),
        (&of_subscribers, &subscribed, &with_keys),
    ];
    servers.extend(before.as_ref().map(|before| ("the other build", before, &*queries)));
    let turns: Vec<(&dyn Server, &Path)> =
        servers.iter().map(|(_, server, queries)| (*server as &dyn Server, *queries)).collect();
    let rounds = take_turns(lab, &turns)?;
    let names: Vec<&str> = servers.iter().map(|(name, ..)| *name).collect();
    print(lab, "Who may ask", &names, &rounds)?;
    let mut table = Table::new(&["", "answers/s to everybody"]);
    for (name, of_one) in names.iter().zip(&rounds).skip(1) {
        table.row([(*name).to_owned(), report::ratio(ratio(of_one, &rounds[0], |m| m.rate))]);
    }
    lab.report.table(&table)?;
    let protected = report::ratio(ratio(&rounds[1], &rounds[0], |m| m.rate));
    lab.report.finding("answers/s, protected to not", &protected, "at least 0.95")?;
    if let Some(before) = rounds.get(5) {
        let ratio = report::ratio(ratio(&rounds[0], before, |m| m.rate));
        lab.report.finding("answers/s to the other build", &ratio, "at least 0.99")?;
    }
    let memory = format!("{:.1} MB", grown as f64 / 1e6);
    lab.report.finding(&format!("memory of {of_subscribers}"), &memory, "at most 16 MB for 100 k")
}

/// Makes subscribers over many connections; gives their keys.
fn subscribe(server: &Ours, count: usize) -> Result<Vec<String>> {
    eprintln!("bench: making {count} subscribers");
    thread::scope(|scope| {
        let makers: Vec<_> = (0..CONNECTIONS)
            .map(|first| {
                scope.spawn(move || {
                    let admin = server.admin();
                    let numbers = (first..count).step_by(CONNECTIONS);
                    numbers
                        .map(|number| server.subscribe(&admin, number))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let mut keys = Vec::with_capacity(count);
        for maker in makers {
            keys.extend(maker.join().ok().context("a thread panicked")??);
        }
        Ok(keys)
    })
}
