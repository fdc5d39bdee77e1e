//! What to ask a list to find out whether it can be believed, and what its answers show.

use super::{DownReason, Probed};
use crate::{Asks, Probes, Status, Target, Zone};

/// One question of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) target: Target,
    pub(crate) kind: PointKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PointKind {
    MadeUp,
    Absent,
    Listed,
}

/// The questions, in the order in which they are asked: one that shows a fault is the last. What was
/// wrong at the last probe comes first, so that a list that stays down costs one question.
pub(crate) fn points(zone: &Zone, fault: Option<DownReason>, random: [u8; 16]) -> Vec<Point> {
    let point = |kind| move |target: &Target| Point { target: target.clone(), kind };
    let Probes { listed, absent, random_absent, .. } = &zone.probes;
    let made_up = random_absent.then(|| Probes::made_up(zone.asks, random));
    let mut points: Vec<Point> = made_up.iter().map(point(PointKind::MadeUp)).collect();
    points.extend(absent.iter().map(point(PointKind::Absent)));
    points.extend(listed.iter().map(point(PointKind::Listed)));
    let first = match fault {
        Some(DownReason::MissesTestEntry) => PointKind::Listed,
        Some(DownReason::ListsTestNegative) => PointKind::Absent,
        _ => PointKind::MadeUp,
    };
    points.sort_by_key(|point| point.kind != first);
    points
}

/// All points of a list, those of the other address family too.
pub(crate) fn all_points(zone: &Zone, random: [u8; 16]) -> Vec<Point> {
    let mut all = points(zone, None, random);
    if zone.asks == (Asks::Addresses { v4: true, v6: true }) {
        let v6 = Asks::Addresses { v4: false, v6: true };
        let mut other = zone.clone();
        (other.asks, other.probes) = (v6, Probes::of(v6));
        if zone.probes == Probes::of(zone.asks) {
            all.extend(points(&other, None, random));
        }
    }
    all
}

/// What the answer to one question shows.
pub(crate) fn verdict(point: &Point, status: &Status) -> Probed {
    match (status, point.kind) {
        (Status::Listed(_), PointKind::Listed)
        | (Status::NotListed, PointKind::Absent | PointKind::MadeUp) => Probed::Good,
        (Status::NotListed, PointKind::Listed) => Probed::Fault(DownReason::MissesTestEntry),
        (Status::Listed(_), PointKind::Absent) => Probed::Fault(DownReason::ListsTestNegative),
        (Status::Listed(_), PointKind::MadeUp) => Probed::Fault(DownReason::ListsRandomName),
        (Status::Blocked(why), _) => Probed::Fault(DownReason::Blocked(*why)),
        (Status::Bogus(_), _) => Probed::Fault(DownReason::NotAList),
        (Status::Failed(_), _) => Probed::NoAnswer,
        (Status::Skipped(_), _) => Probed::NotAsked,
    }
}
