//! What a disk may hold when the power fails in the middle of what a process did.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

const PAGE: usize = 4096;

/// What the shim told.
pub(crate) struct Event {
    kind: u8,
    inode: u64,
    offset: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What becomes of what was written and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All of it is lost.
    Dropped,
    /// Each file has some of its last writes, the last of them in part.
    Torn,
    /// Files have their new lengths, but zeros in some pages.
    Zeroed,
    /// Some later pages are there without earlier ones.
    Reordered,
}

impl Cut {
    pub(crate) const ALL: [Self; 4] = [Self::Dropped, Self::Torn, Self::Zeroed, Self::Reordered];
}

/// Numbers that look random (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % end.max(1) as u64) as usize
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }
}

pub(crate) fn read_events(log: &Path) -> Vec<Event> {
    let log = std::fs::read(log).unwrap();
    let (mut events, mut rest) = (Vec::new(), log.as_slice());
    while let Some((kind, tail)) = rest.split_first() {
        let number = |i: usize| u64::from_le_bytes(tail[8 * i..8 * i + 8].try_into().unwrap());
        let len = number(2) as usize;
        let bytes = tail[24..24 + len].to_vec();
        events.push(Event { kind: *kind, inode: number(0), offset: number(1), bytes });
        rest = &tail[24 + len..];
    }
    events
}

#[derive(Clone)]
enum Write {
    At(usize, Vec<u8>),
    Truncate(usize),
}

impl Write {
    fn apply(&self, content: &mut Vec<u8>, len: usize) {
        match self {
            Self::At(at, bytes) => {
                let bytes = &bytes[..len.min(bytes.len())];
                content.resize(content.len().max(at + bytes.len()), 0);
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Truncate(len) => content.resize(*len, 0),
        }
    }
}

#[derive(Default)]
struct Object {
    synced: Vec<u8>,
    pending: Vec<Write>,
    /// How many writes were synced before those that are pending.
    done: usize,
}

enum Naming {
    Add(String, usize),
    Rename(String, String),
    Link(String, String),
    Remove(String),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Add(name, object) => drop(names.insert(name.clone(), *object)),
            Self::Rename(from, to) => {
                if let Some(object) = names.remove(from) {
                    names.insert(to.clone(), object);
                }
            }
            Self::Link(from, to) => {
                if let Some(object) = names.get(from) {
                    names.insert(to.clone(), *object);
                }
            }
            Self::Remove(name) => drop(names.remove(name)),
        }
    }
}

/// A disk on the way through what was done to it.
#[derive(Default)]
pub(crate) struct Disk {
    objects: Vec<Object>,
    by_inode: HashMap<u64, usize>,
    names: BTreeMap<String, usize>,
    renamed: Vec<Naming>,
    /// How many changes of names were synced before those that are pending.
    done: usize,
    /// Up to where each sync that is under way reaches, by inode and thread.
    begun: HashMap<(u64, u64), usize>,
}

