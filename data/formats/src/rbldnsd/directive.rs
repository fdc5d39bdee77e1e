//! Directives: lines that begin with a dollar.

use dnsbl_types::{Name, UnixTime};

use super::{
    bytes::{number, trim_start, word, words},
    error::{FileError, LineError, shown},
    template::Templates,
    time,
    trap::Trap,
    value,
};

/// Something, and the line that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The line.
    pub line: u64,
    /// What it says.
    pub value: T,
}

/// `$SOA`: the record and its TTL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soa {
    /// TTL in seconds; 0 means that of the data set.
    pub ttl: u32,
    /// The primary name server.
    pub mname: Name,
    /// The operator's mailbox.
    pub rname: Name,
    /// The serial; 0 means the time of the newest file.
    pub serial: u32,
    /// Seconds.
    pub refresh: u32,
    /// Seconds.
    pub retry: u32,
    /// Seconds.
    pub expire: u32,
    /// The TTL of negative answers, in seconds.
    pub minimum: u32,
}

/// `$NS`: the name servers and the TTL of their records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServers {
    /// TTL in seconds; 0 means that of the data set.
    pub ttl: u32,
    /// Those that are not disabled by a dash.
    pub names: Vec<Name>,
}

/// What the directives of a file say of the zone; how entries are made from them is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `$SOA`.
    pub soa: Option<At<Soa>>,
    /// `$NS`.
    pub ns: Option<At<NameServers>>,
    /// `$TTL` in seconds; 0 means the default of the command line.
    pub ttl: Option<At<u32>>,
    /// The latest time at which `$TIMESTAMP` says that the file was made.
    pub created: Option<At<UnixTime>>,
    /// The earliest time at which it expires.
    pub expires: Option<At<UnixTime>>,
}

impl Settings {
    /// Whether rbldnsd would serve a file with these at `now`.
    pub(super) fn check(&self, now: UnixTime) -> Result<(), FileError> {
        if let Some(created) = self.created.as_ref().filter(|created| created.value > now) {
            let ahead = created.value.seconds_from(now);
            return Err(FileError::FromTheFuture { line: created.line, ahead });
        }
        if let Some(expires) = self.expires.as_ref().filter(|expires| expires.value <= now) {
            let ago = now.seconds_from(expires.value);
            return Err(FileError::Expired { line: expires.line, ago });
        }
        Ok(())
    }

    /// Takes what another part of the same file says of the whole: not its TTL, which is its own.
    pub(super) fn merge(&mut self, other: &Self) {
        self.soa = self.soa.take().or_else(|| other.soa.clone());
        self.ns = self.ns.take().or_else(|| other.ns.clone());
        let created = self.created.take().into_iter().chain(other.created.clone());
        self.created = created.max_by_key(|at| at.value);
        let expires = self.expires.take().into_iter().chain(other.expires.clone());
        self.expires = expires.min_by_key(|at| at.value);
    }
}

/// What all directives so far say.
#[derive(Debug, Default)]
pub(super) struct Directives {
    pub(super) settings: Settings,
    pub(super) templates: Templates,
    /// The most addresses of an entry.
    pub(super) max_range4: Option<u64>,
    /// The first `$DATASET`, which only combined data sets have.
    pub(super) dataset: Option<u64>,
}

/// The text behind the dollar, if a line is a directive: the dollar may stand in a comment or behind a
/// colon.
pub(super) fn of_line(line: &[u8]) -> Option<&[u8]> {
    match line {
        [b'$', rest @ ..] | [b'#' | b';' | b':', b'$', rest @ ..] => Some(rest),
        _ => None,
    }
}

impl Directives {
    /// Those that hold in a part that begins here; the widest range may have been set by a part before.
    pub(super) fn of_part(&self, max_range4: Option<u64>) -> Self {
        let settings = Settings { ttl: self.settings.ttl.clone(), ..Settings::default() };
        Self { settings, templates: self.templates.clone(), max_range4, dataset: None }
    }

