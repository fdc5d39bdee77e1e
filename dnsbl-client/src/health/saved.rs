//! What survives a restart: health and budgets, under public names. It holds no keys.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::Ipv4Addr,
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{DownReason, MonitorState, Saved};
use crate::Blocked;

/// The whole file. Another version is another format.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct SavedFile {
    pub(crate) version: u32,
    /// Seconds since 1970: what has passed since then is taken off.
    pub(crate) saved_at: u64,
    pub(crate) zones: Vec<SavedZone>,
}

/// One zone.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct SavedZone {
    pub(crate) zone: String,
    state: Word,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    falls: u32,
    /// Seconds until it is probed again.
    retry_in: u64,
    /// For how many seconds it could not be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    down_for: Option<u64>,
    /// Questions asked, and for how many seconds they have been counted.
    pub(crate) used: u64,
    pub(crate) counted_for: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Unproven,
    Up,
    Suspect,
    Down,
    Probation,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Why {
    MissesTestEntry,
    ListsTestNegative,
    ListsRandomName,
    ListsEverything {
        listed: u32,
        of: u32,
    },
    ZoneTypo,
    PublicResolver,
    TooManyQueries,
    NotForAddresses(Ipv4Addr),
    ErrorCode(Ipv4Addr),
    Refused,
    Filtered(u16),
    Failing {
        failed: u32,
        of: u32,
    },
    /// Of an earlier release: it is not kept any more.
    ResolverRewrites,
    NotAList,
}

impl SavedFile {
    pub(crate) const VERSION: u32 = 1;
    /// A file of more octets is none of ours.
    const MAX_LEN: u64 = 16 << 20;

    /// Reads the file; `None` if there is none, or none of this version.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let text = match fs::metadata(path) {
            Ok(metadata) if metadata.len() > Self::MAX_LEN => return Ok(None),
            Ok(_) => fs::read(path)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err),
        };
        let file: Option<Self> = serde_json::from_slice(&text).ok();
        Ok(file.filter(|file| file.version == Self::VERSION))
    }

    /// Replaces the file at once: a reader finds the old one or this one.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = Path::new(&name);
        let mut file = File::create(new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(new, path)
    }
}

impl SavedZone {
    pub(crate) fn new(
        zone: &str,
        Saved { state, falls, retry_in, down_for }: Saved,
        (used, counted_for): (u64, Duration),
    ) -> Self {
        let (word, why) = match state {
            MonitorState::Unproven => (Word::Unproven, None),
            MonitorState::Up => (Word::Up, None),
            MonitorState::Suspect(why) => (Word::Suspect, Some(why.into())),
            MonitorState::Down(why) => (Word::Down, Some(why.into())),
            MonitorState::Probation { .. } => (Word::Probation, None),
        };
        Self {
            zone: zone.into(),
            state: word,
            why,
            falls,
            retry_in: retry_in.as_secs(),
            down_for: down_for.map(|down| down.as_secs()),
            used,
            counted_for: counted_for.as_secs(),
        }
    }

    /// The most that a restart adds to the time that a zone was down: a wall clock that has leapt must
    /// not make it gone.
    const RESTART: Duration = Duration::from_secs(3600);

    /// What it was, where so much time has passed since by the wall clock.
    pub(crate) fn saved(&self, passed: Duration) -> Saved {
        let state = self.state();
        let down_for = self.down_for.map(Duration::from_secs);
        Saved {
            state,
            falls: self.falls,
            retry_in: Duration::from_secs(self.retry_in).saturating_sub(passed),
            down_for: match state {
                MonitorState::Up | MonitorState::Probation { .. } | MonitorState::Suspect(_) => {
                    None
                }
                MonitorState::Unproven | MonitorState::Down(_) => {
                    Some(down_for.unwrap_or_default().saturating_add(passed.min(Self::RESTART)))
                }
            },
        }
    }

    fn state(&self) -> MonitorState {
        let why = self.why.map_or(DownReason::NotAList, DownReason::from);
        match self.state {
            Word::Unproven => MonitorState::Unproven,
            _ if self.why == Some(Why::ResolverRewrites) => MonitorState::Unproven,
            Word::Up => MonitorState::Up,
            Word::Suspect => MonitorState::Suspect(why),
            Word::Down => MonitorState::Down(why),
            Word::Probation => MonitorState::Probation { clean: 0 },
        }
    }
}

