//! The servers, and the order in which they are asked.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arrayvec::ArrayVec;

use crate::ClientError;

/// The most servers that are used; what is listed beyond is left out.
pub(super) const MAX_SERVERS: usize = 8;
/// The system's resolvers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
const DNS_PORT: u16 = 53;
/// How often it is checked whether the system's resolvers have changed.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How many questions in a row a server may leave unanswered before others are asked first.
const MAX_MISSED: u32 = 8;
/// How long others are asked first; then one question tries it again.
const DEMOTED_MS: u64 = 5000;

/// The servers through which zones are asked, one after the other until one gives an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolvers {
    /// Those of `/etc/resolv.conf`; its search domains and options do not apply.
    #[default]
    System,
    /// These.
    Given(Vec<SocketAddr>),
    /// These, which serve the zones themselves: they are asked without recursion.
    Authority(Vec<SocketAddr>),
}

/// Servers in the order in which they are asked.
pub(super) type Order = ArrayVec<Arc<Server>, MAX_SERVERS>;

/// The servers, and where they are written down.
#[derive(Debug)]
pub(super) struct Servers {
    recursion: bool,
    file: Option<PathBuf>,
    known: Mutex<KnownServers>,
}

#[derive(Debug)]
struct KnownServers {
    servers: Arc<[Arc<Server>]>,
    /// What the file looked like when it was read.
    stamp: Option<Stamp>,
    checked: Instant,
}

/// By what a changed file is known: inode, size, seconds and nanoseconds.
type Stamp = (u64, u64, i64, i64);

/// A server and how it does.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    began: Instant,
    missed: AtomicU32,
    /// Until when others are asked first, in milliseconds since it began; 0 is not at all.
    demoted_until: AtomicU64,
}

impl Servers {
    pub(super) fn new(resolvers: &Resolvers) -> Result<Self, ClientError> {
        match resolvers {
            Resolvers::System => Self::in_file(RESOLV_CONF.into()),
            Resolvers::Given(list) => Self::build(None, list, None),
            Resolvers::Authority(list) => {
                Ok(Self { recursion: false, ..Self::build(None, list, None)? })
            }
        }
    }

    /// Whether they are to look further than their own data.
    pub(super) fn recursion(&self) -> bool {
        self.recursion
    }

    /// Those of a file in the form of resolv.conf(5).
    pub(super) fn in_file(path: PathBuf) -> Result<Self, ClientError> {
        let read = || Ok((stamp(&path)?, fs::read_to_string(&path)?));
        let (stamp, text) = read().map_err(ClientError::SystemResolvers)?;
        Self::build(Some(path), &parse(&text), Some(stamp))
    }

    fn build(
        file: Option<PathBuf>,
        list: &[SocketAddr],
        stamp: Option<Stamp>,
    ) -> Result<Self, ClientError> {
        if list.is_empty() {
            return Err(ClientError::NoResolver);
        }
        let servers = merge(&[], list);
        let known = Mutex::new(KnownServers { servers, stamp, checked: Instant::now() });
        Ok(Self { recursion: true, file, known })
    }

