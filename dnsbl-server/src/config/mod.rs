//! The configuration: what it means, checked.

mod relay_tester;
mod spec;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;

pub(crate) use relay_tester::RelayTester;

/// The configuration of a server, as it stays while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// RocksDB and `admin.token` live below it.
    pub data_dir: PathBuf,
    /// The DNS face.
    pub dns: Dns,
    /// The HTTP face.
    pub http: Http,
    /// How long the change log is kept.
    pub change_log: ChangeLog,
    /// What is logged, and how.
    pub log: Log,
    /// The tester of open relays, if there is one.
    pub relay_tester: Option<RelayTester>,
}

/// The DNS face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// UDP and TCP on each.
    pub listen: Vec<SocketAddr>,
    /// UDP workers for each address; at least one.
    pub threads: usize,
    /// The answer to CHAOS TXT `version.bind` and `version.server`; `None`: REFUSED.
    pub version: Option<String>,
    /// The answer to CHAOS TXT `id.server` and `hostname.bind`, and the NSID; `None`: REFUSED, no NSID.
    pub identity: Option<String>,
    /// TCP connections at once.
    pub tcp_connections: usize,
    /// TCP connections at once from one address.
    pub tcp_connections_per_client: usize,
    /// How long a TCP connection may take for its next query.
    pub tcp_idle_timeout: Duration,
}

/// The HTTP face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where the admin API listens.
    pub listen: HttpListen,
    /// `/metrics` and `/openapi.json` need no token.
    pub open_metrics: bool,
    /// The longest body of a request other than an import, in bytes.
    pub body_limit: usize,
    /// The longest import after decompression, in bytes.
    pub import_limit: u64,
    /// Names under which requests without a token may reach the API.
    pub hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For` tells who asks.
    pub proxies: Vec<IpNet>,
}

/// Where the admin API listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpListen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for HttpListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How long the change log is kept: until it is both older or larger than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeLog {
    /// Entries older than this go.
    pub keep: Duration,
    /// The oldest entries go when the log takes more bytes.
    pub keep_bytes: u64,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A filter such as `info` or `info,dnsbl_server=debug`.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: std::io::Error,
    },
    /// It is no TOML, or has a key or value that is not known; names line and key.
    #[error("{path}: {reason}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// The reason, with line and column.
        reason: Box<toml::de::Error>,
    },
    /// A value does not make sense.
    #[error("{path}: line {line}: {key}: {detail}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        detail: String,
    },
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| ConfigError::Io { path: path.into(), reason })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a configuration file; `path` names it in errors.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let spec: spec::Spec = toml::from_str(text)
            .map_err(|reason| ConfigError::Toml { path: path.into(), reason: Box::new(reason) })?;
        spec.check().map_err(|spec::Refused { key, detail }| ConfigError::Value {
            path: path.into(),
            line: line_of(text, key),
            key,
            detail,
        })
    }

    /// Where RocksDB lives.
    pub fn store_dir(&self) -> PathBuf {
        self.data_dir.join("store")
    }

    /// Where the keys of relay-test tokens live.
    pub fn relay_keys_file(&self) -> PathBuf {
        self.data_dir.join("relay-test.keys")
    }

    /// Where the first token is written.
    pub fn token_file(&self) -> PathBuf {
        self.data_dir.join("admin.token")
    }
}

/// The line on which a key such as `dns.listen` stands, or else the table that it belongs to.
fn line_of(text: &str, key: &str) -> usize {
    let tables = std::iter::successors(Some(key), |key| Some(key.rsplit_once('.')?.0));
    tables.into_iter().find_map(|key| find_line(text, key)).unwrap_or(1)
}

/// The line on which a key or the head of a table stands.
fn find_line(text: &str, wanted: &str) -> Option<usize> {
    let (table, key) = wanted.rsplit_once('.').unwrap_or(("", wanted));
    let mut current = "";
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            current = name.trim();
            if current == wanted {
                return Some(i + 1);
            }
        } else if current == table && line.split('=').next().is_some_and(|name| name.trim() == key)
        {
            return Some(i + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::{Config, HttpListen};

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("test.toml"), text).map_err(|err| err.to_string())
    }

    #[test]
    fn every_key_but_the_data_folder_has_a_default() {
        let config = parse("version = \"v1\"\ndata-dir = \"var\"\n").unwrap();
        assert_eq!(config.dns.listen, ["127.0.0.1:5300".parse().unwrap()]);
        assert_eq!(config.http.listen, HttpListen::Tcp("127.0.0.1:8080".parse().unwrap()));
        assert!(config.dns.threads > 0);
        assert_eq!(config.change_log.keep, Duration::from_secs(72 * 3600));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let err =
            parse("version = \"v1\"\ndata-dir = \"var\"\n[dns]\nlisten-on = []\n").unwrap_err();
        assert!(err.contains("line 4") && err.contains("listen-on"), "{err}");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_named_with_its_line() {
        let err = parse("version = \"v1\"\ndata-dir = \"var\"\n[dns]\nlisten = []\n").unwrap_err();
        assert!(err.contains("line 4: dns.listen"), "{err}");
        let err = parse("version = \"v2\"\ndata-dir = \"var\"\n").unwrap_err();
        assert!(err.contains("line 1: version"), "{err}");
        let err = parse("version = \"v1\"\ndata-dir = \"var\"\n[http]\nlisten = \"nowhere\"\n")
            .unwrap_err();
        assert!(err.contains("line 4: http.listen"), "{err}");
    }

    #[test]
    fn a_key_that_is_missing_is_named_with_the_line_of_its_table() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n\n[relay-tester]\nenabled = true\n";
        let err = parse(head).unwrap_err();
        assert!(err.contains("line 4: relay-tester.receiver"), "{err}");
        let err = parse(&format!("{head}receiver = \"127.0.0.1:2525\"\nzone = \"z.example\"\nprobe-domain = \"p.example\"\nehlo = \"e.example\"\nlimits = {{ at-once = 0 }}\n")).unwrap_err();
        assert!(err.contains("line 10: relay-tester.limits.at-once"), "{err}");
    }

    #[test]
    fn a_unix_socket_is_a_place_to_listen() {
        let config =
            parse("version = \"v1\"\ndata-dir = \"var\"\n[http]\nlisten = \"unix:/run/x\"\n");
        assert_eq!(config.unwrap().http.listen, HttpListen::Unix("/run/x".into()));
    }

    #[test]
    fn the_example_is_good() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dnsbl-server.toml");
        Config::load(&path).unwrap();
    }
}
