//! Reading a data set line by line.

use std::net::Ipv4Addr;

use dnsbl_types::{Subject, UnixTime};

use super::{
    bytes::{self, trim_start},
    common::{Common, Kind},
    dataset::ListType,
    directive::{Directives, Settings},
    entry::{Entry, Span},
    error::{FileError, LineError, shown},
    name,
    rows::Rows,
    template::Templates,
    trap::{Trap, Trapped},
    v4::{self, Range},
    v6,
    value::{self, RawValue, Value, ValueId, Values, Written},
};

/// A reader of one file of a data set that lists addresses or names.
///
/// Each line is [`read`](Self::read) and, if it has an entry that is to count, that is [`add`](Self::add)ed. What
/// the entries say is known at the end: then [`finish`](Self::finish) makes rows of them.
#[derive(Debug)]
pub struct Reader {
    list: ListType,
    common: Common,
    default: DefaultValue,
    values: Values,
    rows: Rows,
    /// Those that were read.
    lines: u64,
    is_full: bool,
}

/// The value of entries that have none of their own.
#[derive(Debug)]
struct DefaultValue {
    code: Ipv4Addr,
    text: Box<[u8]>,
    /// The line that sets it.
    line: Option<u64>,
    /// Its number, once an entry has it.
    id: Option<ValueId>,
}

impl Default for DefaultValue {
    fn default() -> Self {
        Self { code: Ipv4Addr::new(127, 0, 0, 2), text: Box::default(), line: None, id: None }
    }
}

/// A file that was read to its end.
#[derive(Debug)]
pub struct File {
    /// What its directives say of the zone.
    pub settings: Settings,
    /// Its values, by [`ValueId::place`].
    pub values: Vec<Value>,
    /// Its rows.
    pub rows: FileRows,
}

/// The rows of a file.
#[derive(Debug)]
pub struct FileRows(Rows);

impl FileRows {
    /// Hands over each subject with its values, ascending and each once: what they say by "the longest prefix
    /// decides, an exact name before the longest wildcard" is what the file says. An exclusion has the one
    /// value [`ValueId::EXCLUDED`].
    ///
    /// Gives the number of entries without effect, since an earlier one has the same prefix.
    ///
    /// # Errors
    /// `put` fails.
    pub fn for_each<E>(
        self,
        put: impl FnMut(Subject, &[ValueId]) -> Result<(), E>,
    ) -> Result<u64, E> {
        self.0.for_each(put)
    }
}

impl Reader {
    /// The most that the entries and texts of a file may take, in bytes: tens of millions of entries.
    pub const MAX_HELD: usize = 512 << 20;

    /// A reader of the first line. If it is `strict`, a line that is a [`Trap`] says nothing.
    pub fn new(list: ListType, strict: bool) -> Self {
        Self::within(list, Common::new(strict, Directives::default()))
    }

    /// A reader of a part of a file, of which something has been read.
    pub(super) fn within(list: ListType, common: Common) -> Self {
        Self {
            list,
            common,
            default: DefaultValue::default(),
            values: Values::default(),
            rows: Rows::new(list),
            lines: 0,
            is_full: false,
        }
    }

