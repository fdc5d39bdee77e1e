//! Incidents: what the operator tells of them, in files of a folder that is read again when it changes.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use dnsbl_types::UnixTime;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::{
    Language,
    plain_text::{MAX_FILES, PlainText, TextError, name_of},
};

/// How long the folder is not looked at again.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    /// The name of its files.
    pub(crate) name: String,
    pub(crate) began: UnixTime,
    /// `None` while it goes on.
    pub(crate) ended: Option<UnixTime>,
    /// What is told of it, by language; at least in one.
    texts: Vec<(Language, PlainText)>,
}

/// The folder with the operator's notes of incidents.
pub(crate) struct IncidentFolder {
    folder: Option<PathBuf>,
    seen: Mutex<Seen>,
}

/// What was there when the folder was last looked at.
#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    files: Vec<FileFacts>,
    incidents: Arc<Vec<Incident>>,
}

/// By what a file is known to have changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileFacts {
    name: OsString,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Incident {
    /// What is told of it in a language, or in another where it is not.
    pub(crate) fn text(&self, language: Language) -> (Language, &PlainText) {
        let found = self.texts.iter().find(|(of, _)| *of == language);
        let (language, text) = found.unwrap_or(&self.texts[0]);
        (*language, text)
    }

    /// When something about it last changed, as far as it says.
    pub(crate) fn updated(&self) -> UnixTime {
        self.ended.unwrap_or(self.began)
    }
}

impl IncidentFolder {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, seen: Mutex::default() }
    }

    /// Whether there is one.
    pub(crate) fn is_kept(&self) -> bool {
        self.folder.is_some()
    }

    /// The incidents, the newest first. A file that can't be read is left out, and logged when it changes.
    pub(crate) async fn current(&self, now: Instant) -> Arc<Vec<Incident>> {
        let Some(folder) = &self.folder else { return Arc::default() };
        let mut seen = self.seen.lock().await;
        if seen.at.is_some_and(|at| now.duration_since(at) < FRESH_FOR) {
            return seen.incidents.clone();
        }
        let (folder, before) = (folder.clone(), std::mem::take(&mut seen.files));
        let look =
            tokio::task::spawn_blocking(move || {
                let files = list(&folder);
                let incidents = match &files {
                    Ok(files) if *files != before => Some(read(&folder, files)),
                    _ => None,
                };
                (files.unwrap_or_else(|err| {
                tracing::warn!(folder = %folder.display(), %err, "web.incidents can't be read");
                before
            }), incidents)
            });
        if let Ok((files, incidents)) = look.await {
            seen.files = files;
            if let Some(incidents) = incidents {
                seen.incidents = Arc::new(incidents);
            }
        }
        seen.at = Some(now);
        seen.incidents.clone()
    }
}

fn list(folder: &Path) -> io::Result<Vec<FileFacts>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.take(MAX_FILES) {
        let entry = entry?;
        let facts = fs::metadata(entry.path())?;
        let changed = facts.modified().ok();
        files.push(FileFacts { name: entry.file_name(), bytes: facts.len(), changed });
    }
    files.sort();
    Ok(files)
}

fn read(folder: &Path, files: &[FileFacts]) -> Vec<Incident> {
    let mut incidents: BTreeMap<String, Incident> = BTreeMap::new();
    for file in files {
        let path = folder.join(&file.name);
        match incident(&path) {
            Ok(found) => {
                let (name, texts) = (found.name.clone(), found.texts.clone());
                incidents
                    .entry(name)
                    .and_modify(|incident| incident.texts.extend(texts))
                    .or_insert(found);
            }
            Err(err) => tracing::warn!(file = %path.display(), %err, "an incident is left out"),
        }
    }
    let mut incidents: Vec<Incident> = incidents.into_values().collect();
    incidents.sort_by_key(|incident| std::cmp::Reverse((incident.began, incident.name.clone())));
    incidents
}

/// An incident as one file tells it.
fn incident(file: &Path) -> Result<Incident, TextError> {
    let (name, language) = name_of(file)?;
    let text = PlainText::read(file)?;
    let began = time(&text, "began")?.ok_or(TextError::Time("began"))?;
    let ended = time(&text, "ended")?;
    Ok(Incident { name, began, ended, texts: vec![(language, text)] })
}

fn time(text: &PlainText, key: &'static str) -> Result<Option<UnixTime>, TextError> {
    let Some(value) = text.value(key) else { return Ok(None) };
    let seconds = value.parse::<Timestamp>().ok().map(Timestamp::as_second);
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(UnixTime).map(Some).ok_or(TextError::Time(key))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use dnsbl_types::UnixTime;

    use super::IncidentFolder;
    use crate::Language;

    #[tokio::test]
    async fn incidents_are_read_again_when_their_files_change_and_bad_files_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let folder = IncidentFolder::new(Some(dir.path().into()));
        let began = Instant::now();
        assert_eq!(folder.current(began).await.len(), 0);
        write(
            "old.en.txt",
            "title: Old\nbegan: 2001-09-09T01:46:40Z\nended: 2001-09-09T02:00:00Z\n\nIt was.\n",
        );
        write("new.en.txt", "title: Slow\nbegan: 2026-11-30T10:00:00Z\n\nIt is slow.\n");
        write("new.ja.txt", "title: 遅延\nbegan: 2026-11-30T10:00:00Z\n\n遅れています。\n");
        write("bad.en.txt", "title: Bad\nbegan: yesterday\n\n");
        write("notes.txt~", "");
        // It was looked at a moment ago.
        assert_eq!(folder.current(began + Duration::from_secs(1)).await.len(), 0);
        let incidents = folder.current(began + Duration::from_secs(6)).await;
        let names: Vec<&str> = incidents.iter().map(|incident| &*incident.name).collect();
        assert_eq!(names, ["new", "old"]);
        assert_eq!((incidents[0].ended, incidents[1].began), (None, UnixTime(1_000_000_000)));
        assert_eq!(incidents[0].text(Language::Japanese).1.title.as_str(), "遅延");
        assert_eq!(incidents[1].text(Language::Japanese).0, Language::English);
        write(
            "new.en.txt",
            "title: Slow\nbegan: 2026-11-30T10:00:00Z\nended: 2026-11-30T11:00:00Z\n\nOver.\n",
        );
        let incidents = folder.current(began + Duration::from_secs(12)).await;
        assert!(incidents[0].ended.is_some());
        drop(dir);
        // What was known stays known where the folder can't be read.
        assert_eq!(folder.current(began + Duration::from_secs(18)).await.len(), 2);
    }
}
