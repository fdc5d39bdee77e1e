//! The table of probes.

use crate::probe::Probe;

pub(crate) const PROBES: &[Probe] = &[];
