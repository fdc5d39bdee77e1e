//! What to ask a list to find out whether it can be believed, and what its answers show.

use super::{DownReason, Probed};
use crate::{Asks, Blocked, Probes, Status, Target, Zone};

/// One question of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) target: Target,
    pub(crate) kind: PointKind,
    pub(crate) family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PointKind {
    MadeUp,
    Absent,
    Listed,
}

/// What a list is a list of, as far as it can be right in one and wrong in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Lists of IPv4 addresses, and of names.
    First,
    /// The IPv6 addresses of a list that has both.
    V6,
}

impl Family {
    /// That of a target in a list of this kind.
    pub(crate) fn of(asks: Asks, target: &Target) -> Self {
        let both = asks == Asks::Addresses { v4: true, v6: true };
        if both && target.addr().is_some_and(|addr| addr.is_ipv6()) {
            Self::V6
        } else {
            Self::First
        }
    }
}

/// The questions, in the order in which they are asked: one that shows a fault is the last. What was
/// wrong at the last probe comes first, so that a list that stays down costs one question.
pub(crate) fn points(
    zone: &Zone,
    family: Family,
    fault: Option<DownReason>,
    random: [u8; 16],
) -> Vec<Point> {
    let point = |kind| move |target: &Target| Point { target: target.clone(), kind, family };
    let probes = zone.probes.in_family(family);
    let asks = match family {
        Family::First => zone.asks,
        Family::V6 => Asks::Addresses { v4: false, v6: true },
    };
    let made_up = probes.random_absent.then(|| Probes::made_up(asks, random));
    let mut points: Vec<Point> = made_up.iter().map(point(PointKind::MadeUp)).collect();
    points.extend(probes.absent.iter().map(point(PointKind::Absent)));
    points.extend(probes.listed.iter().map(point(PointKind::Listed)));
    let first = match fault {
        Some(DownReason::MissesTestEntry | DownReason::ResolverStrips) => PointKind::Listed,
        Some(DownReason::ListsTestNegative) => PointKind::Absent,
        _ => PointKind::MadeUp,
    };
    points.sort_by_key(|point| point.kind != first);
    points
}

/// All points of a list, those of the other address family too.
pub(crate) fn all_points(zone: &Zone, random: [u8; 16]) -> Vec<Point> {
    let mut all = points(zone, Family::First, None, random);
    if has_both(zone) {
        all.extend(points(zone, Family::V6, None, random));
    }
    all
}

/// Whether the list may have addresses of both families.
pub(crate) fn has_both(zone: &Zone) -> bool {
    zone.asks == (Asks::Addresses { v4: true, v6: true })
}

/// What the answer to one question shows.
pub(crate) fn verdict(point: &Point, status: &Status) -> Probed {
    match (status, point.kind) {
        (Status::Listed(_), PointKind::Listed)
        | (
            Status::NotListed | Status::Blocked(Blocked::Rewritten(_)),
            PointKind::Absent | PointKind::MadeUp,
        ) => Probed::Good,
        (Status::NotListed | Status::Blocked(Blocked::Rewritten(_)), PointKind::Listed) => {
            Probed::Fault(DownReason::MissesTestEntry)
        }
        (Status::Listed(_), PointKind::Absent) => Probed::Fault(DownReason::ListsTestNegative),
        (Status::Listed(_), PointKind::MadeUp) => Probed::Fault(DownReason::ListsRandomName),
        (Status::Blocked(Blocked::Stripped), _) => Probed::Fault(DownReason::ResolverStrips),
        // It is the resolver that refuses, which says nothing about the list.
        (Status::Blocked(Blocked::Refused), _) => Probed::NoAnswer,
        (Status::Blocked(why), _) => Probed::Fault(DownReason::Blocked(*why)),
        (Status::Bogus(_), _) => Probed::Fault(DownReason::NotAList),
        (Status::Failed(_), _) => Probed::NoAnswer,
        (Status::Skipped(_), _) => Probed::NotAsked,
    }
}

/// What answers show together: a fault more than silence, and silence more than that all is well.
pub(crate) fn together(verdicts: impl IntoIterator<Item = Probed>) -> Probed {
    verdicts.into_iter().fold(Probed::Good, |worst, probed| match (worst, probed) {
        (Probed::Fault(_), _) | (_, Probed::Good) => worst,
        (_, Probed::Fault(_)) | (Probed::Good, _) => probed,
        _ => worst,
    })
}

/// What a list can be believed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Soundness {
    pub(crate) first: Probed,
    /// `None` where the list has one family only.
    pub(crate) v6: Option<Probed>,
}

impl Soundness {
    /// The list as a whole. One that lacks the test entry of one family has no addresses of it, which
    /// is no fault (RFC 5782 section 5); what else is wrong with its IPv6 concerns nothing else.
    pub(crate) fn overall(self) -> Probed {
        let lacks = Probed::Fault(DownReason::MissesTestEntry);
        match (self.first, self.v6) {
            (first, Some(Probed::Good)) if first == lacks => Probed::Good,
            (first, _) => first,
        }
    }
}

/// What all points of a list show.
pub(crate) fn soundness(answers: &[(Point, Status)]) -> Soundness {
    let of = |family| {
        let points = answers.iter().filter(move |(point, _)| point.family == family);
        together(points.map(|(point, status)| verdict(point, status)))
    };
    let has_v6 = answers.iter().any(|(point, _)| point.family == Family::V6);
    Soundness { first: of(Family::First), v6: has_v6.then(|| of(Family::V6)) }
}
