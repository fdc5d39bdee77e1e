//! What the service is told.

use crate::MailSettings;

/// The settings of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seconds for which a request is kept after it came, once it is decided.
    pub keep: u64,
    /// How mails are sent; `None`: none are.
    pub mail: Option<MailSettings>,
}

/// Half a year, and no mails.
impl Default for Settings {
    fn default() -> Self {
        Self { keep: 180 * 86_400, mail: None }
    }
}
