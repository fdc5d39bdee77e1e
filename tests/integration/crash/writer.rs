//! One of several clients, with addresses of its own and a ledger of what was acknowledged.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use dnsbl_tests::{Admin, HttpReply, Random, TestZone};
use reqwest::Method;
use serde_json::json;

/// What is said of an address: listed with 127.0.0.N, or nothing.
pub(crate) type State = Option<u8>;

/// A write that was acknowledged.
pub(crate) struct Acknowledged {
    pub(crate) subject: String,
    pub(crate) state: State,
}

/// A client that puts and deletes.
pub(crate) struct Writer {
    number: usize,
    random: Random,
    /// One line for each acknowledged write, synced before the next: `SEQ SUBJECT CODE`, code 0 where
    /// it was deleted.
    file: File,
    /// What was last acknowledged for each address.
    states: [State; Self::ADDRESSES],
    /// The write that was under way when the server died: it may have happened or not.
    open: Option<(usize, State)>,
}

impl Writer {
    const ADDRESSES: usize = 16;

    pub(crate) fn new(number: usize, dir: &Path, seed: u64) -> Self {
        let path = dir.join(format!("ledger-{number}"));
        let file = File::options().create_new(true).read(true).append(true).open(path);
        Self {
            number,
            random: Random::new(seed),
            file: file.unwrap(),
            states: [None; Self::ADDRESSES],
            open: None,
        }
    }

    fn subject(&self, slot: usize) -> String {
        format!("203.0.{}.{slot}", 113 + self.number)
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        (0..Self::ADDRESSES).map(|slot| self.subject(slot)).collect()
    }

    /// Writes until the server does not reply any more; tells how that looked.
    pub(crate) fn write_until_refused(&mut self, admin: &Admin, zone: &TestZone) -> String {
        loop {
            let slot = self.random.below(Self::ADDRESSES);
            let delete = self.states[slot].is_some() && self.random.below(3) == 0;
            let next = (!delete).then(|| self.another_code(self.states[slot]));
            let path = zone.listing_path(&self.subject(slot));
            let request = match next {
                Some(code) => {
                    let body = json!({"return_codes": [format!("127.0.0.{code}")]});
                    admin.request(Method::PUT, &path).json(&body)
                }
                None => admin.request(Method::DELETE, &path),
            };
            self.open = Some((slot, next));
            match HttpReply::try_of(request) {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    self.record(reply.seq(), slot, next);
                }
                Ok(reply) => return format!("{} {}", reply.status, reply.text),
                Err(err) => return format!("{err:?}"),
            }
        }
    }

    /// A code other than the one it has, so that every write is a change.
    fn another_code(&mut self, state: State) -> u8 {
        let code = 2 + self.random.below(200) as u8;
        if state == Some(code) { code + 1 } else { code }
    }

    fn record(&mut self, seq: u64, slot: usize, state: State) {
        let line = format!("{seq} {} {}\n", self.subject(slot), state.unwrap_or(0));
        self.file.write_all(line.as_bytes()).unwrap();
        self.file.sync_data().unwrap();
        self.states[slot] = state;
        self.open = None;
    }

    /// What the ledger holds since the last time, by change number.
    pub(crate) fn take_acknowledged(&mut self) -> Vec<(u64, Acknowledged)> {
        self.file.seek(SeekFrom::Start(0)).unwrap();
        let lines: Vec<String> = BufReader::new(&self.file).lines().map(Result::unwrap).collect();
        self.file.set_len(0).unwrap();
        lines
            .iter()
            .map(|line| {
                let mut words = line.split(' ');
                let mut word = || words.next().expect("three words");
                let seq = word().parse().unwrap();
                let subject = word().to_owned();
                let state = Some(word().parse().unwrap()).filter(|&code| code != 0);
                (seq, Acknowledged { subject, state })
            })
            .collect()
    }

    /// Shows each subject with the states that it may be in, and keeps the one that it is in.
    pub(crate) fn settle(&mut self, mut look: impl FnMut(&str, &[State]) -> State) {
        let open = self.open.take();
        for slot in 0..Self::ADDRESSES {
            let mut allowed = vec![self.states[slot]];
            allowed.extend(open.filter(|(open, _)| *open == slot).map(|(_, state)| state));
            self.states[slot] = look(&self.subject(slot), &allowed);
        }
    }
}
