//! The comparisons, one a module.

pub(crate) mod access;
pub(crate) mod answers;
pub(crate) mod api;
pub(crate) mod builds;
pub(crate) mod change;
pub(crate) mod churn;
pub(crate) mod import;
pub(crate) mod overview;
pub(crate) mod pages;
pub(crate) mod purge;
pub(crate) mod start;
pub(crate) mod writes;
