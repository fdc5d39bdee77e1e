//! From an origin to bodies: unpacked, whole, and never larger or later than allowed.

mod error;
mod fetched;
mod fetcher;
mod file;
mod http;
mod limits;
mod spool;
#[cfg(test)]
mod tests;
mod unpack;

pub use error::FetchError;
pub(crate) use fetched::Fetched;
pub(crate) use fetcher::Fetcher;
pub use limits::FetchLimits;
