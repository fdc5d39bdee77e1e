//! Who may ask: `prefix [:action]`.

use std::{collections::HashSet, net::Ipv4Addr};

use dnsbl_types::{Reason, ReturnCode, UnixTime};
use ipnet::{IpNet, Ipv4Net};

use super::{
    bytes::{is_blank, is_comment, trim_start},
    common::{Common, Kind},
    directive::{Directives, Settings},
    error::{FileError, LineError, shown},
    trap::{Trap, Trapped},
    v4, v6,
    value::{self, ValueId, Values, Written},
};

/// A reader of an access list.
#[derive(Debug)]
pub struct AclReader {
    common: Common,
    default: Default,
    values: Values,
    rules: Vec<(u64, IpNet, Action)>,
    known: HashSet<IpNet>,
}

/// What becomes of a client's queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AclAction {
    /// They are dropped.
    Ignore,
    /// They are refused.
    Refuse,
    /// Nothing is listed.
    Empty,
    /// They are answered.
    Pass,
    /// Everything is listed; `$` in the text is the client's address.
    Listed(ReturnCode, Option<Reason>),
}

/// What becomes of the queries from a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// The line that says so.
    pub line: u64,
    /// The network; the longest decides.
    pub prefix: IpNet,
    /// What becomes of them, or why that can't be told.
    pub action: Result<AclAction, LineError>,
}

/// An access list that was read to its end. Who is in none of its rules may ask.
#[derive(Debug)]
pub struct AclFile {
    /// What its directives say.
    pub settings: Settings,
    /// No prefix twice, in the order of their lines.
    pub rules: Vec<AclRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Ignore,
    Refuse,
    Empty,
    Pass,
    Listed(ValueId),
}

/// What holds for lines that say nothing else.
#[derive(Debug)]
enum Default {
    /// Nothing was said.
    Unset,
    /// An action, by name.
    Named(Action),
    /// Everything is listed.
    Listed(Ipv4Addr, Box<[u8]>),
}

impl AclReader {
    /// The most rules that are kept.
    pub const MAX_RULES: usize = 1 << 20;

    /// A reader of the first line. If it is `strict`, a line that is a [`Trap`] says nothing.
    pub fn new(strict: bool) -> Self {
        Self {
            common: Common::new(strict, Directives::default()),
            default: Default::Unset,
            values: Values::default(),
            rules: Vec::new(),
            known: HashSet::new(),
        }
    }

    /// The traps that were met, each once.
    pub fn traps(&self) -> &[Trapped] {
        self.common.traps.all()
    }

    /// Goes on with another file of the same data set: lines are counted from 1 on again.
    pub fn next_file(&mut self) {
        self.default = Default::Unset;
    }

    /// Reads a line, without its LF. Lines are counted from 1 on.
    ///
    /// # Errors
    /// The line says nothing, or nothing that can be told; all others still count. Or the file has more to say than
    /// is kept at once ([`LineError::TooMuch`]).
    pub fn read(&mut self, line: u64, text: &[u8]) -> Result<(), LineError> {
        if self.rules.len() >= Self::MAX_RULES {
            return Err(LineError::TooMuch(Self::MAX_RULES * size_of::<(u64, IpNet, Action)>()));
        }
        let Kind::Text(text) = self.common.begin(line, text)? else {
            let settings = &self.common.directives.settings;
            let is_here = |at: Option<u64>| at == Some(line);
            return match is_here(settings.soa.as_ref().map(|at| at.line))
                || is_here(settings.ns.as_ref().map(|at| at.line))
            {
                true => Err(LineError::Directive(shown(text))),
                false => Ok(()),
            };
        };
        match text {
            [b':', rest @ ..] if !rest.starts_with(b":") => self.default(text),
            [b'=', ..] => self.default(text),
            text => self.rule(text),
        }
    }

