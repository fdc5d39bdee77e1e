//! What has happened since the start.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use dnsbl_types::Name;

use crate::{Refused, Way};

/// Counts of logins by way and what came of them.
#[derive(Debug, Default)]
pub struct Stats {
    granted: [AtomicU64; Way::ALL.len()],
    renewed: [AtomicU64; Way::ALL.len()],
    refused: [[AtomicU64; Refused::ALL.len()]; Way::ALL.len()],
    /// Addresses with a grant, of each zone.
    live: Mutex<HashMap<Name, usize>>,
}

impl Stats {
    pub(super) fn granted(&self, way: Way, is_new: bool) {
        let counts = if is_new { &self.granted } else { &self.renewed };
        counts[way as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, way: Way, why: Refused) {
        self.refused[way as usize][why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_live(&self, live: HashMap<Name, usize>) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// New grants, and renewals, of one way.
    pub fn grants(&self, way: Way) -> (u64, u64) {
        let of =
            |counts: &[AtomicU64; Way::ALL.len()]| counts[way as usize].load(Ordering::Relaxed);
        (of(&self.granted), of(&self.renewed))
    }

    /// Logins of one way that granted nothing, for one reason.
    pub fn refusals(&self, way: Way, why: Refused) -> u64 {
        self.refused[way as usize][why as usize].load(Ordering::Relaxed)
    }

    /// How many addresses of each zone have a grant.
    pub fn live(&self) -> Vec<(Name, usize)> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.iter().map(|(zone, count)| (zone.clone(), *count)).collect()
    }
}
