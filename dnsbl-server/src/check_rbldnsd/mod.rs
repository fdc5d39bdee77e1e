//! `dnsbl-server check-rbldnsd`: what rbldnsd's command line and files mean here.
//!
//! [`run`] reads a command line (`arguments.rs`), or those of `/etc/default/rbldnsd` (`defaults.rs`), reads every file
//! (`load.rs`, `summary.rs`), decides which zones that makes (`plan.rs`) and what they would answer otherwise
//! (`differences.rs`), says so (`show.rs`), and writes zones, configuration and a script (`bodies.rs`, `write.rs`).

mod arguments;
mod bodies;
mod defaults;
mod differences;
mod finding;
mod load;
mod options;
mod plan;
mod planned;
mod records;
mod show;
mod summary;
mod write;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use dnsbl_types::{Name, UnixTime};

use self::{arguments::CommandLine, finding::Level, planned::Plan};

/// What is to be looked at, and how.
#[derive(Clone, Debug, Default)]
pub struct RbldnsdCheck {
    /// rbldnsd's arguments, or files that set `RBLDNSD` as `/etc/default/rbldnsd` does.
    pub arguments: Vec<String>,
    /// Name servers of zones whose files name none.
    pub name_servers: Vec<Name>,
    /// The report is JSON.
    pub json: bool,
    /// A folder to write zones, configuration and the script to.
    pub write_config: Option<PathBuf>,
}

/// What came out, as an exit status says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbldnsdStatus {
    /// Everything is taken over, and answers the same but for what holds for all zones (0).
    Same,
    /// Something answers otherwise, or is not taken over (1).
    Differs,
    /// Something can't be read, or rbldnsd does not serve it (2).
    Broken,
}

impl RbldnsdStatus {
    /// The exit status.
    pub fn code(self) -> u8 {
        match self {
            Self::Same => 0,
            Self::Differs => 1,
            Self::Broken => 2,
        }
    }
}

/// Reads, prints the report, and writes the files that were asked for.
///
/// # Errors
/// The arguments are none that rbldnsd takes, or a file can't be written.
pub fn run(check: &RbldnsdCheck) -> anyhow::Result<RbldnsdStatus> {
    let now = UnixTime::now();
    let lines = command_lines(&check.arguments)?;
    let plans: Vec<Plan> =
        lines.into_iter().map(|line| plan::plan(line, &check.name_servers, now)).collect();
    let worst = plans.iter().map(Plan::worst).max().unwrap_or(Level::Same);
    let status = match worst {
        Level::Same => RbldnsdStatus::Same,
        Level::Differs | Level::LeftOut => RbldnsdStatus::Differs,
        Level::Broken => RbldnsdStatus::Broken,
    };
    if check.json {
        println!("{:#}", show::json(&plans, status.code()));
    } else {
        plans.iter().for_each(|plan| println!("{}", show::text(plan)));
    }
    if let Some(dir) = &check.write_config {
        write_plans(&plans, dir, check.json)?;
    }
    Ok(status)
}

/// The typed command line, or those of files.
fn command_lines(arguments: &[String]) -> anyhow::Result<Vec<CommandLine>> {
    let is_file = |text: &String| !text.starts_with('-') && Path::new(text).is_file();
    if arguments.is_empty() || !arguments.iter().all(is_file) {
        return Ok(vec![CommandLine::read("", arguments)?]);
    }
    let mut lines = Vec::new();
    for file in arguments {
        let text = fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
        let Some(found) = defaults::command_lines(&text) else {
            bail!("{file} does not set RBLDNSD; of a data file say ZONE:TYPE:{file}");
        };
        for (instance, words) in found {
            let line = CommandLine::read(&instance, &words);
            lines.push(line.with_context(|| format!("{file}: {instance}"))?);
        }
    }
    Ok(lines)
}

/// One instance's files lie in the folder itself, those of several in one each.
fn write_plans(plans: &[Plan], dir: &Path, quietly: bool) -> anyhow::Result<()> {
    for plan in plans {
        let dir = match plans {
            [_] => dir.to_owned(),
            _ => dir.join(&plan.line.instance),
        };
        let written = write::write(plan, &dir);
        let written = written.with_context(|| format!("writing to {}", dir.display()))?;
        if !quietly {
            written.iter().for_each(|path| println!("wrote {}", path.display()));
        }
    }
    Ok(())
}