    /// Goes on with another file of the same data set: lines are counted from 1 on again.
    pub fn next_file(&mut self) {
        if !self.list.shares_value() {
            self.default = DefaultValue::default();
        }
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// About how many bytes its entries and texts take.
    pub(super) fn held(&self) -> usize {
        self.rows.bytes() + self.values.bytes()
    }

    /// The traps that were met, each once.
    pub fn traps(&self) -> &[Trapped] {
        self.common.traps.all()
    }

    /// Reads a line, without its LF; `None` where it has no entry. Lines are counted from 1 on.
    ///
    /// # Errors
    /// The line says nothing, or nothing that can be told; all others still count. Or the file has more to say than
    /// is kept at once ([`LineError::TooMuch`]); then it can't be read.
    pub fn read(&mut self, number: u64, line: &[u8]) -> Result<Option<Entry>, LineError> {
        self.common.line = number;
        self.look_at_size()?;
        if let Some(addr) = v4::dotted_quad(line).filter(|_| self.list.lists_v4()) {
            let range = Range { first: addr, last: addr };
            return Ok(Some(Entry { span: Span::V4(range), value: self.default_id()? }));
        }
        match self.common.begin(number, line)? {
            Kind::Done => Ok(None),
            Kind::Text(line) if self.is_default(line) => self.default(line).map(|()| None),
            Kind::Text(line) => self.entry(line).map(Some),
        }
    }

    fn look_at_size(&mut self) -> Result<(), LineError> {
        self.lines += 1;
        if self.lines.is_multiple_of(LOOK_EVERY) {
            self.is_full = self.held() > Self::MAX_HELD;
        }
        if self.is_full { Err(LineError::TooMuch(Self::MAX_HELD)) } else { Ok(()) }
    }

    /// Makes an entry count.
    pub fn add(&mut self, entry: &Entry) {
        self.rows.add(&entry.span, entry.value);
    }

    /// All lines are in: makes rows of the entries.
    ///
    /// # Errors
    /// rbldnsd would not serve the file at `now`, or it is a combined data set.
    pub fn finish(self, now: UnixTime) -> Result<File, FileError> {
        self.common.check(now)?;
        let Directives { settings, templates, .. } = self.common.directives;
        let values = match self.list.shares_value() {
            true => vec![self.default.value(&templates)],
            false => self.values.all().map(|value| value.resolve(&templates)).collect(),
        };
        Ok(File { settings, values, rows: FileRows(self.rows) })
    }

    fn is_default(&self, line: &[u8]) -> bool {
        // An address may begin with two colons.
        line[0] == b':' && !(self.list == ListType::Ip6Trie && line.starts_with(b"::"))
    }

    /// A line that begins with a colon: the value of entries that have none.
    fn default(&mut self, line: &[u8]) -> Result<(), LineError> {
        let Written { code, text } = value::parse(line)?;
        if self.list.shares_value() && self.default.line.is_some() {
            return self.common.trap(Trap::IgnoredDefault);
        }
        let text = text.unwrap_or_default();
        self.default = DefaultValue {
            code: code.unwrap_or(self.default.code),
            text: text.into(),
            line: Some(self.common.line),
            id: None,
        };
        self.look_at(text)?;
        // Told here as well, not only where it is used.
        self.default.check(None)
    }

    fn entry(&mut self, line: &[u8]) -> Result<Entry, LineError> {
        let (excluded, text) = match line.strip_prefix(b"!") {
            Some(text) if self.list != ListType::Ip4TSet => (true, trim_start(text)),
            _ => (false, line),
        };
        let (span, rest) = self.span(text, excluded)?;
        let value = if excluded { ValueId::EXCLUDED } else { self.value(rest)? };
        Ok(Entry { span, value })
    }

    /// What an entry is about, and what stands behind that.
    fn span<'a>(&mut self, text: &'a [u8], excluded: bool) -> Result<(Span, &'a [u8]), LineError> {
        match self.list {
            ListType::Ip4Set => {
                let (range, rest) = v4::prefix_or_range(text)?;
                let written = &text[..text.len() - rest.len()];
                if range.count() > u64::from(u32::MAX) && written.contains(&b'/') {
                    return Err(LineError::Everything);
                }
                Ok((self.span_v4(range)?, rest))
            }
            ListType::Ip4Trie => {
                let (range, rest) = v4::prefix(text)?;
                Ok((self.span_v4(range)?, rest))
            }
            ListType::Ip4TSet => {
                let (addr, rest) = v4::address(text)?;
                Ok((Span::V4(Range { first: addr, last: addr }), rest))
            }
            ListType::Ip6Trie => {
                let v6::Prefix { net, no_length, rest } = v6::prefix(text)?;
                if no_length {
                    self.common.trap(Trap::NoLength)?;
                }
                if let Subject::V4(net) = Subject::from_net(net.into())
                    && !net.addr().is_loopback()
                {
                    self.common.trap(Trap::Mapped)?;
                }
                Ok((Span::V6(net), rest))
            }
            ListType::Ip6TSet => {
                let (net, rest) = if excluded { v6::host(text) } else { v6::network(text) }?;
                Ok((Span::V6(net), rest))
            }
            ListType::DnSet | ListType::DnHash => {
                let (name, scope, rest) = name::read(text)?;
                Ok((Span::Name(name, scope), rest))
            }
        }
    }

