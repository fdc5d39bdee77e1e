//! Files that make this server what rbldnsd was.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use dnsbl_types::Name;

use super::{
    bodies::{self, Rule, Says},
    planned::{Plan, PlannedList, PlannedZone},
};

/// Writes all files of a plan into a folder, which is made if it is not there.
pub(super) fn write(plan: &Plan, dir: &Path) -> io::Result<Vec<PathBuf>> {
    let zones = dir.join("zones");
    fs::create_dir_all(&zones)?;
    let mut written = Vec::new();
    for zone in &plan.zones {
        let path = zones.join(format!("{}.json", zone.origin));
        let body = bodies::zone(zone);
        put(&path, &format!("{body:#}\n"))?;
        written.push(path);
    }
    let config = dir.join("dnsbl.toml");
    put(&config, &configuration(plan))?;
    let script = dir.join("import.sh");
    put(&script, &import_script(plan))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    written.extend([config, script]);
    Ok(written)
}

/// Writes a file beside its place and moves it there.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)?;
    fs::rename(&part, path)
}

fn configuration(plan: &Plan) -> String {
    let mut out = String::from(
        "# Written by dnsbl-server check-rbldnsd; all keys are in examples/dnsbl-server.toml.\n\
         version = \"v1\"\ndata-dir = \"/var/lib/dnsbl-server\"\n\n[dns]\n",
    );
    let listen: Vec<String> = plan.listen().iter().map(|addr| quoted(addr)).collect();
    let _ = writeln!(out, "listen = [{}]", listen.join(", "));
    if let Some((default, rules)) = bodies::access(&plan.access) {
        let _ = writeln!(out, "\n[dns.access]\ndefault = {}", quoted(default));
        let _ = writeln!(out, "rules = [");
        rules.iter().for_each(|rule| {
            let _ = writeln!(out, "    {},", inline_table(rule));
        });
        let _ = writeln!(out, "]");
    }
    let mut names = BTreeSet::new();
    for zone in &plan.zones {
        for list in zone.lists.iter().filter(|list| list.list.is_sum_of_files) {
            feeds(&mut out, plan, zone, list, &mut names);
        }
    }
    out
}

/// A name for a feed, none twice: 1 to 48 of `a-z`, `0-9`, `.` and `-`.
fn feed_name(source: &str, origin: &Name, names: &mut BTreeSet<String>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let whole = format!("{source}.{origin}").to_ascii_lowercase();
    let plain = whole.chars().map(|c| if is_plain(c) { c } else { '-' });
    let name: String = plain.take(44).collect();
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut free = std::iter::once(name.clone()).chain(numbered);
    let name = free.find(|name| !names.contains(name)).unwrap_or(name);
    names.insert(name.clone());
    name
}

fn inline_table(rule: &Rule) -> String {
    let prefix = quoted(&rule.prefix);
    match &rule.says {
        Says::Action(action) => format!("{{ prefix = {prefix}, action = {} }}", quoted(action)),
        Says::Listed { code, reason } => {
            let reason = reason
                .as_ref()
                .map_or(String::new(), |text| format!(", reason = {}", quoted(text)));
            format!("{{ prefix = {prefix}, return-code = {}{reason} }}", quoted(code))
        }
    }
}

/// A feed for each file of a list.
fn feeds(
    out: &mut String,
    plan: &Plan,
    zone: &PlannedZone,
    of: &PlannedList,
    names: &mut BTreeSet<String>,
) {
    let every = match plan.line.interval {
        0 => 60,
        seconds => seconds.clamp(10, 30 * 86_400),
    };
    for (number, file) in (1..).zip(&of.files) {
        let source = match of.files.len() {
            1 => of.source.clone(),
            _ => format!("{}-{number}", of.source),
        };
        let _ = write!(
            out,
            "\n[[feed]]\nname = {}\nzone = {}\nsource = {}\npath = {}\nformat = \"rbldnsd\"\ndataset = {}\nevery = \"{every}s\"\n",
            quoted(&feed_name(&source, &zone.origin, names)),
            quoted(&zone.origin.to_string()),
            quoted(&source),
            quoted(&file.display().to_string()),
            quoted(&of.dataset),
        );
        let lifted = of.lifted();
        if !lifted.is_empty() {
            let names: Vec<String> = lifted.iter().map(|guard| quoted(guard.as_str())).collect();
            let _ = writeln!(out, "override = [{}]", names.join(", "));
        }
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn import_script(plan: &Plan) -> String {
    let mut out = String::from(
        "#!/bin/sh\n# Written by dnsbl-server check-rbldnsd: makes the zones and imports every file once.\n\
         # DNSBL_SERVER and DNSBL_TOKEN_FILE say where to; run it again as often as you like.\nset -eu\n\
         dir=$(dirname \"$0\")\n",
    );
    for zone in &plan.zones {
        let origin = zone.origin.to_string();
        let _ = writeln!(out, "\ndnsblctl zone put {origin} --file \"$dir/zones/{origin}.json\"");
        for list in &zone.lists {
            imports(&mut out, &origin, list);
        }
    }
    out
}

fn imports(out: &mut String, origin: &str, of: &PlannedList) {
    let lifted: Vec<&str> = of.lifted().iter().map(|guard| guard.as_str()).collect();
    let lifted = match lifted.is_empty() {
        true => String::new(),
        false => format!(" --override {}", lifted.join(",")),
    };
    let one = |file: &str, source: &str| {
        let dataset = &of.dataset;
        format!(
            "dnsblctl import {origin} {file} --format rbldnsd --dataset {dataset} --source {source}{lifted}"
        )
    };
    match &of.files[..] {
        [file] => {
            let _ = writeln!(out, "{}", one(&word(file), &of.source));
        }
        files if of.list.is_sum_of_files => {
            for (number, file) in (1..).zip(files) {
                let _ = writeln!(out, "{}", one(&word(file), &format!("{}-{number}", of.source)));
            }
        }
        files => {
            // A default value ends with its file.
            let between = if of.list.list.shares_value() { "" } else { ":127.0.0.2:" };
            let files: Vec<String> = files.iter().map(|file| word(file)).collect();
            let joint = format!("; printf '\\n{between}\\n'; zcat -f ");
            let joined = format!("{{ zcat -f {}; }}", files.join(&joint));
            let _ = writeln!(out, "{joined} | {}", one("-", &of.source));
        }
    }
}

/// A word of the shell.
fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
