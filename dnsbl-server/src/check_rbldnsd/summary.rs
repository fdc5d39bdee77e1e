//! What a list says, in figures.

use std::{collections::HashMap, net::Ipv4Addr};

use dnsbl_formats::rbldnsd::{File, LineError, ListType, Value, ValueId};
use dnsbl_types::{Guard, GuardError, Reason, ReturnCode, Subject, ZoneKind};

/// What a list says, in figures.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) listings: u64,
    pub(super) exclusions: u64,
    /// Different values.
    pub(super) values: usize,
    /// The value that most entries have, among those with a text, and how many do.
    pub(super) usual: Option<(ReturnCode, Reason, u64)>,
    /// Entries without a text, and the line of the first such value.
    pub(super) without_text: Option<(u64, u64)>,
    /// Subjects with several texts.
    pub(super) several_texts: u64,
    /// Wildcards whose text has the name in it.
    pub(super) names_in_texts: u64,
    /// Entries of a prefix that has one already.
    pub(super) without_effect: u64,
    /// What is held back unless a guard is lifted: the guard, how many, and the first.
    pub(super) guarded: Vec<(Guard, u64, Subject)>,
    /// What is never listed.
    pub(super) never: Vec<Subject>,
    /// Values that can't be told, and how many entries have them.
    pub(super) untold: Vec<(u64, LineError, u64)>,
    /// 127.0.0.N with 127.0.0.N and nothing else.
    pub(super) test_codes: Vec<u8>,
    /// The test entry of every zone is listed as it is here.
    pub(super) has_test_entry: bool,
}

/// What all rows of some files say, to compare.
#[derive(Debug, Default)]
pub(super) struct Rows {
    said: HashMap<Vec<String>, u32>,
    rows: Vec<(Subject, u32)>,
}

