//! The configuration exactly as typed.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use dnsbl_daemon::{Access, AccessError, Listen, log::Filter};
use dnsbl_types::Name;
use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::{
    access::AccessSpec,
    checked::{ChangeLog, Config, Dns, Http, Log},
    feeds::{FeedSpec, FeedsSpec},
    logins::LoginsSpec,
    mail::MailSpec,
    protection::{CookiesSpec, LargeUdpSpec, RateLimitSpec},
    query_log::QueryLogSpec,
    refused::{Refused, refuse, usual},
    relay_tester::RelayTesterSpec,
    removals::RemovalsSpec,
    reports::ReportsSpec,
    tls::TlsSpec,
    web::WebSpec,
    webhooks::WebhooksSpec,
};

/// The most days that usage is kept.
const MAX_USAGE_DAYS: u32 = 4_000;
/// The only version so far.
const VERSION: &str = "v1";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Spec {
    /// Of any type, so that what is told is what to write.
    version: Option<Spanned<toml::Value>>,
    data_dir: Spanned<PathBuf>,
    #[serde(default)]
    dns: DnsSpec,
    #[serde(default)]
    http: HttpSpec,
    #[serde(default)]
    change_log: ChangeLogSpec,
    #[serde(default)]
    log: LogSpec,
    relay_tester: Option<Spanned<RelayTesterSpec>>,
    #[serde(default)]
    logins: LoginsSpec,
    #[serde(default)]
    reports: ReportsSpec,
    #[serde(default)]
    removals: RemovalsSpec,
    mail: Option<MailSpec>,
    #[serde(default)]
    feeds: FeedsSpec,
    #[serde(default)]
    feed: Vec<Spanned<FeedSpec>>,
    #[serde(default)]
    web: WebSpec,
    #[serde(default)]
    webhooks: WebhooksSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct DnsSpec {
    listen: Spanned<Vec<Spanned<String>>>,
    threads: Spanned<usize>,
    version: Option<Spanned<String>>,
    identity: Option<Spanned<String>>,
    tcp_connections: Spanned<usize>,
    tcp_connections_per_client: Spanned<usize>,
    tcp_idle_timeout: Spanned<u64>,
    large_udp: Spanned<LargeUdpSpec>,
    large_udp_networks: Spanned<Vec<Spanned<String>>>,
    cookies: CookiesSpec,
    rate_limit: RateLimitSpec,
    access: AccessSpec,
    usage_days: Spanned<u32>,
    query_log: QueryLogSpec,
}

impl Default for DnsSpec {
    fn default() -> Self {
        Self {
            listen: usual(vec![usual("127.0.0.1:5300".into())]),
            threads: usual(0),
            version: None,
            identity: None,
            tcp_connections: usual(1024),
            tcp_connections_per_client: usual(128),
            tcp_idle_timeout: usual(10),
            large_udp: usual(LargeUdpSpec::default()),
            large_udp_networks: usual(Vec::new()),
            cookies: CookiesSpec::default(),
            rate_limit: RateLimitSpec::default(),
            access: AccessSpec::default(),
            usage_days: usual(400),
            query_log: QueryLogSpec::default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct HttpSpec {
    listen: Spanned<String>,
    insecure: bool,
    hosts: Vec<Spanned<String>>,
    socket_mode: Spanned<String>,
    socket_group: Option<Spanned<String>>,
    connections: Spanned<usize>,
    connections_per_network: Spanned<usize>,
    proxies: Vec<Spanned<String>>,
    open_metrics: bool,
    body_limit: Spanned<usize>,
    import_limit: u64,
    imports: Spanned<usize>,
    searches: Spanned<usize>,
    tls: Option<Spanned<TlsSpec>>,
}

impl Default for HttpSpec {
    fn default() -> Self {
        Self {
            listen: usual("127.0.0.1:8080".into()),
            insecure: false,
            hosts: Vec::new(),
            socket_mode: usual("0660".into()),
            socket_group: None,
            connections: usual(1024),
            connections_per_network: usual(128),
            proxies: Vec::new(),
            open_metrics: false,
            body_limit: usual(1 << 20),
            import_limit: 8 << 30,
            imports: usual(4),
            searches: usual(12),
            tls: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ChangeLogSpec {
    keep_hours: Spanned<u64>,
    keep_bytes: u64,
    undo_bytes: u64,
}

impl Default for ChangeLogSpec {
    fn default() -> Self {
        Self { keep_hours: usual(72), keep_bytes: 1 << 30, undo_bytes: 1 << 30 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct LogSpec {
    filter: Spanned<String>,
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
        Self { filter: usual("info".into()), format: LogFormat::Text }
    }
}

impl Spec {
    pub(super) fn check(self) -> Result<Config, Refused> {
        let Some(version) = self.version else {
            let detail = format!("it is missing; begin the file with version = {VERSION:?}");
            return refuse("version", 0..0, detail);
        };
        if version.get_ref().as_str() != Some(VERSION) {
            let detail = format!("{} is not known; write {VERSION:?}", version.get_ref());
            return refuse("version", version.span(), detail);
        }
        if self.data_dir.get_ref().as_os_str().is_empty() {
            let detail = "it is empty; name the folder that holds the data";
            return refuse("data-dir", self.data_dir.span(), detail);
        }
        let (dns, http) = (self.dns.check()?, self.http.check()?);
        let relay_tester = match self.relay_tester {
            Some(table) => {
                let at = table.span();
                table.into_inner().check(&at, public_listener(&dns, &http))?
            }
            None => None,
        };
        let web = self.web.check(&dns.access)?;
        let mail = self.mail.map(|mail| mail.check(web.as_ref())).transpose()?;
        Ok(Config {
            data_dir: self.data_dir.into_inner(),
            dns,
            http,
            web,
            relay_tester,
            logins: self.logins.check()?,
            reports: self.reports.check()?,
            removals: self.removals.check(mail)?,
            feeds: self.feeds.check(self.feed)?,
            webhooks: self.webhooks.check()?,
            change_log: self.change_log.check()?,
            log: self.log.check()?,
        })
    }
}

/// A listener that others than this machine can reach.
fn public_listener(dns: &Dns, http: &Http) -> Option<SocketAddr> {
    let http = match http.listen {
        Listen::Tcp(addr) => Some(addr),
        Listen::Unix(_) => None,
    };
    dns.listen.iter().copied().chain(http).find(|addr| !addr.ip().is_loopback())
}

impl DnsSpec {
    fn check(self) -> Result<Dns, Refused> {
        if self.listen.get_ref().is_empty() {
            let detail = "it is empty; name at least one ADDRESS:PORT";
            return refuse("dns.listen", self.listen.span(), detail);
        }
        let listen = self.listen.get_ref().iter();
        let listen = listen.map(|text| address("dns.listen", text)).collect::<Result<_, _>>()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match *self.threads.get_ref() {
            0 => cores,
            threads => threads,
        };
        if threads > 256 {
            let detail = "more than 256 workers make no sense; 0 is one a core";
            return refuse("dns.threads", self.threads.span(), detail);
        }
        for (key, count) in [
            ("dns.tcp-connections", &self.tcp_connections),
            ("dns.tcp-connections-per-client", &self.tcp_connections_per_client),
        ] {
            if *count.get_ref() == 0 {
                let detail = "DNS needs TCP for long answers (RFC 7766); it is at least 1";
                return refuse(key, count.span(), detail);
            }
        }
        let idle = *self.tcp_idle_timeout.get_ref();
        if !(1..=600).contains(&idle) {
            let at = self.tcp_idle_timeout.span();
            return refuse("dns.tcp-idle-timeout", at, "it is 1 to 600 seconds");
        }
        if !(1..=MAX_USAGE_DAYS).contains(self.usage_days.get_ref()) {
            let detail = format!("it is 1 to {MAX_USAGE_DAYS} days");
            return refuse("dns.usage-days", self.usage_days.span(), detail);
        }
        let cookies = self.cookies.check()?;
        let large_udp =
            LargeUdpSpec::check(&self.large_udp, &self.large_udp_networks, cookies.is_some())?;
        Ok(Dns {
            listen,
            threads,
            version: character_string("dns.version", self.version)?,
            identity: character_string("dns.identity", self.identity)?,
            tcp_connections: self.tcp_connections.into_inner(),
            tcp_connections_per_client: self.tcp_connections_per_client.into_inner(),
            tcp_idle_timeout: Duration::from_secs(idle),
            cookies,
            rate_limit: self.rate_limit.check()?,
            access: self.access.check()?,
            large_udp,
            usage_days: self.usage_days.into_inner(),
            query_log: self.query_log.check()?,
        })
    }
}

impl HttpSpec {
    fn check(mut self) -> Result<Http, Refused> {
        for (key, count) in [
            ("http.connections", &self.connections),
            ("http.connections-per-network", &self.connections_per_network),
        ] {
            if !(1..=100_000).contains(count.get_ref()) {
                return refuse(key, count.span(), "it is 1 to 100000");
            }
        }
        for (key, count) in [("http.imports", &self.imports), ("http.searches", &self.searches)] {
            if !(1..=1000).contains(count.get_ref()) {
                return refuse(key, count.span(), "it is 1 to 1000");
            }
        }
        if *self.body_limit.get_ref() < 1024 {
            let at = self.body_limit.span();
            return refuse("http.body-limit", at, "it is at least 1024 bytes");
        }
        let listen = self.listen()?;
        let tls = self.tls.take().map(|tls| TlsSpec::check(tls, &listen)).transpose()?;
        self.refuse_plain(&listen, tls.is_some())?;
        Ok(Http {
            listen,
            tls,
            access: self.access()?,
            connections: self.connections.into_inner(),
            connections_per_network: self.connections_per_network.into_inner(),
            hosts: self.hosts.iter().map(host).collect::<Result<_, _>>()?,
            proxies: self.proxies.iter().map(proxy).collect::<Result<_, _>>()?,
            open_metrics: self.open_metrics,
            body_limit: self.body_limit.into_inner(),
            import_limit: self.import_limit,
            imports: self.imports.into_inner(),
            searches: self.searches.into_inner(),
        })
    }

    /// Refuses plain HTTP where others than this machine can read tokens on their way.
    fn refuse_plain(&self, listen: &Listen, has_tls: bool) -> Result<(), Refused> {
        match listen {
            Listen::Tcp(addr) if !addr.ip().is_loopback() && !has_tls && !self.insecure => {
                let detail = format!(
                    "{addr} is not on this machine alone, and without TLS tokens can be read on their way: set [http.tls], listen on a loopback address or unix:/path behind a proxy that has TLS, or set insecure = true"
                );
                refuse("http.listen", self.listen.span(), detail)
            }
            Listen::Tcp(_) | Listen::Unix(_) => Ok(()),
        }
    }

    fn listen(&self) -> Result<Listen, Refused> {
        match self.listen.get_ref().strip_prefix("unix:") {
            Some("") => refuse("http.listen", self.listen.span(), "unix: needs a path"),
            Some(path) => Ok(Listen::Unix(path.into())),
            None => address("http.listen", &self.listen).map(Listen::Tcp),
        }
    }

    fn access(&self) -> Result<Access, Refused> {
        let group = self.socket_group.as_ref();
        let access =
            Access::parse(self.socket_mode.get_ref(), group.map(|group| group.get_ref().as_str()));
        access.or_else(|err| {
            let (key, at) = match err {
                AccessError::Mode(_) => ("http.socket-mode", self.socket_mode.span()),
                AccessError::Group(_) => {
                    ("http.socket-group", group.map(Spanned::span).unwrap_or_default())
                }
            };
            refuse(key, at, err.to_string())
        })
    }
}

impl LogSpec {
    fn check(self) -> Result<Log, Refused> {
        let filter = Filter::parse(self.filter.get_ref());
        let at = self.filter.span();
        let filter = filter.or_else(|err| refuse("log.filter", at, err.to_string()))?;
        Ok(Log { filter, json: self.format == LogFormat::Json })
    }
}

impl ChangeLogSpec {
    fn check(self) -> Result<ChangeLog, Refused> {
        match self.keep_hours.get_ref().checked_mul(3600) {
            Some(seconds) => Ok(ChangeLog {
                keep: Duration::from_secs(seconds),
                keep_bytes: self.keep_bytes,
                undo_bytes: self.undo_bytes,
            }),
            None => refuse("change-log.keep-hours", self.keep_hours.span(), "it is too large"),
        }
    }
}

/// A name without port; addresses are always accepted.
fn host(typed: &Spanned<String>) -> Result<String, Refused> {
    let text = typed.get_ref();
    match text.parse::<Name>().ok().filter(|_| !text.ends_with('.')) {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => {
            let detail =
                format!("{text:?} is not a name such as \"dnsbl.example.org\", without port");
            refuse("http.hosts", typed.span(), detail)
        }
    }
}

fn proxy(typed: &Spanned<String>) -> Result<IpNet, Refused> {
    let text = typed.get_ref();
    let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.or_else(|_| {
        let detail = format!("{text:?} is not an address or prefix, such as 127.0.0.1");
        refuse("http.proxies", typed.span(), detail)
    })
}

fn address(key: &'static str, typed: &Spanned<String>) -> Result<SocketAddr, Refused> {
    let text = typed.get_ref();
    text.parse().or_else(|_| {
        let detail = format!("{text:?} is not ADDRESS:PORT, such as 127.0.0.1:5300 or [::1]:5300");
        refuse(key, typed.span(), detail)
    })
}

/// A text that fits one character-string; left out or empty means off.
fn character_string(
    key: &'static str,
    typed: Option<Spanned<String>>,
) -> Result<Option<String>, Refused> {
    let Some(typed) = typed else { return Ok(None) };
    let text = typed.get_ref();
    if text.len() > 255 || text.chars().any(char::is_control) {
        let detail = "it is at most 255 bytes without control characters; empty turns it off";
        return refuse(key, typed.span(), detail);
    }
    Ok(Some(typed.into_inner()).filter(|text| !text.is_empty()))
}
