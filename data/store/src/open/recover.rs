//! Saving what can be saved of a store that can't be opened.
//!
//! What is left is read from the files themselves (`salvage.rs`), without writing anything. If told to, a
//! store is rebuilt of it (`rebuild.rs`) beside the damaged one, and put in its place; the damaged one is
//! kept. The new one begins a new epoch, so that nobody takes its next changes for ones that were lost.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dnsbl_types::UnixTime;

use crate::{
    StoreError,
    format::schema,
    head,
    open::{
        check::{self, Presence, sibling},
        database::{damage, locked},
        rebuild::{Remains, ZoneSurvey},
        salvage::io_at,
    },
    read::{state, view::View},
};

/// What is found of a store.
pub enum Examined {
    /// Nothing lies there.
    Absent,
    /// It opens, and all of it can be read.
    Sound {
        /// What a power failure cut off of its last write, which the next start drops.
        torn: Option<String>,
    },
    /// It is damaged, or has fewer changes than were acknowledged.
    Damaged {
        /// How that shows.
        why: StoreError,
        /// What a recovery would keep and lose.
        plan: Box<Recovery>,
    },
}

/// What a recovery would keep and lose.
pub struct Recovery {
    store: PathBuf,
    remains: Remains,
    /// The last change that is there.
    pub head: u64,
    /// The last change that was acknowledged, if that is known.
    pub expected: Option<u64>,
    /// Zones that are kept.
    pub zones: Vec<ZoneSurvey>,
    /// What is damaged.
    pub damage: Vec<String>,
    /// What can't be read, and what is kept beside listings.
    pub notes: Vec<String>,
    /// How many changes before the last are lost.
    pub missing: u64,
}

/// What a recovery did.
#[derive(Debug)]
pub struct Recovered {
    /// Where the damaged store now lies.
    pub aside: PathBuf,
    /// What was set right by the log.
    pub notes: Vec<String>,
}

impl Recovery {
    /// Reads all of a store and changes nothing.
    ///
    /// # Errors
    ///
    /// If it is in use, of a newer release, or its files can't be read at all.
    pub fn examine(store: &Path) -> Result<Examined, StoreError> {
        if let Some(locked) = locked(store) {
            return Err(locked);
        }
        match check::presence(store) {
            Ok(Presence::Nothing) => return Ok(Examined::Absent),
            Ok(Presence::Begun) => return Ok(Examined::Sound { torn: None }),
            Ok(Presence::Store) => {}
            Err(why @ StoreError::Damaged { .. }) if store.is_dir() => return damaged(store, why),
            Err(err) => return Err(err),
        }
        match read_all(store) {
            Ok(torn) => Ok(Examined::Sound { torn }),
            Err(why @ (StoreError::Damaged { .. } | StoreError::Behind { .. })) => {
                damaged(store, why)
            }
            Err(why @ StoreError::Unreadable { .. }) => damaged(store, why),
            Err(err) => Err(err),
        }
    }

    /// Rebuilds the store and puts the damaged one beside it.
    pub fn apply(self, now: UnixTime) -> Result<Recovered, StoreError> {
        let copy = sibling(&self.store, "recovered");
        match fs::remove_dir_all(&copy) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return io_at(&copy, Err(err)),
            _ => io_at(&copy, fs::create_dir_all(&copy))?,
        }
        let permissions = io_at(&self.store, fs::metadata(&self.store))?.permissions();
        io_at(&copy, fs::set_permissions(&copy, permissions))?;
        let notes = self.remains.write(&copy)?;
        io_at(&copy, fs::File::open(&copy).and_then(|folder| folder.sync_all()))?;
        let aside = free_sibling(&self.store, &format!("damaged-{}", now.0));
        io_at(&self.store, fs::rename(&self.store, &aside))?;
        io_at(&copy, fs::rename(&copy, &self.store))?;
        if let Some(parent) = self.store.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            io_at(parent, fs::File::open(parent).and_then(|folder| folder.sync_all()))?;
        }
        Ok(Recovered { aside, notes })
    }
}

fn damaged(store: &Path, why: StoreError) -> Result<Examined, StoreError> {
    let remains = Remains::read(store)?;
    let expected = io_at(store, head::read(store))?.map(|head| head.seq);
    let mut damage = remains.salvage.damage.clone();
    damage.extend(remains.salvage.torn.clone());
    let notes = remains.lost_in_words().into_iter().chain(remains.notes.iter().cloned()).collect();
    let plan = Recovery {
        store: store.into(),
        head: remains.log.head,
        expected,
        zones: remains.surveys(),
        damage,
        notes,
        missing: remains.log.count_missing(),
        remains,
    };
    Ok(Examined::Damaged { why, plan: Box::new(plan) })
}

/// Reads every row; returns what the next start drops.
pub(crate) fn read_all(store: &Path) -> Result<Option<String>, StoreError> {
    let sound = check::inspect(store)?;
    let db = check::open_read_only(store, sound.mode)?;
    for family in schema::FAMILIES {
        if db.cf_handle(family).is_some() {
            check::read_family(&db, family).map_err(damage(store))?;
        }
    }
    if [schema::ZONES, schema::SEGMENTS, schema::META].iter().all(|f| db.cf_handle(f).is_some()) {
        let zones = state::read_zones(&View::snapshot(&db));
        zones.map_err(damage(store))?;
    }
    Ok(sound.torn)
}

/// A folder beside the store where nothing lies yet.
pub(crate) fn free_sibling(store: &Path, suffix: &str) -> PathBuf {
    let first = sibling(store, suffix);
    let others = (2..).map(|i| sibling(store, &format!("{suffix}-{i}")));
    std::iter::once(first.clone()).chain(others).find(|path| !path.exists()).unwrap_or(first)
}
