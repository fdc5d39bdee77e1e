//! rbldnsd's command line.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use dnsbl_formats::rbldnsd::Settings;
use dnsbl_types::Name;

/// What a command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    /// Its name in `/etc/default/rbldnsd`; empty where it was typed.
    pub(super) instance: String,
    pub(super) listen: Vec<Listen>,
    pub(super) root: Option<PathBuf>,
    pub(super) work: Option<PathBuf>,
    pub(super) ttl: TtlLimits,
    /// Seconds between two looks at the files; 0 is never.
    pub(super) interval: u32,
    /// Prefixes with host bits are cut, not dropped.
    pub(super) cuts_host_bits: bool,
    /// Packed files are not unpacked.
    pub(super) no_gzip: bool,
    /// Every option as it was given, in order.
    pub(super) given: Vec<(char, Option<String>)>,
    pub(super) datasets: Vec<DatasetArgument>,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    At(IpAddr, u16),
    /// A name, which only the system can resolve.
    Named(String),
}

/// `-t DEFAULT:MIN:MAX`, in seconds; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TtlLimits {
    pub(super) default: u32,
    min: u32,
    max: u32,
}

/// `ZONE:TYPE:FILE,FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DatasetArgument {
    /// `None` is every zone, which only access lists are for.
    pub(super) zone: Option<Name>,
    pub(super) dataset: String,
    pub(super) files: Vec<String>,
}

/// The reason for which rbldnsd would not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArgumentError {
    #[error("-{0} is no option of rbldnsd")]
    Unknown(char),
    #[error("-{0} needs an argument")]
    Missing(char),
    #[error("-{0} {1:?} is not understood")]
    Value(char, String),
    #[error("{0:?} is not ZONE:TYPE:FILE")]
    Dataset(String),
    #[error("{0:?}: only an access list is for all zones")]
    NoZone(String),
    #[error("no zone is named")]
    NoZones,
}

/// rbldnsd's options that have an argument.
const WITH_ARGUMENT: &str = "urbwtcplsFxX";
/// Those that have none; `W`, `M`, `T`, `B`, `R`, `O`, `U`, `D` of rspamd's fork are not known here.
const WITHOUT: &str = "46eqfndvaACh";

impl Default for CommandLine {
    fn default() -> Self {
        Self {
            instance: String::new(),
            listen: Vec::new(),
            root: None,
            work: None,
            ttl: TtlLimits { default: 2100, min: 0, max: 0 },
            interval: 60,
            cuts_host_bits: false,
            no_gzip: false,
            given: Vec::new(),
            datasets: Vec::new(),
        }
    }
}

impl CommandLine {
    /// Reads the words behind rbldnsd's name.
    pub(super) fn read(instance: &str, words: &[String]) -> Result<Self, ArgumentError> {
        let mut read = Self { instance: instance.into(), ..Self::default() };
        let mut words = words.iter().map(String::as_str);
        let mut options_end = false;
        while let Some(word) = words.next() {
            match word.strip_prefix('-').filter(|rest| !rest.is_empty() && !options_end) {
                Some("-") => options_end = true,
                Some(options) => read.options(options, &mut words)?,
                None => read.datasets.push(DatasetArgument::read(word)?),
            }
        }
        if read.datasets.is_empty() { Err(ArgumentError::NoZones) } else { Ok(read) }
    }

    /// Letters behind a dash: the first with an argument takes the rest, or else the next word.
    fn options<'a>(
        &mut self,
        options: &str,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), ArgumentError> {
        for (at, letter) in options.char_indices() {
            if WITHOUT.contains(letter) {
                self.flag(letter);
                continue;
            }
            if !WITH_ARGUMENT.contains(letter) {
                return Err(ArgumentError::Unknown(letter));
            }
            let rest = &options[at + letter.len_utf8()..];
            let value = if rest.is_empty() { words.next() } else { Some(rest) };
            return self.option(letter, value.ok_or(ArgumentError::Missing(letter))?);
        }
        Ok(())
    }

    fn flag(&mut self, letter: char) {
        match letter {
            'e' => self.cuts_host_bits = true,
            'C' => self.no_gzip = true,
            _ => {}
        }
        self.given.push((letter, None));
    }

    fn option(&mut self, letter: char, value: &str) -> Result<(), ArgumentError> {
        let wrong = || ArgumentError::Value(letter, value.into());
        match letter {
            'b' => self.listen.push(Listen::read(value).ok_or_else(wrong)?),
            'r' => self.root = Some(value.into()),
            'w' => self.work = Some(value.into()),
            't' => self.ttl = TtlLimits::read(value).ok_or_else(wrong)?,
            'c' => self.interval = seconds(value).ok_or_else(wrong)?,
            _ => {}
        }
        self.given.push((letter, Some(value.into())));
        Ok(())
    }

    /// Where a file lies as this machine sees it.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        let work = self.work.clone().unwrap_or_default().join(file);
        match &self.root {
            None => work,
            Some(root) => root.join(work.strip_prefix("/").unwrap_or(&work)),
        }
    }
}

