//! Postfix from Debian.

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::PathBuf,
};

use super::{
    address::unique_addr,
    enclosure::{Enclosure, Running},
    exim::server_name,
};

/// A running Postfix. It is stopped, and its mail is deleted, when dropped.
pub struct Postfix {
    addr: SocketAddrV4,
    name: String,
    running: Running,
}

/// What a Postfix relays beyond mail for its own name.
#[derive(Clone, Debug)]
pub enum PostfixRelaying {
    /// Everything.
    Open,
    /// Nothing.
    Closed,
    /// What these hosts send; with another one in front this is the output of a multi-hop relay.
    From(Vec<Ipv4Addr>),
    /// Mail for a domain whose server inside is `inner`, whatever the local part looks like.
    BackupMx {
        /// The domain.
        domain: String,
        /// Where its mail goes.
        inner: SocketAddrV4,
    },
    /// What `front` sends; mail for `domain` is its own, and it undoes `%` in it, as Postfix does.
    Inner {
        /// The domain.
        domain: String,
        /// The host in front, which it trusts.
        front: Ipv4Addr,
    },
}

/// Lines of a configuration beyond those of the harness; later lines override earlier ones.
#[derive(Clone, Debug, Default)]
pub struct PostfixExtras {
    /// Of `main.cf`.
    pub main: String,
    /// Of `master.cf`.
    pub master: String,
    /// Who is asked for names, at port 53; without one, nobody.
    pub resolver: Option<Ipv4Addr>,
}

/// The queues, and the sockets of services that only its own user may use, and that others may.
const MAKE_FOLDERS: &str = "mkdir data log queue queue/pid queue/public queue/maildrop
cd queue
mkdir active bounce corrupt defer deferred flush hold incoming private saved trace
chown postfix: ../data ../log active bounce corrupt defer deferred flush hold incoming private saved trace
chown postfix:postdrop public maildrop
chmod 710 public
chmod 730 maildrop
cd ..
";

impl Postfix {
    /// Starts one that hands all mail for others to `next_hop`.
    #[track_caller]
    pub fn start(relaying: &PostfixRelaying, next_hop: SocketAddr) -> Self {
        Self::start_at(unique_addr(), relaying, next_hop)
    }

    /// Starts one at an address that [`unique_addr`] gave.
    #[track_caller]
    pub fn start_at(addr: SocketAddrV4, relaying: &PostfixRelaying, next_hop: SocketAddr) -> Self {
        Self::start_with(addr, relaying, next_hop, &PostfixExtras::default())
    }

    /// Starts one with further lines of configuration.
    #[track_caller]
    pub fn start_with(
        addr: SocketAddrV4,
        relaying: &PostfixRelaying,
        next_hop: SocketAddr,
        extras: &PostfixExtras,
    ) -> Self {
        let host = *addr.ip();
        let name = server_name(host);
        let enclosure = Enclosure::new(host, &name, extras.resolver);
        let etc = enclosure.path("etc");
        std::fs::create_dir(&etc).expect("the folder is new");
        let main =
            main_cf(&enclosure, host, &name, next_hop) + &differences(relaying) + &extras.main;
        enclosure.write("etc/main.cf", &main);
        enclosure.write("etc/master.cf", &(master_cf(addr) + &extras.master));
        let master = enclosure.tools().join("usr/lib/postfix/sbin/master");
        let script = format!("{MAKE_FOLDERS}exec {} -c {} -s", master.display(), etc.display());
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

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.running.path("log/maillog")
    }

    /// What it wrote to its log.
    pub fn said(&self) -> String {
        self.running.said()
    }
}

fn main_cf(enclosure: &Enclosure, host: Ipv4Addr, name: &str, next_hop: SocketAddr) -> String {
    let dir = enclosure.path("");
    let dir = dir.display();
    let (hop, port) = (next_hop.ip(), next_hop.port());
    format!(
        "compatibility_level = 3.6
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
queue_directory = {dir}queue
data_directory = {dir}data
daemon_directory = {dir}tools/usr/lib/postfix/sbin
command_directory = {dir}tools/usr/sbin
shlib_directory = {dir}tools/usr/lib/postfix
meta_directory = {dir}etc
# Its libraries are unpacked beside it.
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH
export_environment = TZ LANG MAIL_CONFIG LD_LIBRARY_PATH
mail_owner = postfix
setgid_group = postdrop
default_database_type = texthash
maillog_file_prefixes = {dir}log
maillog_file = {dir}log/maillog
inet_protocols = ipv4
# Where it listens is in master.cf: here only addresses of an interface may stand.
inet_interfaces = 127.0.0.1
smtp_bind_address = {host}
myhostname = {name}
mydomain = test
myorigin = {name}
mydestination = {name}
mynetworks = {host}/32
smtpd_banner = {name} ESMTP
smtpd_peername_lookup = no
disable_dns_lookups = yes
relayhost = [{hop}]:{port}
alias_maps =
alias_database =
local_recipient_maps =
local_transport = discard:local
smtp_tls_security_level = none
"
    )
}

fn differences(relaying: &PostfixRelaying) -> String {
    match relaying {
        PostfixRelaying::Open => "mynetworks = 0.0.0.0/0\n".to_owned(),
        PostfixRelaying::Closed => String::new(),
        PostfixRelaying::From(hosts) => {
            hosts.iter().fold("mynetworks =".to_owned(), |mut line, host| {
                write!(line, " {host}/32").expect("a string takes all");
                line
            }) + "\n"
        }
        PostfixRelaying::BackupMx { domain, inner } => format!(
            "relay_domains = {domain}\nallow_untrusted_routing = yes\n\
             transport_maps = inline:{{{domain}=smtp:[{}]:{}}}\n",
            inner.ip(),
            inner.port()
        ),
        PostfixRelaying::Inner { domain, front } => {
            format!("mydestination = $myhostname, {domain}\nmynetworks = {front}/32\n")
        }
    }
}

/// No part of it runs in a chroot.
fn master_cf(addr: SocketAddrV4) -> String {
    format!(
        "{addr} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    )
}
