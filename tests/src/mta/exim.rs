//! Exim from Debian.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::PathBuf,
};

use super::{
    address::unique_addr,
    enclosure::{Enclosure, Running},
};

/// A running Exim. It is stopped, and its mail is deleted, when dropped.
pub struct Exim {
    addr: SocketAddrV4,
    name: String,
    running: Running,
}

/// What an Exim relays beyond mail for its own name, or how else it goes wrong.
#[derive(Clone, Debug)]
pub enum EximRelaying {
    /// Everything.
    Open,
    /// Nothing.
    Closed,
    /// Nothing, and of its own users it knows these only.
    KnownUsers(Vec<String>),
    /// What these hosts send; with another one in front this is the output of a multi-hop relay.
    From(Vec<Ipv4Addr>),
    /// What claims to come from its own name.
    OwnSender,
    /// What has no sender.
    NullSender,
    /// `user%domain@itself`, which it takes for `user@domain`.
    Percent,
    /// `domain!user@itself`, which it takes for `user@domain`.
    Bang,
    /// Nothing, but it accepts everything and bounces later.
    AcceptThenBounce,
    /// Mail for a domain whose server inside is `inner`, whatever the local part looks like.
    BackupMx {
        /// The domain.
        domain: String,
        /// Where its mail goes.
        inner: SocketAddrV4,
    },
    /// What `front` sends; mail for `domain` is its own, and it undoes `%` in it.
    Inner {
        /// The domain.
        domain: String,
        /// The host in front, which it trusts.
        front: Ipv4Addr,
    },
}

/// What a configuration has beyond that of the harness.
#[derive(Clone, Debug, Default)]
pub struct EximExtras {
    /// Statements in front of the others of the ACL for recipients.
    pub acl: String,
    /// Who is asked for names, at port 53; without one, nobody.
    pub resolver: Option<Ipv4Addr>,
}

/// The parts of a configuration that differ.
struct Differences {
    acl: String,
    routers: String,
    local_domains: String,
}

const LOCAL: &str = "  accept domains = +local_domains\n";
const DENY: &str = "  deny message = relay not permitted\n";
const PERCENT: &str = "hack:\n  driver = redirect\n  domains = +local_domains\n  local_parts = ^.+%.+\n  \
                       data = ${sg{$local_part}{\\N^(.+)%([^%]+)$\\N}{\\$1@\\$2}}\n";
const BANG: &str = "hack:\n  driver = redirect\n  domains = +local_domains\n  local_parts = ^.+!.+\n  \
                    data = ${sg{$local_part}{\\N^([^!]+)!(.+)$\\N}{\\$2@\\$1}}\n";
// Bounces of its own have no sending host and go out.
const BOUNCE: &str = "refuse:\n  driver = redirect\n  domains = ! +local_domains\n  \
                      condition = ${if def:sender_host_address}\n  allow_fail\n  data = :fail: no relay\n";

impl Exim {
    /// Starts one that hands all mail for others to `next_hop`.
    #[track_caller]
    pub fn start(relaying: &EximRelaying, next_hop: SocketAddr) -> Self {
        Self::start_at(unique_addr(), relaying, next_hop)
    }

    /// Starts one at an address that [`unique_addr`] gave.
    #[track_caller]
    pub fn start_at(addr: SocketAddrV4, relaying: &EximRelaying, next_hop: SocketAddr) -> Self {
        Self::start_with(addr, relaying, next_hop, &EximExtras::default())
    }

    /// Starts one with more in its configuration.
    #[track_caller]
    pub fn start_with(
        addr: SocketAddrV4,
        relaying: &EximRelaying,
        next_hop: SocketAddr,
        extras: &EximExtras,
    ) -> Self {
        let host = *addr.ip();
        let name = server_name(host);
        let enclosure = Enclosure::new(host, &name, extras.resolver);
        let mut differences = differences(relaying, &name);
        differences.acl.insert_str(0, &extras.acl);
        enclosure.write("exim.conf", &config(&enclosure, addr, &name, differences, next_hop));
        let binary = enclosure.tools().join("usr/sbin/exim4");
        let script = format!(
            "mkdir spool log\nchown Debian-exim:Debian-exim spool log\nexec {} -C {} -bdf -q1m",
            binary.display(),
            enclosure.path("exim.conf").display()
        );
        Self { addr, name, running: enclosure.run(&script, addr.into()) }
    }