    /// The servers, those first that are not known to be silent.
    ///
    /// Now and then it looks whether the file has changed; `forget` gets the servers that are gone.
    pub(super) fn in_order(&self, now: impl Fn() -> Instant, forget: impl Fn(SocketAddr)) -> Order {
        let mut known = self.lock();
        if let Some(file) = &self.file
            && let now = now()
            && now.saturating_duration_since(known.checked) >= CHECK_EVERY
        {
            known.checked = now;
            // A file that can't be read or names nobody is about to be written.
            if let Ok(gone) = known.reload_if_changed(file) {
                gone.into_iter().for_each(forget);
            }
        }
        let servers = known.servers.clone();
        drop(known);
        if let [only] = &*servers {
            return Order::from_iter([only.clone()]);
        }
        let now = now();
        let mut order: ArrayVec<_, MAX_SERVERS> =
            servers.iter().map(|server| (server.is_demoted(now), server)).collect();
        order.sort_by_key(|(is_demoted, _)| *is_demoted);
        order.into_iter().map(|(_, server)| server.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, KnownServers> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownServers {
    /// Reads the file if it has changed; gives the servers that it names no more.
    fn reload_if_changed(&mut self, file: &PathBuf) -> io::Result<Vec<SocketAddr>> {
        let stamp = Some(stamp(file)?);
        if stamp == self.stamp {
            return Ok(Vec::new());
        }
        let list = parse(&fs::read_to_string(file)?);
        if list.is_empty() {
            return Ok(Vec::new());
        }
        self.stamp = stamp;
        let servers = merge(&self.servers, &list);
        let before = std::mem::replace(&mut self.servers, servers);
        let gone = before.iter().map(|server| server.addr);
        Ok(gone.filter(|addr| !list.contains(addr)).collect())
    }
}

impl Server {
    /// It answered: what it missed before is forgotten.
    pub(super) fn note_answered(&self) {
        if self.missed.load(Ordering::Relaxed) != 0 {
            self.missed.store(0, Ordering::Relaxed);
            self.demoted_until.store(0, Ordering::Relaxed);
        }
    }

    /// It left a question unanswered.
    pub(super) fn note_missed(&self, now: Instant) {
        if self.missed.fetch_add(1, Ordering::Relaxed) + 1 == MAX_MISSED {
            self.demoted_until.store(self.millis(now) + DEMOTED_MS, Ordering::Relaxed);
        }
    }

    /// Whether others are asked first. Once the time is over one question tries it.
    fn is_demoted(&self, now: Instant) -> bool {
        let until = self.demoted_until.load(Ordering::Relaxed);
        if until == 0 {
            return false;
        }
        let now = self.millis(now);
        let again = now + DEMOTED_MS;
        let exchange = || {
            let order = Ordering::Relaxed;
            self.demoted_until.compare_exchange(until, again, order, order)
        };
        now < until || exchange().is_err()
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_millis() as u64
    }
}

/// The servers of a list, with what is known of those that were there before.
fn merge(before: &[Arc<Server>], list: &[SocketAddr]) -> Arc<[Arc<Server>]> {
    let new = |addr| Server {
        addr,
        began: Instant::now(),
        missed: AtomicU32::new(0),
        demoted_until: AtomicU64::new(0),
    };
    let kept = |addr| before.iter().find(|server| server.addr == addr).cloned();
    let list = list.iter().take(MAX_SERVERS);
    list.map(|&addr| kept(addr).unwrap_or_else(|| Arc::new(new(addr)))).collect()
}

fn stamp(file: &PathBuf) -> io::Result<Stamp> {
    let meta = fs::metadata(file)?;
    Ok((meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}

/// The `nameserver` lines (resolv.conf(5)), also in the form `[address]:port`; what can't be read is left out.
fn parse(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == "nameserver").then(|| words.next())?
    });
    let mut servers: Vec<SocketAddr> = Vec::new();
    for server in lines.filter_map(parse_server) {
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`; a
/// link-local one with its interface by name or number: `fe80::1%eth0`, `[fe80::1%2]:53` (RFC 4007 section
/// 11).
pub(super) fn parse_server(text: &str) -> Option<SocketAddr> {
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return Some(addr);
    }
    let (addr, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((addr, "")) => (addr, DNS_PORT),
        Some((addr, port)) => (addr, port.strip_prefix(':')?.parse().ok()?),
        None => (text, DNS_PORT),
    };
    if let Ok(ip) = addr.parse::<IpAddr>() {
        return Some((ip, port).into());
    }
    let (addr, interface) = addr.split_once('%')?;
    let scope = interface.parse().ok().or_else(|| interface_index(interface))?;
    Some(SocketAddrV6::new(addr.parse().ok()?, port, 0, scope).into())
}

/// The number of an interface, by the files in which the kernel tells it: those of this process's
/// network, and where the interface has no address yet, the machine's.
fn interface_index(name: &str) -> Option<u32> {
    let addresses = fs::read_to_string("/proc/self/net/if_inet6").unwrap_or_default();
    let of_address = addresses.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let index = words.nth(1)?;
        (words.next_back()? == name).then(|| u32::from_str_radix(index, 16).ok())?
    });
    let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
    let of_machine = || {
        let index = fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?;
        index.trim().parse().ok()
    };
    of_address.or_else(|| is_name.then(of_machine)?)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{DEMOTED_MS, MAX_MISSED, Resolvers, Servers, parse};

    fn first(servers: &Servers, now: Instant) -> String {
        servers.in_order(|| now, |_| ())[0].addr.to_string()
    }

    #[test]
    fn only_nameserver_lines_count() {
        let text = "# nameserver 192.0.2.9\nsearch corp.example\noptions ndots:5 rotate\n\
                    nameserver 192.0.2.1 # first\n\tnameserver  2001:db8::1\nnameserver 192.0.2.1\n\
                    nameserver fe80::1%2\nnameserver [192.0.2.2]:5353\nnameserver elsewhere\n\
                    nameserver\nnameservers 192.0.2.7\n";
        let servers: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%2]:53", "192.0.2.2:5353"];
        assert_eq!(servers, expected);
    }

    /// Field case 63: the interface was read as a number only, and the line left out.
    #[test]
    fn a_link_local_server_is_asked_through_the_interface_of_that_name() {
        let scope = |text: &str| match parse(text).as_slice() {
            [std::net::SocketAddr::V6(addr)] => Some((addr.scope_id(), addr.port())),
            _ => None,
        };
        let lo = super::interface_index("lo").unwrap();
        assert_eq!(scope("nameserver fe80::1%lo\n"), Some((lo, 53)));
        assert_eq!(scope("nameserver [fe80::1%lo]:5353\n"), Some((lo, 5353)));
        assert_eq!(scope("nameserver [fe80::1%lo]\n"), Some((lo, 53)));
        assert_eq!(scope("nameserver fe80::1%7\n"), Some((7, 53)));
        for text in ["fe80::1%no-such-interface", "fe80::1%", "fe80::1%../lo", "192.0.2.1%lo"] {
            assert_eq!(scope(&format!("nameserver {text}\n")), None, "{text}");
        }
    }

    #[test]
    fn a_silent_server_comes_last_but_is_tried_again_once_in_a_while() {
        let list = ["192.0.2.1:53", "192.0.2.2:53"].map(|addr| addr.parse().unwrap());
        let servers = Servers::new(&Resolvers::Given(list.into())).unwrap();
        let now = Instant::now();
        assert_eq!(first(&servers, now), "192.0.2.1:53");
        let server = servers.lock().servers[0].clone();
        for _ in 0..MAX_MISSED {
            server.note_missed(now);
        }
        assert_eq!(first(&servers, now), "192.0.2.2:53");
        let later = now + Duration::from_millis(2 * DEMOTED_MS);
        assert!(!server.is_demoted(later), "one question tries it");
        assert!(server.is_demoted(later), "and no other");
        server.note_answered();
        assert_eq!(first(&servers, later), "192.0.2.1:53");
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_bad_one_is_not() {
        let path = std::env::temp_dir().join(format!("resolv-{}.conf", std::process::id()));
        std::fs::write(&path, "nameserver 192.0.2.1\n").unwrap();
        let servers = Servers::in_file(path.clone()).unwrap();
        let later = Instant::now() + Duration::from_secs(2);
        let in_order = |now| servers.in_order(|| now, |_| ())[0].addr.ip().to_string();
        std::fs::write(&path, "nameserver 192.0.2.22\n").unwrap();
        assert_eq!(in_order(Instant::now()), "192.0.2.1", "not yet");
        assert_eq!(in_order(later), "192.0.2.22");
        std::fs::write(&path, "search example\n").unwrap();
        assert_eq!(in_order(later + Duration::from_secs(2)), "192.0.2.22");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(in_order(later + Duration::from_secs(4)), "192.0.2.22");
    }
}