    /// All lines are in.
    ///
    /// # Errors
    /// rbldnsd would not serve the file at `now`.
    pub fn finish(self, now: UnixTime) -> Result<AclFile, FileError> {
        self.common.check(now)?;
        let Directives { mut settings, templates, .. } = self.common.directives;
        (settings.soa, settings.ns) = (None, None);
        let values: Vec<_> =
            self.values.all().map(|value| value.resolve(&templates).says).collect();
        let action = |action| {
            Ok(match action {
                Action::Ignore => AclAction::Ignore,
                Action::Refuse => AclAction::Refuse,
                Action::Empty => AclAction::Empty,
                Action::Pass => AclAction::Pass,
                Action::Listed(id) => {
                    let place = id.place().expect("a value is no exclusion");
                    let (code, text) = values[place].clone()?;
                    AclAction::Listed(code, text)
                }
            })
        };
        let rules = self.rules.iter();
        let rules = rules.map(|&(line, prefix, of)| AclRule { line, prefix, action: action(of) });
        Ok(AclFile { settings, rules: rules.collect() })
    }

    /// A line that begins with a colon: the action of rules that have none. What a value leaves out is taken from the
    /// default before it.
    fn default(&mut self, text: &[u8]) -> Result<(), LineError> {
        self.default = match named(text)? {
            Some(action) => Default::Named(action),
            None => {
                let (code, text) = self.whole(value::parse(text)?)?;
                Default::Listed(code, text.into())
            }
        };
        Ok(())
    }

    fn rule(&mut self, text: &[u8]) -> Result<(), LineError> {
        let (prefix, rest) = self.prefix(text)?;
        let action = self.action(rest)?;
        if !self.known.insert(prefix) {
            return self.common.trap(Trap::SecondRule);
        }
        self.rules.push((self.common.line, prefix, action));
        Ok(())
    }

    fn prefix<'a>(&mut self, text: &'a [u8]) -> Result<(IpNet, &'a [u8]), LineError> {
        // An IPv6 address has a colon before anything else than hexadecimal digits, and a value none before it.
        let digits = text.iter().take_while(|c| c.is_ascii_hexdigit()).count();
        let is_v6 =
            text[digits..].starts_with(b":") || text[..digits].iter().any(u8::is_ascii_alphabetic);
        if is_v6 {
            let v6::Prefix { net, no_length, rest } = v6::prefix(text)?;
            if no_length {
                self.common.trap(Trap::NoLength)?;
            }
            return Ok((net.into(), rest));
        }
        let (range, rest) = v4::prefix(text)?;
        if let Some(max) = self.common.directives.max_range4.filter(|max| range.count() > *max) {
            return Err(LineError::TooWide { count: range.count(), max });
        }
        let len = 32 - range.count().ilog2();
        Ok((Ipv4Net::new_assert(range.first.into(), len as u8).into(), rest))
    }

    fn action(&mut self, rest: &[u8]) -> Result<Action, LineError> {
        let rest = trim_start(rest);
        if let Some(action) = named(rest)? {
            return Ok(action);
        }
        let written = value::parse(rest)?;
        match &self.default {
            Default::Named(action) if written == Written::NOTHING => return Ok(*action),
            Default::Unset if written == Written::NOTHING => return Ok(Action::Ignore),
            _ => {}
        }
        let (code, text) = self.whole(written)?;
        LineError::check_code(code, None)?;
        let id = self.values.intern(code, &text, self.common.line);
        Ok(Action::Listed(id.map_err(|error| LineError::Text { error, default: None })?))
    }

    /// Code and text of a value, with what it leaves out.
    fn whole(&self, written: Written<'_>) -> Result<(Ipv4Addr, Vec<u8>), LineError> {
        let (code, text) = match (&self.default, written) {
            (_, Written { code: Some(code), text: Some(text) }) => (code, text),
            // rbldnsd crashes where a value takes its other half from a default that is none.
            (Default::Named(_), _) => return Err(LineError::HalfValue),
            (Default::Unset, Written { code, text }) => {
                (code.unwrap_or(Ipv4Addr::new(127, 0, 0, 2)), text.unwrap_or_default())
            }
            (Default::Listed(default, text_of_default), Written { code, text }) => {
                (code.unwrap_or(*default), text.unwrap_or(text_of_default))
            }
        };
        Ok((code, text.to_vec()))
    }
}