impl Disk {
    pub(crate) fn take(&mut self, event: &Event) {
        let text = || String::from_utf8(event.bytes.clone()).unwrap();
        let two = || {
            let both = text();
            let (from, to) = both.split_once('\n').unwrap();
            (from.to_owned(), to.to_owned())
        };
        let object = self.by_inode.get(&event.inode).copied();
        let under_way = (event.inode, event.offset);
        match event.kind {
            b'c' => {
                self.by_inode.insert(event.inode, self.objects.len());
                self.renamed.push(Naming::Add(text(), self.objects.len()));
                self.objects.push(Object::default());
            }
            b'w' | b't' => {
                let Some(object) = object else { return };
                let at = event.offset as usize;
                self.objects[object].pending.push(match event.kind {
                    b'w' => Write::At(at, event.bytes.clone()),
                    _ => Write::Truncate(at),
                });
            }
            b'B' => {
                let Some(object) = object else { return };
                let object = &self.objects[object];
                self.begun.insert(under_way, object.done + object.pending.len());
            }
            b's' => {
                let reach = self.begun.remove(&under_way).unwrap_or(0);
                let Some(object) = object else { return };
                let object = &mut self.objects[object];
                let count = reach.saturating_sub(object.done);
                for write in object.pending.drain(..count) {
                    write.apply(&mut object.synced, usize::MAX);
                }
                object.done += count;
            }
            b'D' => drop(self.begun.insert(under_way, self.done + self.renamed.len())),
            b'd' => {
                let reach = self.begun.remove(&under_way).unwrap_or(0);
                let count = reach.saturating_sub(self.done);
                for naming in self.renamed.drain(..count) {
                    naming.apply(&mut self.names);
                }
                self.done += count;
            }
            b'r' => {
                let (from, to) = two();
                self.renamed.push(Naming::Rename(from, to));
            }
            b'l' => {
                let (from, to) = two();
                self.renamed.push(Naming::Link(from, to));
            }
            b'u' => self.renamed.push(Naming::Remove(text())),
            other => panic!("an event of kind {other}"),
        }
    }

    /// Whether anything is written and not synced.
    pub(crate) fn is_dirty(&self) -> bool {
        let of_store = self.names.iter().filter(|(name, _)| name.starts_with("store/"));
        of_store.map(|(_, object)| &self.objects[*object]).any(|object| !object.pending.is_empty())
    }

    /// What is left when the power fails now.
    pub(crate) fn cut(&self, cut: Cut, random: &mut Random) -> BTreeMap<String, Vec<u8>> {
        let mut names = self.names.clone();
        // Names are kept in a journal: what is there of it is its beginning.
        let journal = match cut {
            Cut::Dropped => 0,
            _ => random.below(self.renamed.len() + 1),
        };
        self.renamed[..journal].iter().for_each(|naming| naming.apply(&mut names));
        let files = names.into_iter().map(|(name, object)| {
            let object = &self.objects[object];
            (name, object.cut(cut, random))
        });
        files.collect()
    }
}

impl Object {
    fn cut(&self, cut: Cut, random: &mut Random) -> Vec<u8> {
        let mut content = self.synced.clone();
        match cut {
            Cut::Dropped => {}
            Cut::Torn => {
                let whole = random.below(self.pending.len() + 1);
                for write in &self.pending[..whole] {
                    write.apply(&mut content, usize::MAX);
                }
                if let Some(write @ Write::At(_, bytes)) = self.pending.get(whole) {
                    write.apply(&mut content, random.below(bytes.len()));
                }
            }
            Cut::Zeroed | Cut::Reordered => {
                let mut whole = content.clone();
                for write in &self.pending {
                    write.apply(&mut whole, usize::MAX);
                }
                let dirty = self.dirty_pages();
                let Some(last) = dirty.last() else { return whole };
                // The later pages are there, some of the earlier ones are not.
                let kept = |page: usize, random: &mut Random| match cut {
                    Cut::Reordered => page == *last && dirty.len() > 1 || random.flip(),
                    _ => random.flip(),
                };
                let mut end = content.len();
                content.resize(content.len().max(whole.len()), 0);
                for page in &dirty {
                    let range = page * PAGE..((page + 1) * PAGE).min(whole.len());
                    if range.start < range.end && kept(*page, random) {
                        end = end.max(range.end);
                        content[range.clone()].copy_from_slice(&whole[range]);
                    }
                }
                if cut == Cut::Zeroed {
                    end = whole.len();
                }
                content.truncate(end);
            }
        }
        content
    }

    fn dirty_pages(&self) -> Vec<usize> {
        let pages: BTreeSet<usize> = self
            .pending
            .iter()
            .flat_map(|write| match write {
                Write::At(at, bytes) => at / PAGE..(at + bytes.len()).div_ceil(PAGE),
                Write::Truncate(_) => 0..0,
            })
            .collect();
        pages.into_iter().collect()
    }
}
