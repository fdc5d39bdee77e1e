//! The head of the log, kept outside the log: a start that finds fewer changes than were acknowledged
//! says so.
//!
//! The file `HEAD` in the store's folder has three pages. The first is written after each change was synced
//! and before it is acknowledged, without a sync of its own: that costs a microsecond, outlives the process
//! and goes to the disk with the next second's sync. The other two are written in turn once a second by a
//! thread of its own, and synced, so that one of them is whole whenever the power fails. So what is missing
//! of the log is noticed after any end of the process, and after a power failure but for changes that were
//! acknowledged in the last second before it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::raw::crc32c;

const NAME: &str = "HEAD";
const MAGIC: &[u8; 8] = b"DNSBLHD1";
const PAGE: u64 = 4096;
/// The pages that are synced, in turn.
const SYNCED: [u64; 2] = [1, 2];
const RECORD: usize = 44;
const EVERY: Duration = Duration::from_secs(1);

/// How far the store had come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    pub(crate) epoch: u64,
    /// The last acknowledged change.
    pub(crate) seq: u64,
    /// Number and synced bytes of the MANIFEST; zero where they were not looked at.
    pub(crate) manifest: (u64, u64),
}

impl Head {
    fn bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        let numbers = [self.epoch, self.seq, self.manifest.0, self.manifest.1];
        bytes[..8].copy_from_slice(MAGIC);
        for (place, number) in bytes[8..40].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        let sum = crc32c(&[&bytes[..40]]);
        bytes[40..].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let body = bytes.get(..40)?;
        let sum = bytes.get(40..RECORD)?;
        if !body.starts_with(MAGIC) || sum != crc32c(&[body]).to_be_bytes() {
            return None;
        }
        let number = |at: usize| Some(u64::from_be_bytes(*body[at..].first_chunk()?));
        let manifest = (number(24)?, number(32)?);
        Some(Self { epoch: number(8)?, seq: number(16)?, manifest })
    }
}

/// What the file says; `None` where there is none, as with stores of the first releases, or nothing in it
/// can be read.
pub(crate) fn read(store: &Path) -> io::Result<Option<Head>> {
    let bytes = match fs::read(store.join(NAME)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let pages = bytes.chunks(PAGE as usize).filter_map(Head::read);
    let found = pages.fold(None, |last: Option<Head>, head| {
        let manifest = last.map_or((0, 0), |last| last.manifest).max(head.manifest);
        let newest = last.map_or(head, |last| last.max(head));
        Some(Head { manifest, ..newest })
    });
    if found.is_none() {
        tracing::warn!(
            "the file HEAD of the store can't be read, so nothing tells whether changes are missing; it is written anew"
        );
    }
    Ok(found)
}

/// Writes the file anew, synced.
pub(crate) fn create(store: &Path, head: Head) -> io::Result<()> {
    let mut bytes = vec![0; 3 * PAGE as usize];
    for page in 0..3 {
        bytes[page * PAGE as usize..][..RECORD].copy_from_slice(&head.bytes());
    }
    let (part, path) = (store.join("HEAD.part"), store.join(NAME));
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(store)?.sync_all()
}

/// The file while the store takes writes.
pub(crate) struct Keeper {
    file: Arc<File>,
    last: Arc<Mutex<Head>>,
    /// Dropped to end the thread.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Notes where the store stands, and begins to sync.
    pub(crate) fn start(store: &Path, head: Head) -> io::Result<Self> {
        create(store, head)?;
        let file = Arc::new(OpenOptions::new().write(true).open(store.join(NAME))?);
        let last = Arc::new(Mutex::new(head));
        let (stop, stopped) = sync_channel(1);
        let syncer = Syncer {
            store: store.into(),
            file: file.clone(),
            last: last.clone(),
            synced: head,
            page: 0,
        };
        let run = move || syncer.run(&stopped);
        let thread = std::thread::Builder::new().name("store-head".into()).spawn(run)?;
        Ok(Self { file, last, stop: Some(stop), thread: Some(thread) })
    }

    /// Notes a change that is synced and not yet acknowledged.
    pub(crate) fn note(&self, seq: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.seq == seq {
            return;
        }
        last.seq = seq;
        if let Err(err) = self.file.write_all_at(&last.bytes(), 0) {
            tracing::warn!(%err, "the file HEAD of the store can't be written");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that syncs the file HEAD panicked");
        }
    }
}

struct Syncer {
    store: PathBuf,
    file: Arc<File>,
    last: Arc<Mutex<Head>>,
    synced: Head,
    page: usize,
}

impl Syncer {
    fn run(mut self, stopped: &Receiver<()>) {
        loop {
            let ended = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
            if let Err(err) = self.sync() {
                tracing::warn!(%err, "the file HEAD of the store can't be synced");
            }
            if ended {
                return;
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let manifest = self.manifest()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.manifest = manifest;
        let head = *last;
        drop(last);
        if head == self.synced {
            return Ok(());
        }
        self.file.write_all_at(&head.bytes(), SYNCED[self.page] * PAGE)?;
        self.file.sync_data()?;
        self.page = (self.page + 1) % SYNCED.len();
        self.synced = head;
        Ok(())
    }

    /// The MANIFEST as it is on the disk for good.
    fn manifest(&self) -> io::Result<(u64, u64)> {
        let Some((number, path)) = current_manifest(&self.store) else { return Ok((0, 0)) };
        let file = match File::open(path) {
            // Another took its place meanwhile.
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            opened => opened?,
        };
        let found = (number, file.metadata()?.len());
        if found != self.synced.manifest {
            file.sync_data()?;
        }
        Ok(found)
    }
}

/// The MANIFEST that is in use, and its number.
pub(crate) fn current_manifest(store: &Path) -> Option<(u64, PathBuf)> {
    let name = fs::read_to_string(store.join("CURRENT")).ok()?;
    let name = name.strip_suffix('\n')?;
    Some((name.strip_prefix("MANIFEST-")?.parse().ok()?, store.join(name)))
}

#[cfg(test)]
mod tests {
    use super::{Head, Keeper, NAME, PAGE, create, read};

    #[test]
    fn the_last_change_is_found_whichever_page_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let head = Head { epoch: 2, seq: 7, manifest: (0, 0) };
        let keeper = Keeper::start(dir.path(), head).unwrap();
        keeper.note(8);
        assert_eq!(read(dir.path()).unwrap().unwrap().seq, 8, "also without a sync");
        drop(keeper);
        let path = dir.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        for page in 0..3 {
            let mut torn = whole.clone();
            torn[page * PAGE as usize + 10] ^= 1;
            std::fs::write(&path, torn).unwrap();
            let found = read(dir.path()).unwrap().unwrap();
            assert_eq!((found.epoch, found.seq >= 7), (2, true), "{page}");
        }
        std::fs::write(&path, [0; 100]).unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        create(dir.path(), head).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(head));
    }
}