    /// Where it takes mail, and the address from which it sends.
    pub fn addr(&self) -> SocketAddr {
        self.addr.into()
    }

    /// Its name, in its greeting, for which it takes mail.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its main log.
    pub fn log(&self) -> PathBuf {
        self.running.path("log/mainlog")
    }

    /// What it printed and wrote to its logs.
    pub fn said(&self) -> String {
        self.running.said()
    }
}

/// The name of the server at an address.
pub(super) fn server_name(host: Ipv4Addr) -> String {
    let [_, b, c, d] = host.octets();
    format!("r{b}-{c}-{d}.test")
}

fn config(
    enclosure: &Enclosure,
    addr: SocketAddrV4,
    name: &str,
    differences: Differences,
    next_hop: SocketAddr,
) -> String {
    let Differences { acl, routers, local_domains } = differences;
    let dir = enclosure.path("");
    let dir = dir.display();
    let (ip, port) = (addr.ip(), addr.port());
    let (hop, hop_port) = (next_hop.ip(), next_hop.port());
    format!(
        "primary_hostname = {name}
exim_path = {dir}tools/usr/sbin/exim4
spool_directory = {dir}spool
log_file_path = {dir}log/%slog
pid_file_path = {dir}spool/exim.pid
local_interfaces = {ip}
daemon_smtp_ports = {port}
domainlist local_domains = {local_domains}
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
# Its libraries are unpacked beside it.
keep_environment = LD_LIBRARY_PATH
begin acl
acl_rcpt:
{acl}begin routers
{routers}others:
  driver = manualroute
  domains = ! +local_domains
  route_list = * {hop}::{hop_port} byname
  transport = smtp
  self = send
  no_more
local:
  driver = accept
  transport = discard
begin transports
smtp:
  driver = smtp
  interface = {ip}
discard:
  driver = appendfile
  file = /dev/null
  user = nobody
  group = nogroup
begin retry
* * F,1h,1m
"
    )
}

fn differences(relaying: &EximRelaying, name: &str) -> Differences {
    use EximRelaying::{
        AcceptThenBounce, BackupMx, Bang, Closed, From, Inner, KnownUsers, NullSender, Open,
        OwnSender, Percent,
    };
    let mut local_domains = name.to_owned();
    let mut routers = String::new();
    let first = match relaying {
        Open => "  accept\n".to_owned(),
        Closed => String::new(),
        KnownUsers(users) => {
            // A router that declines and is the last: there is no route.
            write!(
                routers,
                "unknown:\n  driver = redirect\n  domains = +local_domains\n  local_parts = ! {}\n  \
                 data = ${{if eq{{a}}{{b}}{{c}}}}\n  no_more\n\
                 known:\n  driver = redirect\n  domains = +local_domains\n  data = :blackhole:\n",
                users.join(" : ! ")
            )
            .expect("a string takes all");
            "  require verify = recipient\n".to_owned()
        }
        From(hosts) => accept_from(hosts),
        OwnSender => format!("  accept sender_domains = {name}\n"),
        NullSender => "  accept senders = :\n".to_owned(),
        Percent => {
            routers += PERCENT;
            String::new()
        }
        Bang => {
            routers += BANG;
            String::new()
        }
        AcceptThenBounce => {
            routers += BOUNCE;
            "  accept\n".to_owned()
        }
        BackupMx { domain, inner } => {
            write!(
                routers,
                "inside:\n  driver = manualroute\n  domains = {domain}\n  route_list = * {}::{} byname\n  \
                 transport = smtp\n  self = send\n",
                inner.ip(),
                inner.port()
            )
            .expect("a string takes all");
            format!("  accept domains = {domain}\n")
        }
        Inner { domain, front } => {
            local_domains += &format!(" : {domain}");
            routers += PERCENT;
            accept_from(&[*front])
        }
    };
    Differences { acl: first + LOCAL + DENY, routers, local_domains }
}

fn accept_from(hosts: &[Ipv4Addr]) -> String {
    let hosts: Vec<_> = hosts.iter().map(Ipv4Addr::to_string).collect();
    format!("  accept hosts = {}\n", hosts.join(" : "))
}
