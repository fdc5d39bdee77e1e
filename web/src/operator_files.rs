//! Files of the operator's that pages are made with: a logo, and pages of his own. They are read once, at the start.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Language, Settings,
    plain_text::{MAX_FILES, PlainText, TextError, name_of},
};

/// The largest logo, in bytes.
const MAX_LOGO: usize = 64 << 10;
/// Pages of the operator's own, of which each is linked from all others.
const MAX_PAGES: usize = 20;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct OperatorFiles {
    /// A drawing in SVG.
    pub(crate) logo: Option<Arc<str>>,
    /// By name.
    pub(crate) pages: Vec<OwnPage>,
}

/// A page of the operator's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnPage {
    pub(crate) name: String,
    /// At least in one language.
    texts: Vec<(Language, PlainText)>,
}

/// What is wrong with a file of the operator's, and which.
#[derive(Debug)]
pub struct FileError {
    file: PathBuf,
    why: FileFault,
}

#[derive(Debug)]
enum FileFault {
    Text(TextError),
    /// It is no drawing in SVG that could be shown.
    Logo(&'static str),
    TooMany,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        match &self.why {
            FileFault::Text(err) => err.fmt(f),
            FileFault::Logo(why) => f.write_str(why),
            FileFault::TooMany => write!(f, "there are more than {MAX_PAGES} pages"),
        }
    }
}

impl std::error::Error for FileError {}

impl OwnPage {
    /// Its text in a language, or in another where there is none.
    pub(crate) fn text(&self, language: Language) -> (Language, &PlainText) {
        let found = self.texts.iter().find(|(of, _)| *of == language);
        let (language, text) = found.unwrap_or(&self.texts[0]);
        (*language, text)
    }
}

impl OperatorFiles {
    /// Reads what the settings name. It may block.
    ///
    /// # Errors
    /// A file can't be read, or is none that could be shown.
    pub fn read(settings: &Settings) -> Result<Self, FileError> {
        let logo = settings.logo.as_deref().map(read_logo).transpose()?;
        let pages = settings.pages.as_deref().map(read_pages).transpose()?;
        Ok(Self { logo, pages: pages.unwrap_or_default() })
    }

    /// The page with this name.
    pub(crate) fn page(&self, name: &str) -> Option<&OwnPage> {
        self.pages.iter().find(|page| page.name == name)
    }
}

fn read_logo(file: &Path) -> Result<Arc<str>, FileError> {
    let error = |why| FileError { file: file.into(), why };
    let bytes = fs::read(file).map_err(|err| error(FileFault::Text(TextError::Read(err))))?;
    check_logo(&bytes).map(Arc::from).map_err(|why| error(FileFault::Logo(why)))
}

/// A drawing without anything that a browser would run or fetch. It is sent with a policy that forbids both, too.
fn check_logo(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.len() > MAX_LOGO {
        return Err("it is larger than 64 KiB");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let small = text.to_ascii_lowercase();
    if !small.contains("<svg") || !small.contains("http://www.w3.org/2000/svg") {
        return Err("it is no SVG: there is no <svg xmlns=\"http://www.w3.org/2000/svg\">");
    }
    let active = ["<script", "<foreignobject", "<!entity", "<!doctype", "<iframe", "javascript:"];
    if active.iter().any(|active| small.contains(active)) {
        return Err("it has scripts, entities or foreign objects: save it as plain SVG");
    }
    Ok(text)
}

fn read_pages(folder: &Path) -> Result<Vec<OwnPage>, FileError> {
    let error = |file: &Path, err| FileError { file: file.into(), why: FileFault::Text(err) };
    let entries = fs::read_dir(folder).map_err(|err| error(folder, TextError::Read(err)))?;
    let files = entries.take(MAX_FILES).map(|entry| entry.map(|entry| entry.path()));
    let files: Result<Vec<PathBuf>, _> = files.collect();
    let mut files = files.map_err(|err| error(folder, TextError::Read(err)))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let mut pages: Vec<OwnPage> = Vec::new();
    for file in files {
        let (name, language) = name_of(&file).map_err(|err| error(&file, err))?;
        let text = PlainText::read(&file).map_err(|err| error(&file, err))?;
        match pages.iter_mut().find(|page| page.name == name) {
            Some(page) => page.texts.push((language, text)),
            None => pages.push(OwnPage { name, texts: vec![(language, text)] }),
        }
    }
    if pages.len() > MAX_PAGES {
        return Err(FileError { file: folder.into(), why: FileFault::TooMany });
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{OperatorFiles, check_logo};
    use crate::{Language, tests::settings};

    #[test]
    fn a_logo_is_a_drawing_and_runs_nothing() {
        let svg = |inside: &str| {
            let text = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\">{inside}</svg>"
            );
            check_logo(text.as_bytes()).is_ok()
        };
        assert!(svg("<path d=\"M0 0h1v1z\"/>"));
        for inside in ["<SCRIPT>1</SCRIPT>", "<a href=\"javascript:x\"/>", "<foreignObject/>"] {
            assert!(!svg(inside), "{inside}");
        }
        assert!(check_logo(b"<svg>").is_err() && check_logo(b"\xff").is_err());
        assert!(check_logo(" ".repeat(70_000).as_bytes()).is_err());
    }

    #[test]
    fn pages_are_read_by_language_and_a_wrong_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("imprint.en.txt", "title: Imprint\n\nExample Organisation\n");
        write("imprint.ja.txt", "title: 運営者情報\n\n例\n");
        write("terms.en.txt", "title: Terms\n\nBe kind.\n");
        write("README", "not a page");
        let mut settings = settings();
        settings.pages = Some(dir.path().into());
        let files = OperatorFiles::read(&settings).unwrap();
        let page = files.page("imprint").unwrap();
        assert_eq!(page.text(Language::Japanese).1.title.as_str(), "運営者情報");
        assert_eq!(files.page("terms").unwrap().text(Language::Japanese).0, Language::English);
        assert!(files.page("README").is_none());
        write("broken.en.txt", "no head\n");
        let err = OperatorFiles::read(&settings).unwrap_err().to_string();
        assert!(err.contains("broken.en.txt") && err.contains("line 1"), "{err}");
        settings.logo = Some(dir.path().join("nothing.svg"));
        assert!(OperatorFiles::read(&settings).unwrap_err().to_string().contains("nothing.svg"));
    }
}
