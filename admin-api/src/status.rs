//! What the API asks of the server around it.

use std::pin::Pin;

use dnsbl_types::UnixTime;

use crate::top::{Top, TopQuestion};

/// A reload under way.
pub type Reloading = Pin<Box<dyn Future<Output = Result<Reloaded, ReloadError>> + Send>>;

/// The state of the server around the API, and its metrics.
pub trait ServerStatus: Send + Sync + 'static {
    /// Whether the server does all that it is there for.
    fn readiness(&self) -> Readiness;
    /// All metrics as Prometheus text.
    fn metrics_text(&self) -> String;
    /// Counts an answered request.
    fn count_request(&self, route: &str, code: u16);
    /// Counts a request that was refused for what its sender did, by the token's name; empty without one.
    fn count_refusal(&self, _token: &str, _code: u16) {}
    /// Hears when it was kept which tokens were last used when.
    fn token_uses_kept(&self, _at: UnixTime) {}
    /// Who asks most.
    fn top(&self, _question: &TopQuestion) -> Top {
        Top::default()
    }
    /// Why no time span can be kept now, and for how many seconds, where the clock is in doubt.
    fn clock_doubt(&self) -> Option<(String, u64)> {
        None
    }
    /// Reads the configuration again for whoever is named, and puts in force what can be while the server runs.
    fn reload(&self, _by: &str) -> Reloading {
        Box::pin(std::future::ready(Err(ReloadError::Stopping)))
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Keys whose new values are in force.
    pub changed: Vec<String>,
    /// Keys of files that were read again.
    pub reread: Vec<String>,
    /// Keys whose new values need a restart.
    pub restart: Vec<String>,
}

/// Why a reload changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// The file, or one that it names, is bad.
    #[error("everything stays as it is: {0}")]
    Bad(String),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// Whether the server does all that it is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// It does.
    pub ready: bool,
    /// Why it does not, in words that may be shown to anybody.
    pub reason: Option<String>,
    /// What exactly failed.
    pub detail: Option<String>,
}
