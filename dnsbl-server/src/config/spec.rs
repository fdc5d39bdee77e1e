//! The configuration exactly as typed.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use dnsbl_types::Name;
use ipnet::IpNet;
use serde::Deserialize;

use super::{ChangeLog, Config, Dns, Http, HttpListen, Log, relay_tester::RelayTesterSpec};

/// The only version so far.
const VERSION: &str = "v1";

/// A key whose value does not make sense.
pub(super) struct Refused {
    pub(super) key: &'static str,
    pub(super) detail: String,
}

pub(super) fn refuse<T>(key: &'static str, detail: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { key, detail: detail.into() })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Spec {
    version: String,
    data_dir: PathBuf,
    #[serde(default)]
    dns: DnsSpec,
    #[serde(default)]
    http: HttpSpec,
    #[serde(default)]
    change_log: ChangeLogSpec,
    #[serde(default)]
    log: LogSpec,
    #[serde(default)]
    relay_tester: RelayTesterSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct DnsSpec {
    listen: Vec<String>,
    threads: usize,
    version: String,
    identity: Option<String>,
    tcp_connections: usize,
    tcp_connections_per_client: usize,
    tcp_idle_timeout: u64,
}

impl Default for DnsSpec {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:5300".into()],
            threads: 0,
            version: concat!("dnsbl-server ", env!("CARGO_PKG_VERSION")).into(),
            identity: None,
            tcp_connections: 1024,
            tcp_connections_per_client: 128,
            tcp_idle_timeout: 10,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct HttpSpec {
    listen: String,
    hosts: Vec<String>,
    proxies: Vec<String>,
    open_metrics: bool,
    body_limit: usize,
    import_limit: u64,
}

impl Default for HttpSpec {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            hosts: Vec::new(),
            proxies: Vec::new(),
            open_metrics: false,
            body_limit: 1 << 20,
            import_limit: 8 << 30,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ChangeLogSpec {
    keep_hours: u64,
    keep_bytes: u64,
}

impl Default for ChangeLogSpec {
    fn default() -> Self {
        Self { keep_hours: 72, keep_bytes: 1 << 30 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct LogSpec {
    filter: String,
    format: LogFormat,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum LogFormat {
    Text,
    Json,
}

impl Default for LogSpec {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Text }
    }
}

impl Spec {
    pub(super) fn check(self) -> Result<Config, Refused> {
        if self.version != VERSION {
            return refuse(
                "version",
                format!("{:?} is not known; this release reads {VERSION:?}", self.version),
            );
        }
        if self.data_dir.as_os_str().is_empty() {
            return refuse("data-dir", "it is empty; name the folder that holds the data");
        }
        let (dns, http) = (self.dns.check()?, self.http.check()?);
        let relay_tester = self.relay_tester.check(public_listener(&dns, &http))?;
        Ok(Config {
            data_dir: self.data_dir,
            dns,
            http,
            relay_tester,
            change_log: self.change_log.check()?,
            log: Log { filter: self.log.filter, json: self.log.format == LogFormat::Json },
        })
    }
}

/// A listener that others than this machine can reach.
fn public_listener(dns: &Dns, http: &Http) -> Option<SocketAddr> {
    let http = match http.listen {
        HttpListen::Tcp(addr) => Some(addr),
        HttpListen::Unix(_) => None,
    };
    dns.listen.iter().copied().chain(http).find(|addr| !addr.ip().is_loopback())
}

impl DnsSpec {
    fn check(self) -> Result<Dns, Refused> {
        if self.listen.is_empty() {
            return refuse("dns.listen", "it is empty; name at least one ADDRESS:PORT");
        }
        let listen = self
            .listen
            .iter()
            .map(|text| parse_addr("dns.listen", text))
            .collect::<Result<_, _>>()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if self.threads == 0 { cores } else { self.threads };
        if threads > 256 {
            return refuse("dns.threads", "more than 256 workers make no sense; 0 is one a core");
        }
        if self.tcp_connections == 0 || self.tcp_connections_per_client == 0 {
            let key = if self.tcp_connections == 0 {
                "dns.tcp-connections"
            } else {
                "dns.tcp-connections-per-client"
            };
            return refuse(key, "DNS needs TCP for long answers (RFC 7766); it is at least 1");
        }
        if !(1..=600).contains(&self.tcp_idle_timeout) {
            return refuse("dns.tcp-idle-timeout", "it is 1 to 600 seconds");
        }
        let identity = self.identity.or_else(host_name).unwrap_or_default();
        Ok(Dns {
            listen,
            threads,
            version: checked_text("dns.version", self.version)?,
            identity: checked_text("dns.identity", identity)?,
            tcp_connections: self.tcp_connections,
            tcp_connections_per_client: self.tcp_connections_per_client,
            tcp_idle_timeout: Duration::from_secs(self.tcp_idle_timeout),
        })
    }
}

impl HttpSpec {
    fn check(self) -> Result<Http, Refused> {
        let listen = match self.listen.strip_prefix("unix:") {
            Some("") => return refuse("http.listen", "unix: needs a path"),
            Some(path) => HttpListen::Unix(path.into()),
            None => HttpListen::Tcp(parse_addr("http.listen", &self.listen)?),
        };
        if self.body_limit < 1024 {
            return refuse("http.body-limit", "it is at least 1024 bytes");
        }
        let (body_limit, import_limit) = (self.body_limit, self.import_limit);
        Ok(Http {
            listen,
            open_metrics: self.open_metrics,
            body_limit,
            import_limit,
            hosts: self.hosts.iter().map(|name| host(name)).collect::<Result<_, _>>()?,
            proxies: self.proxies.iter().map(|net| proxy(net)).collect::<Result<_, _>>()?,
        })
    }
}

impl ChangeLogSpec {
    fn check(self) -> Result<ChangeLog, Refused> {
        match self.keep_hours.checked_mul(3600) {
            Some(seconds) => {
                Ok(ChangeLog { keep: Duration::from_secs(seconds), keep_bytes: self.keep_bytes })
            }
            None => refuse("change-log.keep-hours", "it is too large"),
        }
    }
}

/// A name without port; addresses are always accepted.
fn host(text: &str) -> Result<String, Refused> {
    let name = text.parse::<Name>().ok().filter(|_| !text.ends_with('.'));
    match name {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => refuse(
            "http.hosts",
            format!("{text:?} is not a name such as \"dnsbl.example.org\", without port"),
        ),
    }
}

fn proxy(text: &str) -> Result<IpNet, Refused> {
    let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.or_else(|_| {
        refuse("http.proxies", format!("{text:?} is not an address or prefix, such as 127.0.0.1"))
    })
}

fn parse_addr(key: &'static str, text: &str) -> Result<SocketAddr, Refused> {
    let parsed = text.parse();
    parsed.or_else(|_| {
        refuse(key, format!("{text:?} is not ADDRESS:PORT, such as 127.0.0.1:5300 or [::1]:5300"))
    })
}

/// What fits one character-string; empty means off.
fn checked_text(key: &'static str, text: String) -> Result<Option<String>, Refused> {
    if text.len() > 255 || text.chars().any(char::is_control) {
        return refuse(
            key,
            "it is at most 255 bytes without control characters; empty turns it off",
        );
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn host_name() -> Option<String> {
    Some(std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().into())
}
