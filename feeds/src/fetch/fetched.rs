//! What was found.

use crate::{content::Content, import::Body};

/// What was found at an origin.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// What was there before, as the server says.
    Same,
    /// Its bodies, and what they are known by.
    Bodies(Vec<Body>, Content),
}