    fn span_v4(&self, range: Range) -> Result<Span, LineError> {
        match self.common.directives.max_range4.filter(|max| range.count() > *max) {
            Some(max) => Err(LineError::TooWide { count: range.count(), max }),
            None => Ok(Span::V4(range)),
        }
    }

    /// The value of an entry, which stands behind what it is about.
    fn value(&mut self, rest: &[u8]) -> Result<ValueId, LineError> {
        if self.list.shares_value() {
            let behind = trim_start(rest);
            if !behind.is_empty() && !bytes::is_comment(behind) {
                self.common.trap(Trap::IgnoredValue)?;
            }
            return self.default_id();
        }
        let written = value::parse(rest)?;
        if written == Written::NOTHING {
            return self.default_id();
        }
        if let Some(text) = written.text {
            if has_parameters(text) {
                match self.list {
                    ListType::DnHash => return Err(LineError::Parameters(shown(text))),
                    _ => self.common.trap(Trap::Parameters)?,
                }
            }
            if written.code.is_none() && is_rest_of_range(text) {
                self.common.trap(Trap::SpacedRange)?;
            }
            self.look_at(text)?;
        }
        let code = written.code.unwrap_or(self.default.code);
        let text = written.text.unwrap_or(&self.default.text);
        let default = |own: bool| self.default.line.filter(|_| !own);
        LineError::check_code(code, default(written.code.is_some()))?;
        self.values
            .intern(code, text, self.common.line)
            .map_err(|error| LineError::Text { error, default: default(written.text.is_some()) })
    }

    fn default_id(&mut self) -> Result<ValueId, LineError> {
        if self.list.shares_value() {
            self.rows.expect_many(ValueId::FIRST);
            return Ok(ValueId::FIRST);
        }
        if let Some(id) = self.default.id {
            return Ok(id);
        }
        let DefaultValue { code, text, line, id } = &mut self.default;
        LineError::check_code(*code, *line)?;
        let interned = self.values.intern(*code, text, line.unwrap_or(self.common.line));
        let interned = interned.map_err(|error| LineError::Text { error, default: *line })?;
        *id = Some(interned);
        self.rows.expect_many(interned);
        Ok(interned)
    }

    /// Looks at a text that is to be sent.
    fn look_at(&mut self, text: &[u8]) -> Result<(), LineError> {
        if text.len() > LONGEST { self.common.trap(Trap::LongText) } else { Ok(()) }
    }
}

/// After how many lines it is looked at how much is kept.
const LOOK_EVERY: u64 = 1024;

/// The most of a text that rbldnsd sends, in bytes.
const LONGEST: usize = 254;

/// Whether a text begins like the end of a range or the length of a prefix.
fn is_rest_of_range(text: &[u8]) -> bool {
    let [b'-' | b'/', rest @ ..] = text else { return false };
    trim_start(rest).first().is_some_and(u8::is_ascii_digit)
}

/// Whether a text ends with what rspamd's fork takes for parameters of an entry.
fn has_parameters(text: &[u8]) -> bool {
    let names: [&[u8]; 3] = [b"delay=", b"ts=", b"key="];
    let mut ats = (0..text.len()).filter(|at| text[*at] == b'@');
    ats.any(|at| {
        let is_word = at == 0 || bytes::is_blank(text[at - 1]);
        let rest = trim_start(&text[at + 1..]);
        is_word && names.iter().any(|name| rest.starts_with(name))
    })
}

