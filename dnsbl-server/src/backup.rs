//! Backups while the server is stopped: taking one, and putting one in place.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use dnsbl_backup::Manifest;
use dnsbl_store::{DocumentKind, Restore, Restored, Store};
use dnsbl_types::UnixTime;

use crate::Config;

/// Documents that keep something from being done: what was written of them since a backup holds, too.
const GUARDS: [DocumentKind; 1] = [::relay_tester::service::OPT_OUT];

/// Takes a backup into a file, which appears once it is whole.
///
/// # Errors
/// The store can't be opened or read, or the file not written.
pub fn take(config: &Config, file: &Path) -> anyhow::Result<()> {
    let path = config.store_dir();
    if !Store::exists(&path)? {
        bail!("{}: there is no store", path.display());
    }
    let store = Store::open(&path)?;
    let copy = store.checkpoint()?;
    let (state, now) = ((copy.epoch, copy.seq), UnixTime::now());
    let manifest = Manifest::of_folder(copy.path(), env!("CARGO_PKG_VERSION"), now.0, state)?;
    let part = Part::begin(file)?;
    let out = std::io::BufWriter::new(&part.file);
    let out = dnsbl_backup::write(out, &manifest, |name| copy.open(name))?;
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    part.finish(file)?;
    store.keep_backup_time(now)?;
    let (seq, epoch) = (manifest.seq, manifest.epoch);
    println!("{}: up to change {seq} of epoch {epoch}", file.display());
    Ok(())
}

/// The beginning of a file, which goes unless it is finished.
struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    fn begin(target: &Path) -> anyhow::Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&path).with_context(|| path.display().to_string())?;
        Ok(Self { file, path })
    }

    fn finish(&self, target: &Path) -> std::io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is not there any more where it was finished.
        let _ = fs::remove_file(&self.path);
    }
}

/// Puts a backup in the place of the store. Where it can't be known of everything that was removed since the backup,
/// only if that is accepted.
///
/// # Errors
/// The backup is damaged, the store is in use, or what was removed may come back and that is not accepted. Nothing was
/// replaced then.
pub fn restore(config: &Config, file: &Path, accepted: bool) -> anyhow::Result<()> {
    let shown = file.display().to_string();
    let backup = File::open(file).with_context(|| shown.clone())?;
    let restore = Restore::read(&config.store_dir(), backup, &GUARDS).context(shown)?;
    let Manifest { epoch, seq, .. } = restore.manifest;
    println!("the backup is whole; it ends with change {seq} of epoch {epoch}");
    restore.unknown.iter().for_each(|why| println!("not known: {why}"));
    if !restore.unknown.is_empty() && !accepted {
        bail!(
            "what was removed since the backup could come back: listings that were delisted, tokens that were revoked; nothing was \
             replaced. Bring the old store back, or accept that with --accept-resurrection"
        );
    }
    let Restored { aside, epoch, seq, listings, notes } = restore.apply(UnixTime::now())?;
    notes.iter().for_each(|note| println!("{note}"));
    if listings > 0 {
        println!("{listings} listings were removed since the backup, and stay removed");
    }
    if let Some(aside) = aside {
        println!("the old store is kept in {}", aside.display());
    }
    println!("restored: it goes on behind change {seq}, in epoch {epoch}");
    Ok(())
}