impl Summary {
    /// Of a file; `rows` gets what it says.
    pub(super) fn of(list: ListType, file: File, mut rows: Option<&mut Rows>) -> Self {
        let File { values, rows: file_rows, .. } = file;
        let mut summary = Self { values: values.len(), ..Self::default() };
        let mut counts = vec![0u64; values.len()];
        let mut known: HashMap<Box<[ValueId]>, u32> = HashMap::new();
        let done = file_rows.for_each(|subject, ids| {
            summary.count(&subject, ids, &values, &mut counts, list);
            if let Some(rows) = rows.as_deref_mut() {
                let said = match known.get(ids) {
                    Some(said) => *said,
                    None => {
                        let said = rows.intern(shown(ids, &values));
                        known.insert(ids.into(), said);
                        said
                    }
                };
                rows.rows.push((subject, said));
            }
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(without_effect) = done;
        summary.without_effect = without_effect;
        summary.look_at(&values, &counts);
        summary
    }

    fn count(
        &mut self,
        subject: &Subject,
        ids: &[ValueId],
        values: &[Value],
        counts: &mut [u64],
        list: ListType,
    ) {
        let places: Vec<usize> = ids.iter().filter_map(|id| id.place()).collect();
        if places.is_empty() {
            self.exclusions += 1;
            return;
        }
        self.listings += 1;
        places.iter().for_each(|place| counts[*place] += 1);
        let told = places.iter().filter_map(|place| values[*place].says.as_ref().ok());
        let told: Vec<_> = told.collect();
        let mut texts: Vec<&Reason> = told.iter().filter_map(|(_, text)| text.as_ref()).collect();
        texts.dedup();
        self.several_texts += u64::from(texts.len() > 1);
        if let Subject::Domain(domain) = subject {
            let has_name = texts.iter().any(|text| text.render(&"\u{1}").contains('\u{1}'));
            self.names_in_texts += u64::from(domain.is_wildcard() && has_name);
        }
        match test_point(subject, list.kind()) {
            Some(2) => {
                self.has_test_entry |= told.iter().any(|(code, _)| *code == ReturnCode::LISTED);
            }
            Some(n) => {
                let is_itself = |code: &ReturnCode| code.addr() == Ipv4Addr::new(127, 0, 0, n);
                if matches!(told[..], [(code, _)] if is_itself(code)) {
                    self.test_codes.push(n);
                    return;
                }
            }
            None => {}
        }
        match Guard::check(subject, &[]) {
            Ok(()) => {}
            _ if test_point(subject, list.kind()) == Some(2) => {}
            Err(GuardError::Never(subject)) => self.never.push(subject),
            Err(_) => {
                for guard in Guard::ALL {
                    let others: Vec<Guard> =
                        Guard::ALL.into_iter().filter(|other| *other != guard).collect();
                    if Guard::check(subject, &others).is_err() {
                        self.guard(guard, subject);
                    }
                }
            }
        }
    }

    fn guard(&mut self, guard: Guard, subject: &Subject) {
        match self.guarded.iter_mut().find(|(known, ..)| *known == guard) {
            Some((_, count, _)) => *count += 1,
            None => self.guarded.push((guard, 1, subject.clone())),
        }
    }

    fn look_at(&mut self, values: &[Value], counts: &[u64]) {
        for (value, &count) in values.iter().zip(counts).filter(|(_, count)| **count > 0) {
            match &value.says {
                Ok((code, Some(text))) => {
                    if self.usual.as_ref().is_none_or(|(_, _, most)| count > *most) {
                        self.usual = Some((*code, text.clone(), count));
                    }
                }
                Ok((_, None)) => {
                    let (line, so_far) = self.without_text.unwrap_or((value.line, 0));
                    self.without_text = Some((line, so_far + count));
                }
                Err(wrong) => self.untold.push((value.line, wrong.clone(), count)),
            }
        }
    }
}

/// N of a subject 127.0.0.N; `test` is as if it were 127.0.0.2.
fn test_point(subject: &Subject, kind: ZoneKind) -> Option<u8> {
    match subject {
        Subject::V4(net) if net.prefix_len() == 32 && kind.has_addresses() => {
            let [127, 0, 0, n] = net.addr().octets() else { return None };
            (n >= 2).then_some(n)
        }
        Subject::Domain(domain) if !domain.is_wildcard() => {
            domain.name().labels().eq([b"test".as_slice()]).then_some(2)
        }
        _ => None,
    }
}

/// The values of a row, as texts that are equal where they say the same; none for an exclusion.
fn shown(ids: &[ValueId], values: &[Value]) -> Vec<String> {
    let places = ids.iter().filter_map(|id| id.place());
    let mut shown: Vec<String> = places
        .map(|place| match &values[place].says {
            Ok((code, text)) => {
                format!("{code} {}", text.as_ref().map_or("", |text| text.template()))
            }
            Err(wrong) => format!("{wrong:?}"),
        })
        .collect();
    shown.sort_unstable();
    shown.dedup();
    shown
}

impl Rows {
    fn intern(&mut self, said: Vec<String>) -> u32 {
        let next = self.said.len() as u32;
        *self.said.entry(said).or_insert(next)
    }

    /// Whether they say the same as several files that are imported one by one, as sources of their own.
    pub(super) fn adds_up_to(mut self, mut files: Self) -> bool {
        let by_id = |said: &HashMap<Vec<String>, u32>| {
            let mut by_id: Vec<(u32, Vec<String>)> =
                said.iter().map(|(said, id)| (*id, said.clone())).collect();
            by_id.sort_unstable();
            by_id.into_iter().map(|(_, said)| said).collect::<Vec<_>>()
        };
        let (ours, theirs) = (by_id(&self.said), by_id(&files.said));
        self.rows.sort();
        files.rows.sort();
        let mut summed = files.rows.chunk_by(|a, b| a.0 == b.0);
        let same = self.rows.iter().all(|(subject, said)| {
            let Some(group) = summed.next() else { return false };
            let said_by = group.iter().map(|(_, id)| &theirs[*id as usize]);
            let mut union: Vec<String> = Vec::new();
            // An exclusion decides.
            if !said_by.clone().any(Vec::is_empty) {
                union.extend(said_by.flatten().cloned());
                union.sort_unstable();
                union.dedup();
            }
            group[0].0 == *subject && union == ours[*said as usize]
        });
        same && summed.next().is_none()
    }
}