impl Listen {
    /// `ADDRESS`, `ADDRESS/PORT`, with addresses cut short as `127.2`.
    fn read(text: &str) -> Option<Self> {
        let (host, port) = text.split_once('/').unwrap_or((text, "53"));
        let port = if port == "domain" { "53" } else { port };
        let addr = match host.parse::<IpAddr>() {
            Ok(addr) => Some(addr),
            Err(_) => short(host).map(IpAddr::V4),
        };
        match (addr, port.parse::<u16>()) {
            (Some(addr), Ok(port)) => Some(Self::At(addr, port)),
            _ if host.is_empty() => None,
            _ => Some(Self::Named(text.into())),
        }
    }
}

/// An IPv4 address of fewer than four numbers, the last of which stands for all octets that are left.
fn short(text: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    let numbers = numbers?;
    let (last, first) = numbers.split_last()?;
    let left = 4_u32.checked_sub(u32::try_from(first.len()).ok()?).filter(|left| *left > 0)?;
    let most = if left == 4 { u32::MAX } else { (1 << (8 * left)) - 1 };
    let mut addr = Some(*last).filter(|last| *last <= most)?;
    for (i, octet) in (0..).zip(first) {
        addr |= Some(*octet).filter(|octet| *octet <= 255)? << (24 - 8 * i);
    }
    Some(addr.into())
}

impl TtlLimits {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut next = |left_out| match parts.next() {
            None | Some("") => Some(left_out),
            Some(time) => seconds(time),
        };
        let (default, min, max) = (next(2100)?, next(0)?, next(0)?);
        parts.next().is_none().then_some(Self { default, min, max })
    }

    /// The TTL of what a data set with these settings lists.
    pub(super) fn of(self, settings: &Settings) -> u32 {
        self.clamp(settings.ttl.as_ref().map(|at| at.value))
    }

    /// The TTL that is sent where a file gives this one.
    pub(super) fn clamp(self, ttl: Option<u32>) -> u32 {
        let ttl = ttl.filter(|ttl| *ttl > 0).unwrap_or(self.default);
        let ttl = if self.max > 0 { ttl.min(self.max) } else { ttl };
        ttl.max(self.min)
    }
}

/// A number of seconds, or of another unit behind it.
fn seconds(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

impl DatasetArgument {
    fn read(text: &str) -> Result<Self, ArgumentError> {
        let wrong = || ArgumentError::Dataset(text.into());
        let (zone, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (dataset, files) = rest.split_once(':').ok_or_else(wrong)?;
        let files: Vec<String> =
            files.split([',', ':']).filter(|file| !file.is_empty()).map(Into::into).collect();
        let zone = match zone {
            "" if dataset == "acl" => None,
            "" => return Err(ArgumentError::NoZone(text.into())),
            zone => Some(zone.parse::<Name>().map_err(|_| wrong())?),
        };
        if files.is_empty() || zone.as_ref().is_some_and(Name::is_root) {
            return Err(wrong());
        }
        Ok(Self { zone, dataset: dataset.into(), files })
    }

    /// What follows the zone, by which rbldnsd knows that two zones share a data set.
    pub(super) fn shared(&self) -> (&str, &[String]) {
        (&self.dataset, &self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CommandLine, ArgumentError> {
        let words: Vec<String> = text.split_whitespace().map(Into::into).collect();
        CommandLine::read("", &words)
    }

    #[test]
    fn options_stand_alone_together_and_with_their_arguments() {
        let line = read(
            "-naf -r/var/lib/rbldns -w data -b127.2 -b ::1/5353 -b ns.example.net/domain -t 5m::1h -c10m \
             BL.example.org.:ip4set:a,b:c :acl:acl",
        )
        .unwrap();
        assert_eq!(
            line.listen,
            [
                Listen::At([127, 0, 0, 2].into(), 53),
                Listen::At("::1".parse().unwrap(), 5353),
                Listen::Named("ns.example.net/domain".into()),
            ]
        );
        assert_eq!((line.interval, line.ttl.default), (600, 300));
        assert_eq!((line.ttl.clamp(None), line.ttl.clamp(Some(7200))), (300, 3600));
        assert_eq!(line.path("a"), PathBuf::from("/var/lib/rbldns/data/a"));
        assert_eq!(line.path("/a"), PathBuf::from("/var/lib/rbldns/a"));
        let [first, second] = &line.datasets[..] else { panic!("{line:?}") };
        assert_eq!(first.zone, Some("bl.example.org".parse().unwrap()));
        assert_eq!((first.files.len(), &second.zone), (3, &None));
        assert_eq!(line.given.len(), 10, "{:?}", line.given);
    }

    #[test]
    fn what_rbldnsd_would_not_take_is_told() {
        for (text, wrong) in [
            ("-Z a:ip4set:b", ArgumentError::Unknown('Z')),
            ("a:ip4set:b -t", ArgumentError::Missing('t')),
            ("-c 1h30m a:ip4set:b", ArgumentError::Value('c', "1h30m".into())),
            ("a:ip4set", ArgumentError::Dataset("a:ip4set".into())),
            (":ip4set:b", ArgumentError::NoZone(":ip4set:b".into())),
            ("-n", ArgumentError::NoZones),
        ] {
            assert_eq!(read(text), Err(wrong), "{text}");
        }
        for (text, addr) in
            [("127.2", "127.0.0.2"), ("1.2.3", "1.2.0.3"), ("127.0.0.1", "127.0.0.1")]
        {
            assert_eq!(short(text), Some(addr.parse().unwrap()), "{text}");
        }
        assert_eq!((short("a.b"), short("1.2.3.4.5"), short("300.1")), (None, None, None));
    }
}
