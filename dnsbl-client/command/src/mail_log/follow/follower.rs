//! A log by its name: it may be moved away and made anew (logrotate), emptied in place (`copytruncate`), or
//! not be there.

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use super::{
    state::{Begin, FileId, Saved},
    tail::Tail,
};

/// How long a log is read on that was moved away: until its writers have noticed.
const RETIREMENT: Duration = Duration::from_secs(10);
/// How much is read at one go before others have their turn, in pieces.
const PIECES: usize = 64;

/// A log that is followed over its rotation.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    current: Option<Tail>,
    /// The file that had the name before, and until when it is read.
    retired: Option<(Tail, Instant)>,
}

/// Why there is nothing to read at the moment.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub(crate) struct FollowerError {
    path: PathBuf,
    reason: io::Error,
}

impl Follower {
    /// The log of that name, which need not be there yet. One that is there already is begun as told; what
    /// has the name later, at its first line.
    ///
    /// # Errors
    /// It is there and can't be read; it will be tried again.
    pub(crate) fn open(path: PathBuf, begin: Begin) -> (Self, Result<(), FollowerError>) {
        let (current, trouble) = match Tail::open(&path, begin) {
            Ok(tail) => (Some(tail), None),
            Err(reason) => (None, Some(reason)),
        };
        let follower = Self { path, current, retired: None };
        let opened = trouble.map_or(Ok(()), |reason| Err(follower.error(reason)));
        (follower, opened)
    }

    /// How far the log that has the name was read.
    pub(crate) fn saved(&self) -> Option<Saved> {
        self.current.as_ref().map(Tail::saved)
    }

    /// Reads what is new, and hands over each line and whether it was written while it was watched. Gives
    /// whether there may be more.
    ///
    /// # Errors
    /// There is no such file, or it can't be read; it may be tried again.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        take: &mut dyn FnMut(&[u8], bool),
    ) -> Result<bool, FollowerError> {
        let mut has_more = false;
        if let Some((tail, until)) = &mut self.retired {
            has_more |= drain(tail, take).unwrap_or(false);
            if !has_more && now >= *until {
                self.retired = None;
            }
        }
        let changed = self.change(now);
        if let Some(tail) = &mut self.current {
            has_more |= drain(tail, take).map_err(|reason| self.error(reason))?;
        }
        changed.map(|()| has_more)
    }

    /// Opens the file that has the name now, if it is another one.
    fn change(&mut self, now: Instant) -> Result<(), FollowerError> {
        let named = self.path.metadata().map_err(|reason| self.error(reason))?;
        if self.current.as_ref().map(Tail::id) == Some(FileId::of(&named)) {
            return Ok(());
        }
        let next = Tail::open(&self.path, Begin::Start).map_err(|reason| self.error(reason))?;
        if let Some(last) = self.current.replace(next) {
            self.retired = Some((last, now + RETIREMENT));
        }
        Ok(())
    }

    fn error(&self, reason: io::Error) -> FollowerError {
        FollowerError { path: self.path.clone(), reason }
    }
}

