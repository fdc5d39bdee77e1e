//! Bodies as they come in: into a file without a name, which is gone whatever happens.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{
    error::FetchError,
    limits::{FetchLimits, MAX_RATIO},
};

/// Unpacked bytes of which it is not asked how they were packed.
const FREE: u64 = 16 << 20;
/// Bytes that are written at once.
const PIECE: usize = 256 << 10;

/// A body that is in whole.
pub(super) struct Spooled {
    pub(super) file: File,
    pub(super) bytes: u64,
}

/// Reads all of an unpacked body into a file of `folder`; each piece goes to `digest`, too. `packed` counts what was read
/// for it, `held` what other bodies of the same feed take.
pub(super) async fn spool(
    mut body: impl AsyncRead + Unpin,
    packed: &AtomicU64,
    held: u64,
    digest: &mut blake3::Hasher,
    folder: &Path,
    limits: &FetchLimits,
) -> Result<Spooled, FetchError> {
    let mut file = tempfile::tempfile_in(folder).map_err(FetchError::Spool)?;
    let mut bytes = 0;
    let mut piece = BytesMut::with_capacity(PIECE);
    loop {
        piece.clear();
        while piece.len() < PIECE / 2 {
            let read = tokio::time::timeout(limits.read, body.read_buf(&mut piece)).await;
            let late = |_| FetchError::TooSlow { what: "the next byte", limit: limits.read };
            let count = read.map_err(late)?.map_err(|err| FetchError::broken(&err))?;
            if count == 0 {
                break;
            }
            bytes += count as u64;
            check(held + bytes, packed.load(Ordering::Relaxed), limits)?;
        }
        if piece.is_empty() {
            break;
        }
        digest.update(&piece);
        let written = tokio::task::spawn_blocking(move || {
            let written = file.write_all(&piece);
            (file, piece, written)
        });
        let written = written.await.map_err(|err| FetchError::Spool(io::Error::other(err)))?;
        written.2.map_err(FetchError::Spool)?;
        (file, piece) = (written.0, written.1);
    }
    file.rewind().map_err(FetchError::Spool)?;
    Ok(Spooled { file, bytes })
}

/// Refuses more than is taken.
fn check(unpacked: u64, packed: u64, limits: &FetchLimits) -> Result<(), FetchError> {
    if packed > limits.packed {
        return Err(FetchError::TooLarge { what: "it", limit: limits.packed });
    }
    if unpacked > limits.unpacked {
        return Err(FetchError::TooLarge { what: "what is unpacked", limit: limits.unpacked });
    }
    match unpacked > FREE && unpacked / MAX_RATIO > packed {
        true => Err(FetchError::Inflated),
        false => Ok(()),
    }
}