/// An action that is named behind a colon or an equals sign; what stands behind its name is ignored. `None` is a
/// value, or nothing.
fn named(text: &[u8]) -> Result<Option<Action>, LineError> {
    let [sign @ (b':' | b'='), rest @ ..] = text else { return Ok(None) };
    let ends = |c: &u8| is_blank(*c) || is_comment(&[*c]);
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    Ok(Some(match rest[..end].to_ascii_lowercase().as_slice() {
        b"ignore" | b"blackhole" => Action::Ignore,
        b"refuse" => Action::Refuse,
        b"empty" => Action::Empty,
        b"pass" => Action::Pass,
        _ if *sign == b'=' => return Err(LineError::Action(shown(text))),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<LineError>) {
        let mut reader = AclReader::new(false);
        let lines = (1..).zip(text.split('\n'));
        let wrong = lines.filter_map(|(number, line)| reader.read(number, line.as_bytes()).err());
        let wrong = wrong.collect();
        let file = reader.finish(UnixTime(1_800_000_000)).unwrap();
        let rules = file.rules.iter().map(|AclRule { prefix, action, .. }| match action {
            Ok(AclAction::Listed(code, text)) => {
                let text = text.as_ref().map_or("-", |text| text.template());
                format!("{prefix} {code} {text}")
            }
            Ok(other) => format!("{prefix} {other:?}"),
            Err(err) => format!("{prefix} {err}"),
        });
        (rules.collect(), wrong)
    }

    #[test]
    fn a_rule_names_an_action_or_a_value_or_has_the_default() {
        for (text, expected) in [
            ("1.2.3.4", "1.2.3.4/32 Ignore"),
            ("1.2.3.4 :blackhole", "1.2.3.4/32 Ignore"),
            ("1.2.3:REFUSE # c", "1.2.3.0/24 Refuse"),
            ("1.2.3.4 =Pass;c", "1.2.3.4/32 Pass"),
            ("0/0 :empty x", "0.0.0.0/0 Empty"),
            ("1.2.3.4 text", "1.2.3.4/32 127.0.0.2 text"),
            ("1.2.3.4 :9:$ $1\n$1 var", "1.2.3.4/32 127.0.0.9 $ var"),
            ("1.2.3.4 :9", "1.2.3.4/32 127.0.0.9 -"),
            (":refuse\n1.2.3.4 ;c", "1.2.3.4/32 Refuse"),
            ("=empty\n1.2.3.4", "1.2.3.4/32 Empty"),
            (":refuse\n:8:x\n1.2.3.4 :9", "1.2.3.4/32 127.0.0.9 x"),
            (":8:x\n:4\n1.2.3.4", "1.2.3.4/32 127.0.0.4 x"),
            (":4\n1.2.3.4", "1.2.3.4/32 127.0.0.4 -"),
            ("::1 :refuse", "::1/128 Refuse"),
            ("2001:db8 :pass", "2001:db8::/32 Pass"),
            ("fe80/16", "fe80::/16 Ignore"),
        ] {
            assert_eq!(read(text), (vec![expected.to_owned()], vec![]), "{text}");
        }
    }

    #[test]
    fn the_first_rule_of_a_prefix_counts_and_what_rbldnsd_drops_is_none() {
        let (rules, wrong) = read(
            "1.2.3.4 :refuse\n1.2.3.4 :pass\n1.2.3.5 :refused\n1.2.3.6 =\n!1.2.3.7\n1.2.3.8-9\n1.2.3.1/24\n\
             1.2.3.4=pass\n: refuse\n$SOA 5 a. b. 0 1 2 3 4",
        );
        assert_eq!(rules, ["1.2.3.4/32 Refuse"]);
        assert_eq!(wrong.len(), 8, "{wrong:?}");
        assert!(wrong.iter().all(|wrong| !wrong.differs()), "{wrong:?}");
    }

    #[test]
    fn half_a_value_needs_the_other_half() {
        for text in [":refuse\n1.2.3.4 :12", ":refuse\n1.2.3.4 text"] {
            assert_eq!(read(text), (vec![], vec![LineError::HalfValue]), "{text}");
        }
        let (rules, wrong) = read(":refuse\n:4\n1.2.3.4");
        assert_eq!((rules, wrong), (vec!["1.2.3.4/32 Refuse".into()], vec![LineError::HalfValue]));
    }
}