fn drain(tail: &mut Tail, take: &mut dyn FnMut(&[u8], bool)) -> io::Result<bool> {
    for _ in 0..PIECES {
        if !tail.read(take)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File, OpenOptions},
        io::Write as _,
        path::PathBuf,
        time::{Duration, Instant},
    };

    use tempfile::TempDir;

    use super::{Begin, Follower, RETIREMENT, Saved};
    use crate::mail_log::follow::cut::MAX_LINE;

    /// A folder with a log, and who follows it.
    struct Log {
        _dir: TempDir,
        path: PathBuf,
        follower: Follower,
        now: Instant,
    }

    impl Log {
        fn new(text: &str, begin: Begin) -> Self {
            let dir = TempDir::new().unwrap();
            let path = dir.path().join("mail.log");
            fs::write(&path, text).unwrap();
            let (follower, opened) = Follower::open(path.clone(), begin);
            opened.unwrap();
            Self { _dir: dir, path, follower, now: Instant::now() }
        }

        fn append(&self, text: impl AsRef<[u8]>) {
            append(&self.path, text);
        }

        fn moved(&self) -> PathBuf {
            self.path.with_extension("log.1")
        }

        fn rotate(&self) {
            fs::rename(&self.path, self.moved()).unwrap();
        }

        /// The lines that are new; `*` marks those that were there before.
        fn lines(&mut self) -> Vec<String> {
            let mut lines = Vec::new();
            let mut take = |line: &[u8], is_new: bool| {
                let mark = if is_new { "" } else { "*" };
                lines.push(format!("{mark}{}", String::from_utf8_lossy(line)));
            };
            while self.follower.poll(self.now, &mut take).unwrap_or(false) {}
            lines
        }

        fn saved(&self) -> Saved {
            self.follower.saved().unwrap()
        }

        fn reopen(&mut self, begin: Begin) {
            self.follower = Follower::open(self.path.clone(), begin).0;
        }
    }

    fn append(path: &PathBuf, text: impl AsRef<[u8]>) {
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    #[test]
    fn it_begins_at_the_end_or_at_the_start() {
        let mut log = Log::new("old\n", Begin::End);
        assert!(log.lines().is_empty());
        log.append("one\ntwo\n");
        assert_eq!(log.lines(), ["one", "two"]);
        let mut log = Log::new("old\n", Begin::Start);
        log.append("new\n");
        assert_eq!(log.lines(), ["*old", "new"]);
    }

    #[test]
    fn a_line_counts_when_it_has_ended() {
        let mut log = Log::new("", Begin::End);
        log.append("on");
        assert!(log.lines().is_empty());
        log.append("e\ntw");
        assert_eq!(log.lines(), ["one"]);
        log.append("o\n");
        assert_eq!(log.lines(), ["two"]);
    }

    /// Its end might look like a line that a stranger has made up.
    #[test]
    fn a_line_whose_start_was_not_seen_is_passed_over() {
        let mut log = Log::new("user=x ", Begin::End);
        log.append("dovecot: y\nnext\n");
        assert_eq!(log.lines(), ["next"]);
    }

    #[test]
    fn a_log_that_is_moved_away_is_read_to_its_end_and_then_the_new_one() {
        let mut log = Log::new("", Begin::End);
        log.append("one\n");
        log.rotate();
        append(&log.moved(), "two\n");
        assert_eq!(log.lines(), ["one", "two"]);
        log.append("three\n");
        assert_eq!(log.lines(), ["*three"]);
        // Its writer has not noticed yet.
        append(&log.moved(), "four\n");
        log.append("five\n");
        assert_eq!(log.lines(), ["four", "five"]);
        log.now += RETIREMENT + Duration::from_secs(1);
        assert!(log.lines().is_empty());
        append(&log.moved(), "late\n");
        log.append("six\n");
        assert_eq!(log.lines(), ["six"]);
    }

    #[test]
    fn a_log_that_is_emptied_is_read_from_its_start() {
        let mut log = Log::new("", Begin::End);
        log.append("a long line\n");
        assert_eq!(log.lines(), ["a long line"]);
        File::create(&log.path).unwrap();
        assert!(log.lines().is_empty());
        log.append("one\n");
        assert_eq!(log.lines(), ["one"]);
        fs::write(&log.path, "x\n").unwrap();
        assert_eq!(log.lines(), ["*x"]);
    }

    #[test]
    fn a_log_that_is_emptied_and_grows_beyond_the_place_at_once_is_read_from_its_start() {
        let mut log = Log::new("", Begin::End);
        log.append("one\n");
        assert_eq!(log.lines(), ["one"]);
        fs::write(&log.path, "user=x dovecot: y\n").unwrap();
        assert_eq!(log.lines(), ["*user=x dovecot: y"]);
    }

    #[test]
    fn a_log_may_come_later_and_go_for_a_while() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("mail.log");
        let (follower, opened) = Follower::open(path.clone(), Begin::End);
        assert!(opened.unwrap_err().to_string().contains("mail.log"));
        let mut log = Log { _dir: dir, path, follower, now: Instant::now() };
        assert!(log.lines().is_empty());
        log.append("one\n");
        assert_eq!(log.lines(), ["*one"]);
        log.rotate();
        assert!(log.lines().is_empty());
        append(&log.moved(), "two\n");
        assert_eq!(log.lines(), ["two"]);
        log.append("three\n");
        assert_eq!(log.lines(), ["*three"]);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let dir = TempDir::new().unwrap();
        let (mut follower, opened) = Follower::open(dir.path().to_owned(), Begin::End);
        assert!(opened.is_err());
        assert!(follower.poll(Instant::now(), &mut |_, _| ()).is_err());
    }

    #[test]
    fn it_goes_on_where_it_was_left() {
        let mut log = Log::new("one\n", Begin::Start);
        log.append("two\nthr");
        assert_eq!(log.lines(), ["*one", "two"]);
        let saved = log.saved();
        log.append("ee\n");
        log.reopen(Begin::At(saved));
        assert_eq!(log.lines(), ["*three"]);
        log.append("four\n");
        assert_eq!(log.lines(), ["four"]);
    }

    #[test]
    fn a_place_in_another_file_or_beyond_the_end_is_the_start() {
        let mut log = Log::new("one\ntwo\n", Begin::Start);
        log.lines();
        let saved = log.saved();
        fs::write(&log.path, "x\n").unwrap();
        log.reopen(Begin::At(saved));
        assert_eq!(log.lines(), ["*x"]);
        log.rotate();
        log.append("a longer line\n");
        log.reopen(Begin::At(saved));
        assert_eq!(log.lines(), ["*a longer line"]);
    }

    #[test]
    fn long_lines_and_much_text_are_read_in_pieces() {
        let mut log = Log::new("", Begin::End);
        let long = "x".repeat(300 << 10);
        log.append(format!("{long}\none\n{}\n", &long[..MAX_LINE]));
        assert_eq!(log.lines(), ["one", &long[..MAX_LINE]]);
        let many: Vec<String> = (0..20_000).map(|n| format!("line {n}")).collect();
        log.append(many.join("\n") + "\n");
        assert_eq!(log.lines(), many);
        log.append(&long);
        assert!(log.lines().is_empty());
        log.append("dovecot: x\ntwo\n");
        assert_eq!(log.lines(), ["two"]);
    }
}
