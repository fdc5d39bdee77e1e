//! The keys of two configurations that differ, by the names under which they stand in the file.

use std::path::Path;

use toml::{Table, Value};

use crate::{Config, ConfigError};

/// Keys and tables of which the new value is in force after a reload.
const LIVE: [&str; 16] = [
    "change-log",
    "dns.access",
    "dns.cookies",
    "dns.identity",
    "dns.large-udp",
    "dns.large-udp-networks",
    "dns.rate-limit",
    "dns.version",
    "feed",
    "http.body-limit",
    "http.hosts",
    "http.import-limit",
    "http.open-metrics",
    "http.proxies",
    "http.tls",
    "log.filter",
];

/// A configuration file as it was read: what it says, and what that means.
#[derive(Clone)]
pub(crate) struct Document {
    table: Table,
    pub(crate) config: Config,
}

/// Keys that differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// Those that are put in force.
    pub(crate) live: Vec<String>,
    /// Those that need a restart.
    pub(crate) restart: Vec<String>,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// It can't be read, or makes no sense.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| ConfigError::Io { path: path.into(), reason })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let config = Config::parse(path, text)?;
        let table = text.parse();
        let table = table
            .map_err(|reason| ConfigError::Toml { path: path.into(), reason: Box::new(reason) })?;
        Ok(Self { table, config })
    }

    /// The keys of `new` whose values differ from these in what they mean: to write a default down is no difference.
    pub(crate) fn differences(&self, new: &Self) -> Differences {
        let mut differences = Differences::default();
        let mut paths = Vec::new();
        differing(&self.table, &new.table, &mut Vec::new(), &mut paths);
        for path in paths.iter().filter(|path| self.matters(path, new)) {
            let key = path.join(".");
            match self.is_live(&key, new) {
                true => differences.live.push(key),
                false => differences.restart.push(key),
            }
        }
        differences
    }

    /// TLS itself comes and goes with a restart only, as the listener speaks one or the other.
    fn is_live(&self, key: &str, new: &Self) -> bool {
        let has_tls = |document: &Self| document.config.http.tls.is_some();
        let is_below = |live: &str| {
            key.strip_prefix(live).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let live = LIVE.into_iter().find(|live| is_below(live));
        live.is_some_and(|live| live != "http.tls" || has_tls(self) && has_tls(new))
    }

    /// Whether this configuration would be another one with the value that `new` has at a path. Where it would be none
    /// the key belongs to others, which differ too.
    fn matters(&self, path: &[String], new: &Self) -> bool {
        let mut table = self.table.clone();
        put(&mut table, path, find(&new.table, path).cloned());
        let text = toml::to_string(&table).unwrap_or_default();
        Config::parse(Path::new(""), &text).map_or(true, |other| other != self.config)
    }

    /// Notes that these keys have the values of `new`.
    pub(crate) fn take(&mut self, live: &[String], new: &Self) {
        for key in live {
            let path: Vec<String> = key.split('.').map(Into::into).collect();
            put(&mut self.table, &path, find(&new.table, &path).cloned());
        }
        let (config, new) = (&mut self.config, new.config.clone());
        config.log.filter = new.log.filter;
        config.change_log = new.change_log;
        config.feeds.configured = new.feeds.configured;
        config.dns = crate::config::Dns {
            access: new.dns.access,
            cookies: new.dns.cookies,
            identity: new.dns.identity,
            large_udp: new.dns.large_udp,
            rate_limit: new.dns.rate_limit,
            version: new.dns.version,
            ..config.dns.clone()
        };
        config.http = crate::config::Http {
            body_limit: new.http.body_limit,
            hosts: new.http.hosts,
            import_limit: new.http.import_limit,
            open_metrics: new.http.open_metrics,
            proxies: new.http.proxies,
            tls: config.http.tls.take().map(|tls| new.http.tls.unwrap_or(tls)),
            ..config.http.clone()
        };
    }
}

