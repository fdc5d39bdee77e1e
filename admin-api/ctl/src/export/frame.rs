//! How the end of an answer is told.

use anyhow::ensure;
use reqwest::{
    Response,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

/// Refuses an answer whose end nobody could tell from a lost connection.
pub(super) fn ensure_framed(response: &Response) -> anyhow::Result<()> {
    let frames = [CONTENT_LENGTH, TRANSFER_ENCODING];
    let is_framed = frames.iter().any(|name| response.headers().contains_key(name));
    ensure!(is_framed, "the answer has no length: it could not be told whether it is complete");
    Ok(())
}
