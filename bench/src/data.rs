//! What is listed and what is asked: made from a seed, the same in every run.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use dnsbl_tests::Random;
use dnsbl_types::{Guard, Subject};

/// The zone that all servers have.
pub(crate) const ORIGIN: &str = "bl.example.org";
/// What all servers answer to TXT; `$` is the address.
pub(crate) const REASON: &str = "Open relay $, see https://bl.example.org/lookup/$";
/// An address that is listed in every list of every server here (RFC 5782 section 5).
pub(crate) const TEST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const SEED: u64 = 20_261_122;
/// How often addresses come together in a /24, in percent; the rest come alone. With 8 of them in
/// each on the average, 70 % of all addresses have neighbours.
const CLUSTERS: u64 = 23;
/// In a /24 that has any, one more follows with this chance in 8.
const ONE_MORE: u64 = 7;
/// The share of questions for listed addresses, and of those for TXT, in percent.
const LISTED: u64 = 30;
const TXT: u64 = 10;
/// How many questions a generator repeats.
const QUERIES: usize = 500_000;

/// A list, and questions to it.
pub(crate) struct Data {
    addresses: Vec<Ipv4Addr>,
    dir: PathBuf,
}

impl Data {
    /// Makes a list of so many addresses with its files in a folder.
    pub(crate) fn make(size: usize, dir: &Path) -> Result<Self> {
        let data = Self { addresses: addresses(size), dir: dir.join(format!("list-{size}")) };
        fs::create_dir_all(&data.dir).with_context(|| format!("making {}", data.dir.display()))?;
        data.write("plain", |file| data.write_addresses(file))?;
        data.write("queries", |file| data.write_queries(file))?;
        Ok(data)
    }

    /// How many addresses it has.
    pub(crate) fn size(&self) -> usize {
        self.addresses.len()
    }

    /// One address a line.
    pub(crate) fn plain(&self) -> PathBuf {
        self.dir.join("plain")
    }

    /// One question a line, as kxdpgun and dnsperf read them.
    pub(crate) fn queries(&self) -> PathBuf {
        self.dir.join("queries")
    }

    /// The questions, each with one of these keys in its name.
    pub(crate) fn queries_with(&self, keys: &[String]) -> Result<PathBuf> {
        let path = self.dir.join("queries-with-keys");
        let queries = fs::read_to_string(self.queries()).context("reading the questions")?;
        replace(&path, |file| {
            let mut random = Random::new(SEED + 2);
            for line in queries.lines() {
                let (name, rtype) = line.split_once(' ').context("a name and a type")?;
                let relative = name.strip_suffix(ORIGIN).context("a name in the zone")?;
                writeln!(file, "{relative}{}.{ORIGIN} {rtype}", random.pick(keys))?;
            }
            Ok(())
        })?;
        Ok(path)
    }

    /// The list with one address in a hundred replaced, one address a line.
    pub(crate) fn changed(&self) -> Result<PathBuf> {
        self.write("changed", |file| {
            let mut fresh = self.fresh(1);
            for (i, addr) in self.addresses.iter().enumerate() {
                let addr = if i % 100 == 0 { fresh.next().unwrap_or(*addr) } else { *addr };
                writeln!(file, "{addr}")?;
            }
            Ok(())
        })
    }

    /// One of `count` parts of the list, one address a line; each has neighbours of the others.
    pub(crate) fn part(&self, part: usize, count: usize) -> Result<PathBuf> {
        self.write(&format!("part-{part}-of-{count}"), |file| {
            let mut addresses = self.addresses.iter().skip(part).step_by(count);
            Ok(addresses.try_for_each(|addr| writeln!(file, "{addr}"))?)
        })
    }

    /// The dataset of rbldnsd's type `ip4set`.
    pub(crate) fn ip4set(&self) -> Result<PathBuf> {
        self.write("ip4set", |file| {
            writeln!(file, "$SOA 3600 ns1.example.net. hostmaster.{ORIGIN}. 1 3600 600 604800 60")?;
            writeln!(file, "$NS 3600 ns1.example.net.\n$TTL 300\n:127.0.0.2:{REASON}")?;
            writeln!(file, "{TEST_ADDRESS}")?;
            self.write_addresses(file)
        })
    }

