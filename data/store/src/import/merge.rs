//! All rows of an import in the order of their subjects, each subject once.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use crate::{
    StoreError,
    format::{
        key::{self, HostKey},
        row,
    },
    import::{
        order::Contradictions,
        run::{Hosts, Rows, Runs},
    },
};

/// A run that is read, or a part of one.
trait Sorted {
    type Key: Ord + ToOwned + ?Sized;
    fn key(&self) -> &Self::Key;
    fn run(&self) -> usize;
    fn advance(&mut self) -> Result<bool, StoreError>;
    /// What it says of its subject.
    fn value(&self) -> &[u8] {
        &[]
    }
    /// Its subject as it stands in the database.
    fn subject(&self) -> &[u8] {
        &[]
    }
}

impl Sorted for Hosts<'_> {
    type Key = u32;
    fn key(&self) -> &u32 {
        &self.addr
    }
    fn run(&self) -> usize {
        self.run
    }
    fn advance(&mut self) -> Result<bool, StoreError> {
        self.advance()
    }
}

impl Sorted for Rows<'_> {
    type Key = [u8];
    fn key(&self) -> &[u8] {
        &self.subject
    }
    fn value(&self) -> &[u8] {
        &self.value
    }
    fn subject(&self) -> &[u8] {
        &self.subject
    }
    fn run(&self) -> usize {
        self.run
    }
    fn advance(&mut self) -> Result<bool, StoreError> {
        self.advance()
    }
}

/// The order of a heap's top: the first key, and of that the newest run.
struct Head<S>(S);

impl<S: Sorted> Ord for Head<S> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.key().cmp(self.0.key()).then(self.0.run().cmp(&other.0.run()))
    }
}

impl<S: Sorted> PartialOrd for Head<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S: Sorted> PartialEq for Head<S> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<S: Sorted> Eq for Head<S> {}

/// Several runs as one, in which newer runs win.
struct Merged<S: Sorted> {
    heads: BinaryHeap<Head<S>>,
    last: <S::Key as ToOwned>::Owned,
    last_value: Vec<u8>,
    contradictions: Contradictions,
}

impl<S: Sorted> Merged<S>
where
    <S::Key as ToOwned>::Owned: Default,
{
    fn new(runs: Vec<S>) -> Self {
        Self {
            heads: runs.into_iter().map(Head).collect(),
            last: Default::default(),
            last_value: Vec::new(),
            contradictions: Contradictions::default(),
        }
    }

    fn top(&self) -> Option<&S> {
        self.heads.peek().map(|head| &head.0)
    }

    /// Goes to the next key.
    fn advance(&mut self) -> Result<(), StoreError> {
        let Some(mut top) = self.heads.peek_mut() else { return Ok(()) };
        top.0.key().clone_into(&mut self.last);
        top.0.value().clone_into(&mut self.last_value);
        if !top.0.advance()? {
            PeekMut::pop(top);
        } else {
            drop(top);
        }
        while let Some(top) = self.heads.peek_mut() {
            if top.0.key() != std::borrow::Borrow::borrow(&self.last) {
                break;
            }
            if top.0.value() != self.last_value {
                self.contradictions.add(top.0.subject());
            }
            let mut top = top;
            if !top.0.advance()? {
                PeekMut::pop(top);
            }
        }
        Ok(())
    }
}

/// A place among the rows of an import.
pub(crate) struct Merge<'a> {
    hosts: Merged<Hosts<'a>>,
    rows: Merged<Rows<'a>>,
    host: HostKey,
    here: Here,
    /// Addresses that a row says something else of.
    contradictions: Contradictions,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    Host(u32),
    Row,
    End,
}

impl<'a> Merge<'a> {
    /// The first row.
    pub(crate) fn new(runs: &'a Runs) -> Result<Self, StoreError> {
        let (hosts, rows) = (Merged::new(runs.hosts()?), Merged::new(runs.rows()?));
        let mut merge = Self {
            hosts,
            rows,
            host: HostKey::default(),
            here: Here::End,
            contradictions: runs.contradictions().clone(),
        };
        merge.settle()?;
        Ok(merge)
    }

    /// Rows that a later one contradicts, as far as they were passed.
    pub(crate) fn contradictions(self) -> Contradictions {
        self.contradictions.and(self.rows.contradictions)
    }

    /// The subject here; `None` behind the last.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        match self.here {
            Here::Host(_) => Some(&self.host),
            Here::Row => self.rows.top().map(|row| row.subject.as_slice()),
            Here::End => None,
        }
    }

    /// The address here, if it is a plain one.
    pub(crate) fn host(&self) -> Option<u32> {
        match self.here {
            Here::Host(addr) => Some(addr),
            Here::Row if row::is_plain_of_segment(self.value()) => {
                self.key().and_then(key::read_host)
            }
            _ => None,
        }
    }

    /// The row here as it stands in the database.
    pub(crate) fn value(&self) -> &[u8] {
        match (self.here, self.rows.top()) {
            (Here::Row, Some(row)) => &row.value,
            _ => row::PLAIN_ROW,
        }
    }

    /// Goes to the next subject.
    pub(crate) fn advance(&mut self) -> Result<(), StoreError> {
        match self.here {
            Here::Host(_) => self.hosts.advance()?,
            Here::Row => self.rows.advance()?,
            Here::End => {}
        }
        self.settle()
    }

    /// Finds out which comes next; where both name a subject, the newer run wins, and in a run the row.
    fn settle(&mut self) -> Result<(), StoreError> {
        let Some(host) = self.hosts.top() else {
            self.here = if self.rows.top().is_some() { Here::Row } else { Here::End };
            return Ok(());
        };
        let (addr, run) = (host.addr, host.run);
        self.host = key::host(addr);
        let order = self.rows.top().map(|row| (row.subject.as_slice().cmp(&self.host), row.run));
        if matches!(order, Some((Ordering::Equal, _)))
            && self.rows.top().is_some_and(|row| row.value != row::PLAIN_ROW)
        {
            self.contradictions.add(&self.host);
        }
        self.here = match order {
            Some((Ordering::Less, _)) => Here::Row,
            Some((Ordering::Equal, of_row)) if of_row >= run => {
                self.hosts.advance()?;
                Here::Row
            }
            Some((Ordering::Equal, _)) => {
                self.rows.advance()?;
                Here::Host(addr)
            }
            _ => Here::Host(addr),
        };
        Ok(())
    }
}
