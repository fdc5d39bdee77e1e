//! The configuration as it is once it was checked.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use dnsbl_daemon::{Access, Listen, TlsFiles, log::Filter};
use dnsbl_types::{AccessRules, Name};
use ipnet::IpNet;
use relay_tester::service::Settings;

/// The configuration of a server, as it stays while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// RocksDB and `admin.token` live below it.
    pub data_dir: PathBuf,
    /// The DNS face.
    pub dns: Dns,
    /// The HTTP face.
    pub http: Http,
    /// The pages of the list, if there are any.
    pub web: Option<Web>,
    /// The bounds of the change log.
    pub change_log: ChangeLog,
    /// The log.
    pub log: Log,
    /// The tester of open relays, if there is one.
    pub relay_tester: Option<Settings>,
    /// What logins grant, and who reports them.
    pub logins: Logins,
    /// How long reports are kept.
    pub reports: dnsbl_reports::Settings,
    /// How long requests for removal are kept, and how mails are sent.
    pub removals: dnsbl_removals::Settings,
    /// What is fetched again and again.
    pub feeds: Feeds,
    /// Where webhooks may go, and how long their failures are borne.
    pub webhooks: dnsbl_webhooks::Settings,
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
    /// TCP connections at once from one network: an IPv4 address, an IPv6 /64.
    pub tcp_connections_per_client: usize,
    /// How long a TCP connection may take for its next query.
    pub tcp_idle_timeout: Duration,
    /// DNS cookies (RFC 7873); `None`: the option is ignored.
    pub cookies: Option<Cookies>,
    /// How many answers a network gets over UDP; `None`: all.
    pub rate_limit: Option<RateLimit>,
    /// Who may ask, whatever the zone.
    pub access: AccessRules,
    /// Who gets answers over 512 octets over UDP.
    pub large_udp: LargeUdp,
    /// How many days it is kept what subscribers asked; at least 1.
    pub usage_days: u32,
    /// The log of queries, if there is one.
    pub query_log: Option<QueryLog>,
}

/// The log of queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryLog {
    /// The file that is appended to; `-` is standard error.
    pub file: PathBuf,
    /// Of so many queries one is logged, on average; at least 1.
    pub sample: u32,
    /// How much of the client's address is logged.
    pub addresses: LoggedAddresses,
}

/// How much of a client's address is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedAddresses {
    /// All of it.
    Full,
    /// The /24, or the /48 of IPv6.
    Network,
    /// Nothing.
    None,
}

/// DNS cookies (RFC 7873).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    /// Files with a secret each, the first of which makes cookies; none: one that is made up at the start.
    pub secrets: Vec<PathBuf>,
}

/// How many answers a network, a /24 or a /56, gets over UDP in a second; 0: all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The records of listings.
    pub listed: u32,
    /// NXDOMAIN and NODATA.
    pub negative: u32,
    /// The records of the zone's own: SOA, NS, texts and addresses.
    pub zone_records: u32,
    /// REFUSED, SERVFAIL and the like.
    pub errors: u32,
    /// Of so many answers beyond that one is sent as TC, and the others are dropped; 0: all are.
    pub slip: u32,
    /// Networks without limit.
    pub exempt: Vec<IpNet>,
    /// Everything is answered, and only counted.
    pub dry_run: bool,
}

/// Who gets answers over 512 octets over UDP, if it offers to take them; the others get TC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LargeUdp {
    /// Everybody.
    #[default]
    All,
    /// Who has a good cookie, and these networks.
    Cookie {
        /// Networks that need no cookie.
        networks: Vec<IpNet>,
    },
}

/// The HTTP face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where the admin API listens.
    pub listen: Listen,
    /// The files for TLS; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Who may connect to it where it is a Unix socket.
    pub access: Access,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one network: an IPv4 address, an IPv6 /64.
    pub connections_per_network: usize,
    /// Proxies in front of the API: that limit does not hold for them, and their `X-Forwarded-For` tells
    /// who asks.
    pub proxies: Vec<IpNet>,
    /// `/metrics` and `/openapi.json` need no token.
    pub open_metrics: bool,
    /// The longest body of a request other than an import, in bytes.
    pub body_limit: usize,
    /// The longest import after decompression, in bytes.
    pub import_limit: u64,
    /// Imports at once.
    pub imports: usize,
    /// Searches and exports at once.
    pub searches: usize,
    /// Names under which requests without a token may reach the API.
    pub hosts: Vec<String>,
}

/// The pages of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where they are served.
    pub listen: Listen,
    /// Who may connect to it where it is a Unix socket.
    pub access: Access,
    /// How they look, and what visitors may cost.
    pub settings: dnsbl_web::Settings,
    /// The networks from which the operator's console is reached; `None`: there is none.
    pub admin_from: Option<Vec<IpNet>>,
}

/// The bounds of the change log: what is older goes, and the oldest where it is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeLog {
    /// Entries older than this go.
    pub keep: Duration,
    /// The oldest entries go when the log takes more bytes.
    pub keep_bytes: u64,
    /// What undos of changes of many listings need goes when it takes more bytes, the oldest first, but never that of the last one.
    pub undo_bytes: u64,
}

/// What logins grant, and who reports them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    /// How much is granted, and to whom.
    pub settings: dnsbl_logins::Settings,
    /// Files with a secret each.
    pub secrets: Vec<PathBuf>,
    /// DRAC's RPC, if it is taken.
    pub drac: Option<Drac>,
}

/// What is fetched again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feeds {
    /// Feeds that the API can't change.
    pub configured: Vec<dnsbl_feeds::Feed>,
    /// Folders from which the other feeds may read files.
    pub folders: Vec<PathBuf>,
}

/// Where DRAC's RPC is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drac {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Networks that are believed; over UDP an address is easily forged.
    pub from: Vec<IpNet>,
    /// The zone of its grants; `None`: the only allow zone there is.
    pub zone: Option<Name>,
    /// Whether it registers with rpcbind on this machine.
    pub rpcbind: bool,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A filter such as `info` or `info,dnsbl_server=debug`.
    pub filter: Filter,
    /// One JSON object a line instead of text.
    pub json: bool,
}