    /// The records of the zone as a master file (RFC 1035 section 5), without SOA and NS.
    pub(crate) fn records(&self) -> Result<PathBuf> {
        self.write("records", |file| {
            write_records(file, TEST_ADDRESS)?;
            self.addresses.iter().try_for_each(|&addr| write_records(file, addr))
        })
    }

    /// An address that is listed.
    pub(crate) fn listed(&self) -> Option<Ipv4Addr> {
        self.addresses.first().copied()
    }

    /// Addresses that are not listed, from a seed.
    pub(crate) fn fresh(&self, seed: u64) -> impl Iterator<Item = Ipv4Addr> {
        let mut random = Random::new(SEED ^ seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        std::iter::repeat_with(move || unicast(&mut random))
            .filter(|addr| self.addresses.binary_search(addr).is_err())
    }

    fn write_addresses(&self, file: &mut impl Write) -> Result<()> {
        Ok(self.addresses.iter().try_for_each(|addr| writeln!(file, "{addr}"))?)
    }

    fn write_queries(&self, file: &mut impl Write) -> Result<()> {
        let mut random = Random::new(SEED + 1);
        let mut fresh = self.fresh(0);
        for _ in 0..QUERIES {
            let listed = percent(&mut random, LISTED);
            let addr = if listed { *random.pick(&self.addresses) } else { next(&mut fresh)? };
            let rtype = if percent(&mut random, TXT) { "TXT" } else { "A" };
            writeln!(file, "{} {rtype}", name_of(addr))?;
        }
        Ok(())
    }

    /// Makes a file unless it is there, whole.
    fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.dir.join(name);
        if !path.exists() {
            replace(&path, write)?;
        }
        Ok(path)
    }
}

/// Writes a file beside its place and moves it there.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let new = path.with_extension("new");
    let context = || format!("writing {}; is the disk full?", new.display());
    let mut file = BufWriter::new(File::create(&new).with_context(context)?);
    write(&mut file).with_context(context)?;
    file.flush().with_context(context)?;
    fs::rename(&new, path).with_context(|| format!("moving a file to {}", path.display()))
}

/// The A and TXT record of a listing, relative to the zone.
pub(crate) fn write_records(file: &mut impl Write, addr: Ipv4Addr) -> Result<()> {
    let [a, b, c, d] = addr.octets();
    let reason = REASON.replace('$', &addr.to_string());
    Ok(writeln!(file, "{d}.{c}.{b}.{a} A 127.0.0.2\n{d}.{c}.{b}.{a} TXT \"{reason}\"")?)
}

/// The name that asks for an address.
pub(crate) fn name_of(addr: Ipv4Addr) -> String {
    let [a, b, c, d] = addr.octets();
    format!("{d}.{c}.{b}.{a}.{ORIGIN}")
}

/// So many addresses, sorted, as lists are published.
fn addresses(size: usize) -> Vec<Ipv4Addr> {
    let mut random = Random::new(SEED);
    let mut addresses = Vec::with_capacity(size + size / 8);
    while addresses.len() < size {
        while addresses.len() < size {
            if percent(&mut random, CLUSTERS) {
                cluster(&mut random, &mut addresses);
            } else {
                addresses.push(unicast(&mut random));
            }
        }
        addresses.sort_unstable();
        addresses.dedup();
    }
    addresses.truncate(size);
    addresses
}

/// Addresses in one /24, geometrically distributed in number.
fn cluster(random: &mut Random, addresses: &mut Vec<Ipv4Addr>) {
    let [a, b, c, _] = unicast(random).octets();
    loop {
        addresses.push(Ipv4Addr::new(a, b, c, random.number() as u8));
        if random.number() % 8 >= ONE_MORE {
            return;
        }
    }
}

/// An address that a listing is not refused for.
fn unicast(random: &mut Random) -> Ipv4Addr {
    loop {
        let addr = Ipv4Addr::from(random.number() as u32);
        if Guard::check(&Subject::host(addr.into()), &[]).is_ok() {
            return addr;
        }
    }
}

fn percent(random: &mut Random, percent: u64) -> bool {
    random.number() % 100 < percent
}

fn next(addresses: &mut impl Iterator<Item = Ipv4Addr>) -> Result<Ipv4Addr> {
    addresses.next().context("no address is left")
}
