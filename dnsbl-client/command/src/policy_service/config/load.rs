//! From a file to a configuration.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{Config, spec::Spec, value::Refused};

/// The largest configuration file, in octets.
const MAX_FILE: usize = 1 << 20;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("{0}: larger than {MAX_FILE} octets")]
    TooLarge(PathBuf),
    #[error("{path}: line {line}: {key}: {detail}")]
    Value { path: PathBuf, line: usize, key: String, detail: String },
    /// What is missing stands nowhere.
    #[error("{0}: {1}")]
    Missing(PathBuf, String),
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|err| ConfigError::Io(path.into(), err))?;
        if text.len() > MAX_FILE {
            return Err(ConfigError::TooLarge(path.into()));
        }
        Self::read(path, &text)
    }

    /// Checks the text of a file; `path` names it in errors.
    pub(crate) fn read(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let spec = toml::from_str::<Spec>(text).map_err(|err| Refused {
            at: err.span().unwrap_or_default(),
            // Not the error itself: it shows the line, which may hold a key.
            detail: err.message().to_owned(),
        });
        let config = spec.and_then(|spec| spec.check(folder));
        config.map_err(|refused| match refused.at {
            Range { start: 0, end: 0 } => ConfigError::Missing(path.into(), refused.detail),
            _ => Self::refused(path, text, refused),
        })
    }

    fn refused(path: &Path, text: &str, refused: Refused) -> ConfigError {
        ConfigError::Value {
            path: path.into(),
            line: text[..refused.at.start.min(text.len())].matches('\n').count() + 1,
            key: key_at(text, refused.at.start),
            detail: refused.detail,
        }
    }
}

/// The key on the line of an offset, or what stands there in its place.
fn key_at(text: &str, offset: usize) -> String {
    let offset = offset.min(text.len());
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    // A key of an inline table is nearer than the one that begins the line.
    let before = text.get(start..offset).unwrap_or_default();
    let inline = before.contains('{').then(|| before.rfind(['{', ','])).flatten();
    let nearest = inline.map_or(line, |at| &line[at + 1..]);
    nearest.split('=').next().unwrap_or_default().trim().to_owned()
}
