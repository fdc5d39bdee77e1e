//! What a reload of the configuration did.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a reload of the configuration did. Keys are written as `table.key`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Reload {
    /// Keys whose new values are in force.
    pub changed: Vec<String>,
    /// Keys of files that were read again: secrets always, certificates where they are others.
    pub reread: Vec<String>,
    /// Keys whose new values need a restart.
    pub restart: Vec<String>,
}