    /// Takes one, which stands behind a dollar. One that is ignored is a trap.
    pub(super) fn take(&mut self, text: &[u8], line: u64) -> Result<Option<Trap>, LineError> {
        let (name, rest) = word(text);
        let wrong = || LineError::Directive(format!("${}", shown(text)));
        match name {
            [b'0'..=b'9' | b'='] => self.set_text(name[0], rest),
            name => {
                let name = name.to_ascii_lowercase();
                self.set(&name, rest, line).ok_or_else(wrong)
            }
        }
    }

    fn set(&mut self, name: &[u8], rest: &[u8], line: u64) -> Option<Option<Trap>> {
        match name {
            b"soa" => return Some(once(&mut self.settings.soa, At { line, value: soa(rest)? })),
            b"ns" | b"nameserver" => {
                return Some(once(&mut self.settings.ns, At { line, value: ns(rest)? }));
            }
            b"ttl" => self.settings.ttl = Some(At { line, value: time::seconds(rest)? }),
            b"timestamp" => self.timestamp(rest, line)?,
            b"maxrange4" => {
                let max = max_range(rest)?;
                // It may only shrink.
                if self.max_range4.is_some_and(|before| max > before) {
                    return None;
                }
                self.max_range4 = Some(max);
            }
            b"dataset" => {
                self.dataset.get_or_insert(line);
                return None;
            }
            _ => return None,
        }
        Some(None)
    }

    /// `$0 TEXT` to `$9 TEXT`, `$= TEXT`.
    fn set_text(&mut self, name: u8, text: &[u8]) -> Result<Option<Trap>, LineError> {
        let place = match name {
            b'=' => &mut self.templates.base,
            digit => &mut self.templates.variables[usize::from(digit - b'0')],
        };
        if text.is_empty() {
            return Err(LineError::Directive(format!("${}", char::from(name))));
        }
        let text = value::check(text).map_err(|error| LineError::Text { error, default: None })?;
        if place.is_some() {
            return Ok(Some(Trap::IgnoredVariable));
        }
        *place = Some(text.into());
        Ok(None)
    }

    fn timestamp(&mut self, rest: &[u8], line: u64) -> Option<()> {
        let mut words = words(rest);
        let created = time::timestamp(words.next()?)?;
        let expires = match words.next() {
            None => None,
            Some([b'+', after @ ..]) => {
                let after = time::seconds(after).filter(|after| *after > 0)?;
                Some(created?.plus(after.into()))
            }
            Some(at) => time::timestamp(at)?,
        };
        if words.next().is_some() {
            return None;
        }
        let settings = &mut self.settings;
        if let Some(value) = created
            && settings.created.as_ref().is_none_or(|before| before.value < value)
        {
            settings.created = Some(At { line, value });
        }
        if let Some(value) = expires
            && settings.expires.as_ref().is_none_or(|before| before.value > value)
        {
            settings.expires = Some(At { line, value });
        }
        Some(())
    }
}

/// The first of its kind counts.
fn once<T>(place: &mut Option<At<T>>, found: At<T>) -> Option<Trap> {
    if place.is_some() {
        return Some(Trap::IgnoredDirective);
    }
    *place = Some(found);
    None
}

fn soa(text: &[u8]) -> Option<Soa> {
    let fields: Vec<&[u8]> = words(text).collect();
    let [ttl, mname, rname, serial, refresh, retry, expire, minimum] = fields[..] else {
        return None;
    };
    let (serial, rest) = number(serial, u32::MAX)?;
    rest.is_empty().then_some(())?;
    Some(Soa {
        ttl: time::seconds(ttl)?,
        mname: name(mname)?,
        rname: name(rname)?,
        serial,
        refresh: time::seconds(refresh)?,
        retry: time::seconds(retry)?,
        expire: time::seconds(expire)?,
        minimum: time::seconds(minimum)?,
    })
}

fn ns(text: &[u8]) -> Option<NameServers> {
    let mut words = words(text);
    let ttl = time::seconds(words.next()?)?;
    let mut names = Vec::new();
    let mut any = false;
    for word in words {
        any = true;
        match word {
            [b'-', disabled @ ..] => drop(name(disabled)?),
            enabled => names.push(name(enabled)?),
        }
    }
    any.then_some(NameServers { ttl, names })
}

