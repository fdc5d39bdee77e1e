//! Files as somebody writes them: inotify on the folder, so that a file that is replaced is seen as well.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use tokio::io::unix::AsyncFd;

/// Bytes of events that are read at once.
const EVENTS: usize = 4096;

/// Sees that a file, or a file of a folder, was written or replaced.
pub(super) struct Watcher {
    path: PathBuf,
    fd: AsyncFd<OwnedFd>,
    /// The watch on the folder that the path lies in.
    parent: Option<i32>,
    /// The watch on the path itself, if it is a folder.
    folder: Option<i32>,
}

impl Watcher {
    /// One that sees nothing until [`arm`](Self::arm).
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        #[expect(
            deprecated,
            reason = "it is sound for an `OwnedFd`; what replaces it is unsafe to call"
        )]
        let fd = AsyncFd::new(fd)?;
        Ok(Self { path: path.into(), fd, parent: None, folder: None })
    }

    /// Watches what is there now; a folder that was not there before is watched from then on. Whatever happens
    /// afterwards is seen.
    pub(super) fn arm(&mut self) {
        let written = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        let gone = WatchFlags::DELETE | WatchFlags::MOVED_FROM;
        let watch = |path: &Path, flags| inotify::add_watch(self.fd.get_ref(), path, flags).ok();
        self.parent = self.path.parent().and_then(|parent| watch(parent, written));
        self.folder = self.path.is_dir().then(|| watch(&self.path, written | gone)).flatten();
    }

    /// Waits until something was written.
    pub(super) async fn changed(&self) -> io::Result<()> {
        loop {
            let mut ready = self.fd.readable().await?;
            let is_ours = self.take_events()?;
            ready.clear_ready();
            if is_ours {
                return Ok(());
            }
        }
    }

    /// Takes all events that wait; whether one of them is about the path.
    fn take_events(&self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); EVENTS];
        let mut events = Reader::new(self.fd.get_ref().as_fd(), &mut buffer);
        let mut is_ours = false;
        loop {
            match events.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes());
                    let lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                    is_ours |= lost || self.is_about(event.wd(), name.unwrap_or_default());
                }
                Err(Errno::AGAIN) => return Ok(is_ours),
                Err(Errno::INTR) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    fn is_about(&self, watch: i32, name: &[u8]) -> bool {
        let watch = Some(watch);
        if self.folder == watch && !name.is_empty() && !name.starts_with(b".") {
            return true;
        }
        // Where the path is a link, what it leads to may be switched under any name.
        let is_named = self.path.file_name().is_some_and(|own| own.as_encoded_bytes() == name);
        self.parent == watch && (is_named || self.path.is_symlink())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tokio::time::timeout;

    use super::*;

    /// How long it may take on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    async fn sees(watcher: &Watcher, change: impl FnOnce()) {
        change();
        timeout(PATIENCE, watcher.changed()).await.expect("it is seen").unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_written_or_replaced_is_seen_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("list"), dir.path().join("list.new"));
        let mut watcher = Watcher::new(&path).unwrap();
        watcher.arm();
        fs::write(&other, "x").unwrap();
        assert!(!watcher.take_events().unwrap());
        sees(&watcher, || fs::write(&path, "x").unwrap()).await;
        sees(&watcher, || fs::rename(&other, &path).unwrap()).await;
        sees(&watcher, || fs::write(&path, "y").unwrap()).await;
    }

    #[tokio::test]
    async fn a_folder_is_seen_whichever_of_its_files_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lists");
        let mut watcher = Watcher::new(&path).unwrap();
        watcher.arm();
        fs::create_dir(&path).unwrap();
        watcher.arm();
        fs::write(path.join(".hidden"), "x").unwrap();
        assert!(!watcher.take_events().unwrap());
        sees(&watcher, || fs::write(path.join("a"), "x").unwrap()).await;
        sees(&watcher, || fs::remove_file(path.join("a")).unwrap()).await;
    }
}
