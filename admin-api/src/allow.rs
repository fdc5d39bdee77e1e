//! What else may be done with allow zones: little, since logins alone grant.

use dnsbl_types::{Name, ZoneKind};

use crate::{app::App, auth::Caller, error::Problem, scopes::GRANTS_READ};

/// Refuses to show what is in an allow zone to who may not see grants: it tells where users are.
pub(crate) fn require_sight<S>(
    app: &App,
    caller: &Caller<S>,
    origin: &Name,
) -> Result<(), Problem> {
    if is_allow_zone(app, origin) { caller.require(GRANTS_READ) } else { Ok(()) }
}

/// Refuses to list anything in an allow zone but by a login.
pub(crate) fn refuse_listing(app: &App, origin: &Name) -> Result<(), Problem> {
    if !is_allow_zone(app, origin) {
        return Ok(());
    }
    let detail = format!(
        "{origin} is an allow zone: what it lists is granted by logins alone (POST /v1/logins); an exclusion keeps an address from being granted anything"
    );
    Err(Problem::refused(detail))
}

pub(crate) fn is_allow_zone(app: &App, origin: &Name) -> bool {
    let snapshot = app.index.load();
    let kind = snapshot.zone(origin).map(|zone| zone.settings().kind);
    matches!(kind, Some(ZoneKind::Allow(_)))
}