impl DefaultValue {
    /// Checks that it can be answered; `line` is named if not.
    fn check(&self, line: Option<u64>) -> Result<(), LineError> {
        LineError::check_code(self.code, line)?;
        value::check(&self.text).map(drop).map_err(|error| LineError::Text { error, default: line })
    }

    /// What it says, for all entries of a file.
    fn value(&self, templates: &Templates) -> Value {
        let line = self.line.unwrap_or(1);
        match value::check(&self.text) {
            Ok(text) => RawValue { code: self.code, text, line }.resolve(templates),
            Err(error) => Value { line, says: Err(LineError::Text { error, default: None }) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn read(list: ListType, strict: bool, text: &str) -> (File, Vec<(u64, LineError)>) {
        let mut reader = Reader::new(list, strict);
        let mut errors = Vec::new();
        for (number, line) in (1..).zip(text.split('\n')) {
            match reader.read(number, line.as_bytes()) {
                Ok(entry) => entry.iter().for_each(|entry| reader.add(entry)),
                Err(wrong) => errors.push((number, wrong)),
            }
        }
        (reader.finish(NOW).unwrap(), errors)
    }

    /// Each row with its codes and texts.
    fn rows(list: ListType, text: &str) -> Vec<String> {
        let (File { values, rows, .. }, errors) = read(list, false, text);
        assert!(errors.is_empty(), "{errors:?}");
        let shown = |id: &ValueId| match id.place().map(|place| values[place].says.clone()) {
            None => "!".to_owned(),
            Some(says) => {
                let (code, text) = says.unwrap();
                let text = text.map(|text| format!(":{}", text.template()));
                format!("{}{}", code.addr().octets()[3], text.unwrap_or_default())
            }
        };
        let mut found = Vec::new();
        let put = |subject: Subject, ids: &[ValueId]| {
            let said: Vec<String> = ids.iter().map(shown).collect();
            found.push(format!("{subject} {}", said.join("+")));
            Ok::<(), ()>(())
        };
        rows.for_each(put).unwrap();
        found
    }

    #[test]
    fn a_default_value_holds_from_its_line_on_and_leaves_out_what_it_does_not_name() {
        let text = "1.2.3.1\n:5:a\n1.2.3.2\n1.2.3.3 :6\n1.2.3.4 b\n:7\n1.2.3.5\n1.2.3.6 :8:";
        assert_eq!(
            rows(ListType::Ip4Set, text),
            ["1.2.3.1 2", "1.2.3.2 5:a", "1.2.3.3 6:a", "1.2.3.4 5:b", "1.2.3.5 7", "1.2.3.6 8"]
        );
    }

    #[test]
    fn the_first_default_value_is_that_of_all_where_they_share_one() {
        let text = "1.2.3.1\n1.2.3.2 :9:ignored\n:5:$1\n:6:b\n$1 later\n1.2.3.1";
        assert_eq!(rows(ListType::Ip4TSet, text), ["1.2.3.1 5:later", "1.2.3.2 5:later"]);
        let text = "1:2:3:4 x\n!1:2:3:4::9\n:5:a";
        assert_eq!(rows(ListType::Ip6TSet, text), ["1:2:3:4::/64 5:a", "1:2:3:4::9 !"]);
    }

    #[test]
    fn the_same_lines_mean_other_things_in_a_set_and_in_a_trie() {
        let text =
            "1.2.3.4 :4:a\n1.2.3.4 :5:b\n2.0.0.0/30 :12\n2.0.0.1 :13\n!3.0.0.0/31\n3.0.0.1 :14";
        assert_eq!(
            rows(ListType::Ip4Set, text),
            [
                "1.2.3.4 4:a+5:b",
                "2.0.0.0 12",
                "2.0.0.1 12+13",
                "2.0.0.2/31 12",
                "3.0.0.0 !",
                "3.0.0.1 !"
            ]
        );
        assert_eq!(
            rows(ListType::Ip4Trie, text),
            ["1.2.3.4 4:a", "2.0.0.0/30 12", "2.0.0.1 13", "3.0.0.0/31 !", "3.0.0.1 14"]
        );
    }

    #[test]
    fn a_trap_is_told_once_and_with_strict_it_is_an_error() {
        let text = "\u{feff}1.2.3.4\r\n1.2.3.5\r\n# x\r\n1.2.3.6 - 1.2.3.9";
        let mut reader = Reader::new(ListType::Ip4Set, false);
        for (number, line) in (1..).zip(text.split('\n')) {
            reader.read(number, line.as_bytes()).unwrap();
        }
        let told: Vec<_> = reader.traps().iter().map(|t| (t.trap, t.line, t.count)).collect();
        assert_eq!(
            told,
            [(Trap::ByteOrderMark, 1, 1), (Trap::CarriageReturn, 1, 2), (Trap::SpacedRange, 4, 1)]
        );
        let (_, errors) = read(ListType::Ip4Set, true, text);
        let lines: Vec<u64> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }

    #[test]
    fn what_cannot_be_told_is_no_entry_and_names_the_default_value_that_is_to_blame() {
        let (_, errors) = read(
            ListType::Ip4Set,
            false,
            ":10.0.0.1:x\n1.2.3.4\n1.2.3.5 :5\n1.2.3.6 y\n$MAXRANGE4 4\n1.2.4.0/29\n0/0",
        );
        let told: Vec<(u64, bool)> =
            errors.iter().map(|(line, wrong)| (*line, wrong.differs())).collect();
        assert_eq!(told, [(1, true), (2, true), (4, true), (6, false), (7, false)]);
        assert!(errors[1].1.to_string().contains("line 1"), "{}", errors[1].1);
    }

    #[test]
    fn parameters_of_the_fork_are_never_taken_for_a_part_of_the_entry_that_may_be_left_out() {
        let text = "a.example :5:x @ ts=1;delay=60s\nb.example y@delay=1\nc.example @key=require";
        let (_, errors) = read(ListType::DnHash, false, text);
        let lines: Vec<u64> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3]);
        assert!(errors.iter().all(|(_, wrong)| wrong.differs()));
        assert_eq!(read(ListType::DnSet, false, text).1, []);
        assert_eq!(read(ListType::DnSet, true, text).1.len(), 2);
    }

    #[test]
    fn a_second_file_begins_with_the_built_in_value_and_keeps_variables() {
        let mut reader = Reader::new(ListType::Ip4Set, false);
        for (line, text) in [(1, ":5:$1"), (2, "1.2.3.4"), (3, "$1 v")] {
            let entry = reader.read(line, text.as_bytes()).unwrap();
            entry.iter().for_each(|entry| reader.add(entry));
        }
        reader.next_file();
        for (line, text) in [(1, "1.2.3.5"), (2, "1.2.3.6 $1")] {
            let entry = reader.read(line, text.as_bytes()).unwrap();
            entry.iter().for_each(|entry| reader.add(entry));
        }
        let codes = reader.finish(NOW).unwrap().values;
        let told: Vec<String> = codes.iter().map(|value| format!("{:?}", value.says)).collect();
        assert!(told.len() == 3 && told[2].contains('v'), "{told:?}");
    }

    #[test]
    fn a_file_that_rbldnsd_would_not_serve_is_none() {
        let finish = |text: &str| {
            let mut reader = Reader::new(ListType::Ip4Set, false);
            let _ = reader.read(7, text.as_bytes());
            reader.finish(NOW).map(|file| file.settings.expires.map(|at| at.value))
        };
        assert_eq!(
            finish("$TIMESTAMP 2027-02-01").unwrap_err(),
            FileError::FromTheFuture { line: 7, ahead: 1_440_000 }
        );
        let expired = finish("$TIMESTAMP 2027-01-01 +1d").unwrap_err();
        assert!(matches!(expired, FileError::Expired { line: 7, .. }));
        assert_eq!(finish("$DATASET ip4set @").unwrap_err(), FileError::Combined { line: 7 });
        assert!(finish("$TIMESTAMP 2027-01-01 2037-01-01").unwrap().is_some());
    }
}
