//! The scopes of tokens.

/// The names of what a token may be allowed to do.
pub const SCOPES: &[&str] = &[
    "zones:read",
    "zones:write",
    "listings:read",
    "listings:write",
    "imports:write",
    "sources:all",
    "changes:read",
    "audit:read",
    "tokens:admin",
    "metrics:read",
    "guards:override",
    "relay-tests:read",
    "relay-tests:write",
    "relay-tests:owner",
    "relay-tests:trusted",
    "relay-opt-outs:write",
    "logins:write",
    "grants:read",
    "grants:write",
    "subscribers:read",
    "subscribers:write",
    "feeds:read",
    "feeds:write",
    "allowlist:read",
    "allowlist:write",
    "reports:write",
    "reports:read",
    "reports:review",
    "removals:write",
    "removals:read",
    "review",
    "purge",
    "undo",
    "reload",
    "backup",
    "webhooks:read",
    "webhooks:write",
];

/// A ready-made set of scopes.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// What it is called.
    pub name: &'static str,
    /// Who it is for.
    pub about: &'static str,
    /// `None`: all scopes.
    scopes: Option<&'static [&'static str]>,
}

/// All roles, from the one that may most.
pub const ROLES: &[Role] = &[
    Role { name: "operator", about: "runs the list: every scope", scopes: None },
    Role {
        name: "reviewer",
        about: "decides about what others report, list and ask to have removed",
        scopes: Some(&[
            "zones:read",
            "listings:read",
            "listings:write",
            "sources:all",
            "changes:read",
            "audit:read",
            "relay-tests:read",
            "relay-tests:write",
            "relay-opt-outs:write",
            "feeds:read",
            "allowlist:read",
            "reports:read",
            "reports:write",
            "reports:review",
            "removals:write",
            "removals:read",
            "review",
            "undo",
        ]),
    },
    Role {
        name: "submitter",
        about: "reports and nominates hosts, and lists nothing",
        scopes: Some(&[
            "zones:read",
            "listings:read",
            "relay-tests:read",
            "relay-tests:write",
            "reports:write",
            "removals:write",
        ]),
    },
    Role {
        name: "reader",
        about: "looks, follows changes and watches, and changes nothing",
        scopes: Some(&[
            "zones:read",
            "listings:read",
            "changes:read",
            "relay-tests:read",
            "metrics:read",
            "feeds:read",
            "allowlist:read",
        ]),
    },
];

impl Role {
    /// The role of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ROLES.iter().find(|role| role.name == name)
    }

    /// The role that has just these scopes, which are in the order of [`SCOPES`].
    pub fn of(scopes: &[String]) -> Option<&'static Self> {
        ROLES.iter().find(|role| role.scopes().eq(scopes.iter().map(String::as_str)))
    }

    /// Its scopes, in the order of [`SCOPES`].
    pub fn scopes(self) -> impl Iterator<Item = &'static str> {
        let has = move |scope: &&str| self.scopes.is_none_or(|scopes| scopes.contains(scope));
        SCOPES.iter().copied().filter(has)
    }
}
