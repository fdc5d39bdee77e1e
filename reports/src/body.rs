//! Reports in the forms of others: ARF (RFC 5965) and XARF 4.

mod arf;
mod beside;
mod mime;
mod xarf;

pub use arf::read as read_arf;
pub use beside::{Beside, BodyError};
pub use xarf::{is_xarf, read as read_xarf};