/// The paths of values that differ; tables are looked into, lists are not.
fn differing(old: &Table, new: &Table, above: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        above.push(name.clone());
        match (old.get(name), new.get(name)) {
            (old, new) if old == new => {}
            (None | Some(Value::Table(_)), None | Some(Value::Table(_))) => {
                let table = |of: &Table| of.get(name).and_then(Value::as_table).cloned();
                let (old, new) = (table(old).unwrap_or_default(), table(new).unwrap_or_default());
                differing(&old, &new, above, found);
            }
            _ => found.push(above.clone()),
        }
        above.pop();
    }
}

fn find<'a>(table: &'a Table, path: &[String]) -> Option<&'a Value> {
    let (last, above) = path.split_last()?;
    let mut table = table;
    for name in above {
        table = table.get(name)?.as_table()?;
    }
    table.get(last)
}

fn put(table: &mut Table, path: &[String], value: Option<Value>) {
    let Some((last, above)) = path.split_last() else { return };
    let mut table = table;
    for name in above {
        let entry = table.entry(name.clone()).or_insert_with(|| Table::new().into());
        match entry {
            Value::Table(below) => table = below,
            _ => return,
        }
    }
    match value {
        Some(value) => drop(table.insert(last.clone(), value)),
        None => drop(table.remove(last)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Differences, Document};

    const HEAD: &str = "version = \"v1\"\ndata-dir = \"var\"\n";

    fn document(text: &str) -> Document {
        Document::parse(Path::new("test.toml"), &format!("{HEAD}{text}")).unwrap()
    }

    fn differences(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
        let Differences { live, restart } = document(old).differences(&document(new));
        (live, restart)
    }

    #[test]
    fn every_key_that_differs_is_named_as_it_stands_in_the_file() {
        let new = "log.filter = \"warn\"\nlog.format = \"json\"\n[dns]\nusage-days = 3\naccess.default = \"refuse\"\n\
                   [http]\nhosts = [\"a.example\"]\nconnections = 7\n[feeds]\nfolders = [\"/a\"]\n\
                   [[feed]]\nname = \"a\"\nzone = \"z.example\"\npath = \"/a/b\"\n";
        let (live, restart) = differences("", new);
        assert_eq!(live, ["dns.access.default", "feed", "http.hosts", "log.filter"]);
        assert_eq!(restart, ["dns.usage-days", "feeds.folders", "http.connections", "log.format"]);
        assert_eq!(differences(new, ""), (live, restart), "and the other way round");
    }

    #[test]
    fn a_default_that_is_written_down_is_no_difference() {
        let old = "[log]\nfilter = \"info\"\n[dns.cookies]\nenabled = true\n";
        let new = "[http]\nconnections = 1024\nopen-metrics = false\n[dns.rate-limit]\nslip = 1\n";
        assert_eq!(differences(old, new), (vec![], vec![]));
        assert_eq!(differences(old, old), (vec![], vec![]));
    }

    #[test]
    fn keys_that_only_make_sense_with_each_other_are_all_named() {
        let new = "dns.large-udp = \"cookie\"\ndns.large-udp-networks = [\"192.0.2.0/24\"]\n";
        let (live, restart) = differences("", new);
        assert_eq!((live.len(), restart.len()), (2, 0), "{live:?}");
        let tls = "[http.tls]\ncertificate = \"a\"\nkey = \"b\"\n";
        let (live, restart) = differences("", tls);
        assert_eq!((live.len(), restart.len()), (0, 2), "TLS comes with a restart");
        let (live, _) = differences(tls, &tls.replace("\"a\"", "\"c\""));
        assert_eq!(live, ["http.tls.certificate"]);
    }

    #[test]
    fn what_was_put_in_force_differs_no_more_and_what_waits_goes_on_waiting() {
        let mut old = document("");
        let new = document("log.filter = \"warn\"\nhttp.connections = 7\nhttp.body-limit = 2048\n");
        let found = old.differences(&new);
        old.take(&found.live, &new);
        let left = Differences { live: vec![], restart: vec!["http.connections".into()] };
        assert_eq!(old.differences(&new), left);
        assert_eq!((old.config.http.body_limit, old.config.http.connections), (2048, 1024));
    }
}
