//! The reload: the configuration is read again, and what can change while the server runs does. All that may fail comes
//! first, so a bad file changes nothing.

mod keys;

use std::{path::PathBuf, sync::Arc};

use admin_api::{LiveLimits, ReloadError, Reloaded};
use anyhow::Context as _;
use dnsbl_daemon::{Tls, TlsFiles, TlsIdentity, log::Log};
use dnsbl_feeds::Feeds;
use tokio::sync::{oneshot, watch};

use self::keys::Differences;
pub(crate) use self::keys::Document;
use crate::{
    config::ChangeLog,
    dns::{LiveService, RateLimitCounters, Service},
    limits::limits,
    protection::Changed,
    query_log::QueryLog,
};

/// A reload that somebody asks for over the API.
pub(crate) struct ReloadRequest {
    /// Who asks.
    pub(crate) by: String,
    pub(crate) reply: oneshot::Sender<Result<Reloaded, ReloadError>>,
}

/// The parts of the server that a reload changes.
pub(crate) struct LiveParts {
    pub(crate) service: LiveService,
    pub(crate) rate_limits: RateLimitCounters,
    pub(crate) limits: Arc<LiveLimits>,
    pub(crate) tls: Option<Tls>,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) change_log: watch::Sender<ChangeLog>,
}

/// The configuration file, and what of it is in force.
pub(crate) struct Reloader {
    file: PathBuf,
    in_force: Document,
    log: Log,
}

/// A new configuration with all that it needs, ready to be put in force.
struct Prepared {
    new: Document,
    service: Service,
    has_secrets: bool,
    tls: Option<TlsIdentity>,
}

impl Reloader {
    /// The reloader of a file that was read for the first time.
    pub(crate) fn new(file: PathBuf, in_force: Document, log: Log) -> Self {
        Self { file, in_force, log }
    }

    /// The log.
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Reads the file again, for a signal or for who asks. Where it is bad everything stays as it is. No filter of the
    /// log holds back what became of it, as somebody waits for that.
    pub(crate) fn reload(
        &mut self,
        by: &str,
        parts: &LiveParts,
        query_log: Option<&QueryLog>,
    ) -> Result<Reloaded, ReloadError> {
        // Whatever the file says: what rotates logs asks for no more.
        if let Some(query_log) = query_log {
            query_log.reopen();
        }
        let _ = sd_notify::notify(&reloading());
        let done = self.prepare(parts).map(|prepared| self.apply(prepared, parts));
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        let report = match &done {
            Ok(done) => self.report(done),
            Err(err) => err.to_string(),
        };
        self.log.announce(&format!("dnsbl-server: {by}: {report}"));
        done
    }

    fn prepare(&self, parts: &LiveParts) -> Result<Prepared, ReloadError> {
        let bad = |err: anyhow::Error| ReloadError::Bad(format!("{err:#}"));
        let new = Document::load(&self.file).map_err(|err| bad(err.into()))?;
        let (before, config) = (&self.in_force.config, &new.config);
        let changed = Changed::read(&config.dns).map_err(bad)?;
        let has_secrets = changed.has_secrets();
        let old = parts.service.load();
        let service = changed.service(&old, &before.dns, &config.dns, &parts.rate_limits);
        let service = service.map_err(bad)?;
        let files = config.http.tls.as_ref().filter(|_| parts.tls.is_some());
        let tls = files.map(TlsFiles::read).transpose().context("http.tls").map_err(bad)?;
        let feeds = parts.feeds.check_configured(&config.feeds.configured);
        feeds.context("feed").map_err(bad)?;
        Ok(Prepared { new, service, has_secrets, tls })
    }

    fn apply(&mut self, prepared: Prepared, parts: &LiveParts) -> Reloaded {
        let Prepared { new, service, has_secrets, tls } = prepared;
        let Differences { live, restart } = self.in_force.differences(&new);
        self.in_force.take(&live, &new);
        let config = &self.in_force.config;
        self.log.set_filter(&config.log.filter);
        parts.service.replace(|_| service);
        parts.limits.replace(limits(config));
        parts.change_log.send_replace(config.change_log);
        if live.iter().any(|key| key == "feed") {
            parts.feeds.reconfigure(config.feeds.configured.clone());
        }
        let mut reread = Vec::new();
        if has_secrets {
            reread.push("dns.cookies.secrets".into());
        }
        if let (Some(tls), Some(identity)) = (&parts.tls, tls)
            && tls.replace(identity)
        {
            reread.push("http.tls".into());
        }
        Reloaded { changed: live, reread, restart }
    }

    fn report(&self, done: &Reloaded) -> String {
        let Reloaded { changed, reread, restart } = done;
        let value = |key: &String| match key.as_str() {
            "log.filter" => {
                format!("log.filter is {:?} now", self.in_force.config.log.filter.as_str())
            }
            key => format!("{key} is as the file says now"),
        };
        let mut parts: Vec<String> = changed.iter().map(value).collect();
        parts.extend(reread.iter().map(|key| match key.as_str() {
            "dns.cookies.secrets" => "dns.cookies.secrets are read again".into(),
            key => format!("{key} has other files, which new connections see"),
        }));
        if !restart.is_empty() {
            parts.push(format!("{} changed too, which a restart brings", restart.join(", ")));
        }
        if parts.is_empty() {
            parts.push(format!("{} says nothing new", self.file.display()));
        }
        parts.join("; ")
    }
}

/// What systemd hears at the beginning, so that `systemctl reload` waits for the end (sd_notify(3)).
fn reloading() -> Vec<sd_notify::NotifyState<'static>> {
    let mut states = vec![sd_notify::NotifyState::Reloading];
    states.extend(sd_notify::NotifyState::monotonic_usec_now());
    states
}
