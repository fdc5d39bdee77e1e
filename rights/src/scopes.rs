//! What tokens may be allowed to do, as types and as names.

/// To write and delete as any source.
pub const SOURCES_ALL: &str = "sources:all";
/// To lift guards.
pub const GUARDS_OVERRIDE: &str = "guards:override";
/// To manage tokens, and to see changes of them.
pub const TOKENS_ADMIN: &str = "tokens:admin";

/// To follow the change log.
pub const CHANGES_READ: &str = "changes:read";

/// To see relay tests, and changes of them.
pub const RELAY_TESTS_READ: &str = "relay-tests:read";
/// To ask for tests in the name of a host's owner.
pub const RELAY_TESTS_OWNER: &str = "relay-tests:owner";
/// To ask for more tests than the holder of any token, and to call off those of others.
pub const RELAY_TESTS_TRUSTED: &str = "relay-tests:trusted";

/// To see who has a grant, and what else is in allow zones.
pub const GRANTS_READ: &str = "grants:read";

/// To see reports and reporters, and changes of them.
pub const REPORTS_READ: &str = "reports:read";

/// To see requests for removal, and changes of them.
pub const REMOVALS_READ: &str = "removals:read";

/// To see subscribers, and changes of them.
pub const SUBSCRIBERS_READ: &str = "subscribers:read";
/// To see allow entries, and changes of them.
pub const ALLOWLIST_READ: &str = "allowlist:read";

/// To see webhooks, and changes of them.
pub const WEBHOOKS_READ: &str = "webhooks:read";

/// A scope as a type.
pub trait Scope: Send + Sync + 'static {
    /// Its name; `None` where any live token will do.
    const NAME: Option<&'static str>;
}

macro_rules! scopes {
    ($($doc:literal $scope:ident = $name:expr;)*) => {$(
        #[doc = $doc]
        pub struct $scope;

        impl Scope for $scope {
            const NAME: Option<&'static str> = $name;
        }
    )*};
}

scopes! {
    "To see zones." ZonesRead = Some("zones:read");
    "To change zones." ZonesWrite = Some("zones:write");
    "To see listings." ListingsRead = Some("listings:read");
    "To change listings." ListingsWrite = Some("listings:write");
    "To import." ImportsWrite = Some("imports:write");
    "To follow the change log." ChangesRead = Some(CHANGES_READ);
    "To read the audit records." AuditRead = Some("audit:read");
    "To manage tokens." TokensAdmin = Some(TOKENS_ADMIN);
    "To read metrics." MetricsRead = Some("metrics:read");
    "To see relay tests." RelayTestsRead = Some(RELAY_TESTS_READ);
    "To ask for relay tests." RelayTestsWrite = Some("relay-tests:write");
    "To opt networks out of relay tests, and in again." RelayOptOutsWrite = Some("relay-opt-outs:write");
    "To report logins." LoginsWrite = Some("logins:write");
    "To see who has a grant." GrantsRead = Some(GRANTS_READ);
    "To revoke grants." GrantsWrite = Some("grants:write");
    "To see feeds." FeedsRead = Some("feeds:read");
    "To make, change and run feeds." FeedsWrite = Some("feeds:write");
    "To see subscribers, and what they ask." SubscribersRead = Some(SUBSCRIBERS_READ);
    "To change subscribers." SubscribersWrite = Some("subscribers:write");
    "To see allow entries." AllowlistRead = Some(ALLOWLIST_READ);
    "To change allow entries." AllowlistWrite = Some("allowlist:write");
    "To report." ReportsWrite = Some("reports:write");
    "To see reports and reporters." ReportsRead = Some(REPORTS_READ);
    "To decide about reports." ReportsReview = Some("reports:review");
    "To ask for removals." RemovalsWrite = Some("removals:write");
    "To see requests for removal." RemovalsRead = Some(REMOVALS_READ);
    "To decide about what waits." ReviewAny = Some("review");
    "To remove many listings at once." PurgeAny = Some("purge");
    "To undo changes." UndoAny = Some("undo");
    "To have the configuration read again." Reload = Some("reload");
    "To take backups, which hold everything." Backup = Some("backup");
    "To see webhooks." WebhooksRead = Some(WEBHOOKS_READ);
    "To make, change and delete webhooks." WebhooksWrite = Some("webhooks:write");
    "Any live token." Anyone = None;
}

#[cfg(test)]
mod tests {
    use admin_api_types::{ROLES, SCOPES};

    /// A scope that a role has gained stands in its row.
    #[test]
    fn every_role_stands_in_the_docs_with_its_scopes() {
        let docs = include_str!("../../docs/operating.md");
        for role in ROLES.iter().filter(|role| role.scopes().count() < SCOPES.len()) {
            let row = docs.lines().find(|line| line.starts_with(&format!("| `{}` |", role.name)));
            let row = row.unwrap_or_else(|| panic!("{}", role.name));
            for scope in SCOPES {
                let has = role.scopes().any(|of_role| of_role == *scope);
                assert_eq!(row.contains(&format!("`{scope}`")), has, "{} {scope}", role.name);
            }
        }
    }

    /// Newcomer A4: scopes stood in an error message only.
    #[test]
    fn every_scope_stands_in_the_docs() {
        let docs = include_str!("../../docs/operating.md");
        for scope in SCOPES {
            let in_a_row = |(of, verb): (&str, &str)| {
                docs.lines().any(|line| {
                    line.starts_with(&format!("| `{of}:")) && line.contains(&format!("`:{verb}`"))
                })
            };
            let said =
                docs.contains(&format!("`{scope}`")) || scope.split_once(':').is_some_and(in_a_row);
            assert!(said, "{scope}");
        }
    }
}