impl From<DownReason> for Why {
    fn from(why: DownReason) -> Self {
        match why {
            DownReason::MissesTestEntry => Self::MissesTestEntry,
            DownReason::ListsTestNegative => Self::ListsTestNegative,
            DownReason::ListsRandomName => Self::ListsRandomName,
            DownReason::ListsEverything { listed, of } => Self::ListsEverything { listed, of },
            DownReason::Blocked(Blocked::ZoneTypo) => Self::ZoneTypo,
            DownReason::Blocked(Blocked::PublicResolver) => Self::PublicResolver,
            DownReason::Blocked(Blocked::TooManyQueries) => Self::TooManyQueries,
            DownReason::Blocked(Blocked::NotForAddresses(addr)) => Self::NotForAddresses(addr),
            DownReason::Blocked(Blocked::ErrorCode(addr)) => Self::ErrorCode(addr),
            DownReason::Blocked(Blocked::Refused) => Self::Refused,
            DownReason::Blocked(Blocked::Filtered(code)) => Self::Filtered(code),
            DownReason::Failing { failed, of } => Self::Failing { failed, of },
            DownReason::NotAList
            | DownReason::Blocked(Blocked::Rewritten(_) | Blocked::Stripped)
            | DownReason::ResolverStrips
            | DownReason::ResolverSilent => Self::NotAList,
        }
    }
}

impl From<Why> for DownReason {
    fn from(why: Why) -> Self {
        match why {
            Why::MissesTestEntry => Self::MissesTestEntry,
            Why::ListsTestNegative => Self::ListsTestNegative,
            Why::ListsRandomName => Self::ListsRandomName,
            Why::ListsEverything { listed, of } => Self::ListsEverything { listed, of },
            Why::ZoneTypo => Self::Blocked(Blocked::ZoneTypo),
            Why::PublicResolver => Self::Blocked(Blocked::PublicResolver),
            Why::TooManyQueries => Self::Blocked(Blocked::TooManyQueries),
            Why::NotForAddresses(addr) => Self::Blocked(Blocked::NotForAddresses(addr)),
            Why::ErrorCode(addr) => Self::Blocked(Blocked::ErrorCode(addr)),
            Why::Refused => Self::Blocked(Blocked::Refused),
            Why::Filtered(code) => Self::Blocked(Blocked::Filtered(code)),
            Why::Failing { failed, of } => Self::Failing { failed, of },
            Why::ResolverRewrites | Why::NotAList => Self::NotAList,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DownReason, MonitorState, Saved, SavedFile, SavedZone};
    use crate::Blocked;

    fn down(why: DownReason) -> SavedZone {
        let day = Duration::from_secs(86_400);
        let saved = Saved {
            state: MonitorState::Down(why),
            falls: 2,
            retry_in: day,
            down_for: Some(day / 2),
        };
        SavedZone::new("wl.example", saved, (0, Duration::ZERO))
    }

    /// Field case 36, seen from the client: the wall clock steps forward a year while it restarts.
    #[test]
    fn a_leap_of_the_wall_clock_over_a_restart_makes_no_list_gone() {
        let year = Duration::from_secs(365 * 86_400);
        let saved = down(DownReason::Blocked(Blocked::TooManyQueries)).saved(year);
        assert_eq!(saved.down_for, Some(Duration::from_secs(12 * 3600 + 3600)));
        assert_eq!(saved.retry_in, Duration::ZERO);
    }

    #[test]
    fn a_file_of_an_earlier_release_is_read_and_what_the_resolver_did_is_not_kept() {
        let text = r#"{"version":1,"saved_at":1,"zones":[{"zone":"bl.example","state":"down",
            "why":"resolver-rewrites","falls":3,"retry_in":1800,"used":0,"counted_for":0}]}"#;
        let file: SavedFile = serde_json::from_str(text).unwrap();
        assert_eq!(file.zones[0].saved(Duration::ZERO).state, MonitorState::Unproven);
    }
}
