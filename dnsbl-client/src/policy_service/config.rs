//! The configuration of the policy service: what it means, checked.

mod spec;
mod zone;

use std::{
    fs, io,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use dnsbl_client::{Policy, Zone};
use dnsbl_daemon::{Access, Listen, log::Filter};
use ipnet::IpNet;
use serde::Deserialize;

use super::template::Template;

/// The largest configuration file, in octets.
const MAX_FILE: usize = 1 << 20;

/// The configuration, as it stays while the service runs.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) listen: Vec<Listen>,
    /// Who may connect to Unix sockets.
    pub(super) access: Access,
    pub(super) metrics_listen: Option<SocketAddr>,
    /// Health of the lists, kept over restarts.
    pub(super) state_file: Option<PathBuf>,
    /// A filter such as `info` or `dnsbl=debug`.
    pub(crate) log: Filter,
    /// Decide and log, but always answer DUNNO.
    pub(super) shadow: bool,
    /// Clients that are not checked.
    pub(super) exempt: Vec<IpNet>,
    /// Check private, loopback and other special-use addresses too.
    pub(super) check_special_use: bool,
    /// Empty: those of /etc/resolv.conf.
    pub(super) resolvers: Vec<SocketAddr>,
    pub(super) deadlines: Deadlines,
    pub(super) limits: Limits,
    /// What of a request is looked up.
    pub(super) checks: Vec<What>,
    pub(super) policy: Policy,
    pub(super) texts: Texts,
    pub(super) zones: Vec<PolicyZone>,
    /// After how long a list that is down counts as gone.
    pub(super) gone_after: Duration,
    /// What is no mistake, but hardly meant.
    pub(crate) warnings: Vec<String>,
    /// The files of their keys.
    pub(super) key_files: Vec<PathBuf>,
}

/// How long a decision may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) normal: Duration,
    /// While Postfix says `stress=yes`.
    pub(super) stress: Duration,
}

/// What strangers may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once.
    pub(super) connections: usize,
    /// Connections at once from one network: an IPv4 address, an IPv6 /64.
    pub(super) connections_per_network: usize,
    /// How long a connection may be silent.
    pub(super) idle: Duration,
}

/// What is said.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// A header line.
    pub(super) tag: Template,
    pub(super) defer: Template,
    pub(super) reject: Template,
}

/// A list and what this service does with it.
#[derive(Clone, Debug)]
pub(super) struct PolicyZone {
    pub(super) zone: Zone,
    /// Where a person can look up why; goes into the reason unless the list's text has a URL.
    pub(super) url: Option<Template>,
}

/// What of a request is looked up, in the lists that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// The client's address.
    Client,
    /// What it calls itself.
    Helo,
    /// The sender's domain, and the whole address in lists of mail addresses.
    Sender,
    /// The client's name in the reverse DNS.
    ReverseName,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("{0}: larger than {MAX_FILE} octets")]
    TooLarge(PathBuf),
    #[error("{path}: line {line}: {key}: {detail}")]
    Value { path: PathBuf, line: usize, key: String, detail: String },
    /// What is missing stands nowhere.
    #[error("{0}: {1}")]
    Missing(PathBuf, String),
}

/// A value that makes no sense, and where it stands.
struct Refused {
    at: Range<usize>,
    detail: String,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|err| ConfigError::Io(path.into(), err))?;
        if text.len() > MAX_FILE {
            return Err(ConfigError::TooLarge(path.into()));
        }
        Self::read(path, &text)
    }

    /// What the scores lead to.
    pub(crate) fn policy(&self) -> Policy {
        self.policy.clone()
    }

    /// The resolvers; empty: those of the system.
    pub(crate) fn resolvers(&self) -> &[SocketAddr] {
        &self.resolvers
    }

    /// The lists.
    pub(crate) fn zones(&self) -> impl Iterator<Item = Zone> {
        self.zones.iter().map(|zone| zone.zone.clone())
    }

    /// Checks the text of a file; `path` names it in errors.
    pub(crate) fn read(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let spec = toml::from_str::<spec::Spec>(text).map_err(|err| Refused {
            at: err.span().unwrap_or_default(),
            // Not the error itself: it shows the line, which may hold a key.
            detail: err.message().to_owned(),
        });
        let config = spec.and_then(|spec| spec.check(folder));
        config.map_err(|refused| match refused.at {
            Range { start: 0, end: 0 } => ConfigError::Missing(path.into(), refused.detail),
            _ => Self::refused(path, text, refused),
        })
    }

    fn refused(path: &Path, text: &str, refused: Refused) -> ConfigError {
        ConfigError::Value {
            path: path.into(),
            line: text[..refused.at.start.min(text.len())].matches('\n').count() + 1,
            key: key_at(text, refused.at.start),
            detail: refused.detail,
        }
    }
}

/// The key on the line of an offset, or what stands there in its place.
fn key_at(text: &str, offset: usize) -> String {
    let offset = offset.min(text.len());
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    // A key of an inline table is nearer than the one that begins the line.
    let before = text.get(start..offset).unwrap_or_default();
    let inline = before.contains('{').then(|| before.rfind(['{', ','])).flatten();
    let nearest = inline.map_or(line, |at| &line[at + 1..]);
    nearest.split('=').next().unwrap_or_default().trim().to_owned()
}

fn refuse<T>(at: Range<usize>, detail: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { at, detail: detail.into() })
}

#[cfg(test)]
mod tests;
