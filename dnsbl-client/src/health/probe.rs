//! What to ask a zone to find out whether it can be believed, and what its answers show.

use super::{DownReason, ProbeResult};
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

/// The family of targets of a zone, which can be right in one and wrong in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Zones of IPv4 addresses, and of names.
    First,
    /// The IPv6 addresses of a zone that has both.
    V6,
}

impl Family {
    /// That of a target in a zone of this kind.
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
/// wrong at the last probe comes first, so that a zone that stays down costs one question.
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

/// All points of a zone, those of the other address family too.
pub(crate) fn all_points(zone: &Zone, random: [u8; 16]) -> Vec<Point> {
    let mut all = points(zone, Family::First, None, random);
    if has_both(zone) {
        all.extend(points(zone, Family::V6, None, random));
    }
    all
}

/// Whether the zone may have addresses of both families.
pub(crate) fn has_both(zone: &Zone) -> bool {
    zone.asks == (Asks::Addresses { v4: true, v6: true })
}

/// What the answer to one question shows.
pub(crate) fn verdict(point: &Point, status: &Status) -> ProbeResult {
    match (status, point.kind) {
        (Status::Listed(_), PointKind::Listed)
        | (
            Status::NotListed | Status::Blocked(Blocked::Rewritten(_)),
            PointKind::Absent | PointKind::MadeUp,
        ) => ProbeResult::Good,
        (Status::NotListed | Status::Blocked(Blocked::Rewritten(_)), PointKind::Listed) => {
            ProbeResult::Fault(DownReason::MissesTestEntry)
        }
        (Status::Listed(_), PointKind::Absent) => ProbeResult::Fault(DownReason::ListsTestNegative),
        (Status::Listed(_), PointKind::MadeUp) => ProbeResult::Fault(DownReason::ListsRandomName),
        (Status::Blocked(Blocked::Stripped), _) => ProbeResult::Fault(DownReason::ResolverStrips),
        // It is the resolver that refuses, which says nothing about the zone.
        (Status::Blocked(Blocked::Refused), _) => ProbeResult::NoAnswer,
        (Status::Blocked(why), _) => ProbeResult::Fault(DownReason::Blocked(*why)),
        (Status::Bogus(_), _) => ProbeResult::Fault(DownReason::NotAList),
        (Status::Failed(_), _) => ProbeResult::NoAnswer,
        (Status::Skipped(_), _) => ProbeResult::NotAsked,
    }
}

/// What answers show together: a fault more than silence, and silence more than that all is well.
pub(crate) fn combined(verdicts: impl IntoIterator<Item = ProbeResult>) -> ProbeResult {
    verdicts.into_iter().fold(ProbeResult::Good, |worst, probed| match (worst, probed) {
        (ProbeResult::Fault(_), _) | (_, ProbeResult::Good) => worst,
        (_, ProbeResult::Fault(_)) | (ProbeResult::Good, _) => probed,
        _ => worst,
    })
}

/// The soundness of a zone, by family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Soundness {
    pub(crate) first: ProbeResult,
    /// `None` where the zone has one family only.
    pub(crate) v6: Option<ProbeResult>,
}

impl Soundness {
    /// The zone as a whole. One that lacks the test entry of one family has no addresses of it, which
    /// is no fault (RFC 5782 section 5); what else is wrong with its IPv6 concerns nothing else.
    pub(crate) fn overall(self) -> ProbeResult {
        let lacks = ProbeResult::Fault(DownReason::MissesTestEntry);
        match (self.first, self.v6) {
            (first, Some(ProbeResult::Good)) if first == lacks => ProbeResult::Good,
            (first, _) => first,
        }
    }
}

/// What all points of a zone show.
pub(crate) fn soundness(answers: &[(Point, Status)]) -> Soundness {
    let of = |family| {
        let points = answers.iter().filter(move |(point, _)| point.family == family);
        combined(points.map(|(point, status)| verdict(point, status)))
    };
    let has_v6 = answers.iter().any(|(point, _)| point.family == Family::V6);
    Soundness { first: of(Family::First), v6: has_v6.then(|| of(Family::V6)) }
}