/// An absolute name, whose empty labels count for nothing.
pub(super) fn name(text: &[u8]) -> Option<Name> {
    let labels = text.split(|c| *c == b'.').filter(|label| !label.is_empty());
    Name::from_labels(labels).ok()
}

/// A number of addresses, or the length of a prefix that has as many.
fn max_range(text: &[u8]) -> Option<u64> {
    let text = trim_start(text);
    let (max, rest) = match text.strip_prefix(b"/") {
        Some(len) => {
            let (len, rest) = number(len, 32)?;
            ((len > 0).then(|| 1 << (32 - len))?, rest)
        }
        None => {
            let (count, rest) = number(text, u32::MAX)?;
            (u64::from(count), rest)
        }
    };
    (rest.is_empty() && max > 0).then_some(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(lines: &[&str]) -> (Directives, Vec<bool>) {
        let mut directives = Directives::default();
        let taken = lines.iter().zip(1..).map(|(text, line)| {
            let text = of_line(text.as_bytes()).unwrap();
            directives.take(text, line).is_ok()
        });
        let taken = taken.collect();
        (directives, taken)
    }

    #[test]
    fn a_dollar_in_a_comment_or_behind_a_colon_begins_a_directive_too() {
        for line in ["$TTL 5m", "#$ttl\t5m", ";$Ttl 5m", ":$TTL 5m"] {
            assert_eq!(take(&[line]).0.settings.ttl, Some(At { line: 1, value: 300 }), "{line}");
        }
        assert_eq!(of_line(b"# $TTL 5m"), None);
    }

    #[test]
    fn settings_of_the_zone_are_read() {
        let (directives, taken) = take(&[
            "$SOA 1h ns.example.org. hm.example.org 0 1h 600 86400 5m",
            "$NS 1d ns1.example.org. -ns2.example.org ns3.example.org",
            "$SOA 5 a. b. 0 1 2 3 4",
            "$NS a.",
            "$SOA 5 a. b. 0 1 2 3 4 # x",
            "$ORIGIN example.org",
        ]);
        assert_eq!(taken, [true, true, true, false, false, false]);
        let soa = directives.settings.soa.unwrap();
        assert_eq!((soa.line, soa.value.ttl, soa.value.minimum), (1, 3600, 300));
        let ns = directives.settings.ns.unwrap().value;
        let names: Vec<String> = ns.names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["ns1.example.org", "ns3.example.org"]);
    }

    #[test]
    fn a_variable_keeps_its_first_text() {
        let (directives, taken) = take(&["$1 a $ b", "$1 c", "$10 x", "$2", "$= b"]);
        assert_eq!(taken, [true, true, false, false, true]);
        assert_eq!(directives.templates.variables[1].as_deref(), Some("a $ b"));
        assert_eq!(directives.templates.base.as_deref(), Some("b"));
    }

    #[test]
    fn ranges_may_only_become_smaller() {
        let (directives, taken) =
            take(&["$MAXRANGE4 /24", "$MAXRANGE4 4", "$MAXRANGE4 5", "$MAXRANGE4 /0"]);
        assert_eq!(taken, [true, true, false, false]);
        assert_eq!(directives.max_range4, Some(4));
    }

    #[test]
    fn the_earliest_expiry_and_the_latest_creation_count() {
        let (directives, taken) = take(&[
            "$TIMESTAMP 2026-01-01 +1w",
            "$TIMESTAMP 2026-01-02 2026-01-05",
            "$TIMESTAMP 0 +1w",
            "$TIMESTAMP 2026-01-01 x",
            "$TIMESTAMP 2026-01-01 0 x",
            "$TIMESTAMP - 2026-01-06",
        ]);
        assert_eq!(taken, [true, true, false, false, false, true]);
        let settings = directives.settings;
        assert_eq!(settings.created, Some(At { line: 2, value: UnixTime(1_767_312_000) }));
        assert_eq!(settings.expires, Some(At { line: 2, value: UnixTime(1_767_571_200) }));
    }
}
