//! The TLS of the HTTP face: read at the start, and again when its files change.

use std::time::Duration;

use dnsbl_daemon::{Tls, TlsError};
use tokio::{task::spawn_blocking, time::interval};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Uses other files as soon as they can be used together, as what renews certificates need not tell anybody. Who writes
/// the certificate first and the key then is waited for.
pub(crate) async fn follow(tls: Tls, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    let mut told: Option<String> = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = tls.clone();
        // A panic there has been told.
        let Ok(looked) = spawn_blocking(move || look(&now)).await else { continue };
        match looked {
            Ok(is_new) => {
                told = None;
                if is_new {
                    tracing::info!("http.tls has other files, which new connections see");
                }
            }
            Err(err) => {
                let err = err.to_string();
                if told.as_ref() != Some(&err) {
                    tracing::warn!(%err, "the files of http.tls can't be used; the certificate stays as it is");
                    told = Some(err);
                }
            }
        }
    }
}

fn look(tls: &Tls) -> Result<bool, TlsError> {
    let read = tls.files().read()?;
    Ok(!tls.is_like(&read) && tls.replace(read))
}
