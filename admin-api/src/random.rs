//! Random bytes, of which secrets are made.

use crate::error::Problem;

/// So many random bytes.
///
/// # Errors
/// The system gives none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|err| {
        tracing::error!(%err, "the system gives no random bytes");
        Problem::internal()
    })?;
    Ok(bytes)
}
