//! SIGHUP: the configuration is read again, and what can change while the server runs does.

use std::path::PathBuf;

use dnsbl_daemon::log::Log;

use crate::{
    Config,
    dns::{Cookies, Secrets},
    query_log::QueryLog,
};

/// The configuration file, and what of it is in force.
pub(crate) struct Reloader {
    file: PathBuf,
    config: Config,
    log: Log,
}

impl Reloader {
    pub(crate) fn new(file: PathBuf, config: Config, log: Log) -> Self {
        Self { file, config, log }
    }

    /// The log.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Reads the file again. Where it is bad everything stays as it is. No filter of the log holds back what
    /// became of it, as somebody waits for that.
    pub(crate) fn reload(&mut self, cookies: Option<&Cookies>, query_log: Option<&QueryLog>) {
        // Whatever the file says: what rotates logs asks for no more.
        if let Some(query_log) = query_log {
            query_log.reopen();
        }
        let report = match Config::load(&self.file) {
            Ok(new) => self.apply(&new, cookies),
            Err(err) => format!("everything stays as it is: {err}"),
        };
        self.log.announce(&format!("dnsbl-server: SIGHUP: {report}"));
    }

    fn apply(&mut self, new: &Config, cookies: Option<&Cookies>) -> String {
        let mut changes = Vec::new();
        if new.log.filter != self.config.log.filter {
            self.log.set_filter(&new.log.filter);
            changes.push(format!("log.filter is {:?} now", new.log.filter.as_str()));
            self.config.log.filter = new.log.filter.clone();
        }
        if let (Some(cookies), Some(settings)) = (cookies, &new.dns.cookies) {
            match Secrets::read(&settings.secrets) {
                Ok(Some(secrets)) => {
                    cookies.replace(secrets);
                    self.config.dns.cookies = Some(settings.clone());
                    changes.push("dns.cookies.secrets are read again".into());
                }
                Ok(None) => {}
                Err(err) => changes.push(format!("dns.cookies.secrets stay as they are: {err}")),
            }
        }
        let waiting = waiting(&self.config, new);
        if !waiting.is_empty() {
            changes.push(format!("{} changed too, which a restart brings", waiting.join(", ")));
        }
        if changes.is_empty() {
            changes.push(format!("{} says nothing new", self.file.display()));
        }
        changes.join("; ")
    }
}

/// The keys and tables that differ and are read at the start only.
fn waiting(old: &Config, new: &Config) -> Vec<&'static str> {
    [
        ("data-dir", old.data_dir != new.data_dir),
        ("[dns]", old.dns != new.dns),
        ("[http]", old.http != new.http),
        ("[change-log]", old.change_log != new.change_log),
        ("log.format", old.log.json != new.log.json),
        ("[relay-tester]", old.relay_tester != new.relay_tester),
        ("[logins]", old.logins != new.logins),
        ("[[feed]] or [feeds]", old.feeds != new.feeds),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}
