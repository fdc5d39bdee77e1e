//! The addresses that are looked up, and the lists that have some of them.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The lists; the last is in no server's data.
pub(crate) const ZONES: [&str; 5] =
    ["a.bl.example", "b.bl.example", "c.bl.example", "d.bl.example", "e.bl.example"];
/// A list whose server never answers.
pub(crate) const DEAD_ZONE: &str = "dead.bl.example";

/// One in so many addresses is listed.
const LISTED: usize = 10;
/// Where the numbers begin.
const SEED: u64 = 0x5eed_0fd5;

/// Files with addresses, and the list.
pub(crate) struct Data {
    dir: PathBuf,
    subjects: Vec<(Ipv4Addr, bool)>,
}

impl Data {
    /// So many distinct addresses, the same at each run.
    pub(crate) fn new(dir: &Path, count: usize) -> Result<Self> {
        let (mut state, mut seen) = (SEED, HashSet::new());
        let mut subjects = Vec::with_capacity(count);
        while subjects.len() < count {
            // An address of 32/3, where nothing is set apart.
            let addr = Ipv4Addr::from(0x2000_0000 | (next(&mut state) as u32) & 0x1fff_ffff);
            if seen.insert(addr) {
                subjects.push((addr, subjects.len() % LISTED == 0));
            }
        }
        Ok(Self { dir: dir.to_path_buf(), subjects })
    }

    /// A file with some of the addresses, each with whether it is listed.
    pub(crate) fn subjects(&self, range: std::ops::Range<usize>) -> Result<PathBuf> {
        let path = self.dir.join(format!("subjects-{}-{}", range.start, range.end));
        self.write(&path, &self.subjects[range], |addr, listed| {
            Some(format!("{addr} {}", u8::from(listed)))
        })
    }

    /// A file with the names of the addresses in the first list.
    pub(crate) fn names(&self, range: std::ops::Range<usize>) -> Result<PathBuf> {
        let path = self.dir.join(format!("names-{}-{}", range.start, range.end));
        let zone = ZONES[0];
        self.write(&path, &self.subjects[range], |addr, _| {
            let [a, b, c, d] = addr.octets();
            Some(format!("{d}.{c}.{b}.{a}.{zone}"))
        })
    }

    /// Whether each address of a range is listed.
    pub(crate) fn expected(&self, range: std::ops::Range<usize>) -> Vec<bool> {
        self.subjects[range].iter().map(|&(_, listed)| listed).collect()
    }

    /// The list as a dataset of rbldnsd.
    pub(crate) fn ip4set(&self) -> Result<PathBuf> {
        let path = self.dir.join("ip4set");
        self.write(&path, &self.subjects, |addr, listed| listed.then(|| addr.to_string()))?;
        let head = "$SOA 3600 ns.bl.example hostmaster.bl.example 1 3600 600 86400 3600\n\
                    $TTL 3600\n:127.0.0.2:listed\n";
        let text = fs::read_to_string(&path)?;
        fs::write(&path, format!("{head}{text}"))?;
        Ok(path)
    }

    fn write(
        &self,
        path: &Path,
        subjects: &[(Ipv4Addr, bool)],
        line: impl Fn(Ipv4Addr, bool) -> Option<String>,
    ) -> Result<PathBuf> {
        let mut text = String::new();
        for line in subjects.iter().filter_map(|&(addr, listed)| line(addr, listed)) {
            writeln!(text, "{line}")?;
        }
        fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path.to_path_buf())
    }
}

/// The next number of an xorshift generator: any spread will do.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 16
}
