//! How many addresses of an answer have to match.

/// The number of addresses that have to match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one (Exim `=`, `&`; all other dialects).
    #[default]
    Any,
    /// Every one (Exim `==`, `=&`).
    All,
    /// None (Exim `!=`, `!&`).
    NotAny,
    /// At least one does not (Exim `!==`, `!=&`).
    NotAll,
}
