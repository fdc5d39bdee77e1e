//! Webhooks: servers of others that are told of changes, in their order and at least once, each message signed as Standard
//! Webhooks 1.0 has it.
//!
//! ```text
//! service/runner.rs (one task a webhook) ─► the change log ─► changes.rs (a ChangeWriter: what its token may see)
//!        │ progress.rs (pure: what an attempt leaves, when the next is due)      └─► message.rs (pure: batches)
//!        ├─► delivery.rs (signed by secret.rs; destination.rs says where it may go)
//!        └─► record.rs (documents, and a bookmark beside the change log)
//! ```
//!
//! The position moves once a receiver has answered 2xx, so what was under way when the server ended is sent again.

mod changes;
mod delivery;
mod destination;
mod message;
mod progress;
mod record;
mod secret;
mod service;
mod webhook;

pub use changes::{ChangeWriter, Sight, SightError};
pub use destination::{Destinations, Host};
pub use message::BatchLimits;
pub use progress::{Failing, Patience, Pause, PauseReason, Progress};
pub use secret::{Secret, SecretError, Secrets};
pub use service::{Asked, Changed, Draft, Overlap, Settings, WebhookView, Webhooks, WebhooksError};
pub use webhook::{ChangeKind, Webhook, WebhookError, WebhookId, WebhookUrl};
