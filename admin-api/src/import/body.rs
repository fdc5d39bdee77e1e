//! The body of an import: decoded, never larger than allowed, never standing still for long.

use std::{
    fmt,
    io::{self, BufReader, Read},
    pin::Pin,
    time::Duration,
};

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::AsyncRead;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::{Limits, error::Problem};

/// What a thread that may block reads an import from.
pub(crate) type Reader = BufReader<Limited<SyncIoBridge<Pin<Box<dyn AsyncRead + Send>>>>>;

/// A limit that a body broke; travels inside an [`io::Error`].
#[derive(Debug)]
enum Fault {
    Stalled(Duration),
    TooLarge(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(limit) => write!(f, "no byte came for {} seconds", limit.as_secs()),
            Self::TooLarge(limit) => write!(f, "the decoded body is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for Fault {}

/// The decoded body; call this on the runtime, read it elsewhere.
pub(crate) fn decoded(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Reader, Problem> {
    let raw = StreamReader::new(Box::pin(alive(body, limits.import_stall)));
    let decoded: Pin<Box<dyn AsyncRead + Send>> = match encoding(headers)?.as_str() {
        "" | "identity" => Box::pin(raw),
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(raw);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        "zstd" => {
            let mut decoder = ZstdDecoder::new(raw);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        other => {
            return Err(Problem::unsupported(format!(
                "Content-Encoding {other:?} is none of gzip, zstd and identity"
            )));
        }
    };
    let limited =
        Limited { inner: SyncIoBridge::new(decoded), limit: limits.import_bytes, read: 0 };
    Ok(BufReader::with_capacity(128 << 10, limited))
}

fn encoding(headers: &HeaderMap) -> Result<String, Problem> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let texts: Result<Vec<&str>, _> = values.map(|value| value.to_str()).collect();
    let texts = texts.map_err(|_| Problem::unsupported("Content-Encoding is not readable"))?;
    Ok(texts.join(", ").trim().to_ascii_lowercase())
}

/// The body's pieces, and an error where the next takes too long.
fn alive(body: Body, stall: Duration) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(body.into_data_stream(), move |mut pieces| async move {
        let piece = match tokio::time::timeout(stall, pieces.next()).await {
            Ok(piece) => piece?.map_err(io::Error::other),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, Fault::Stalled(stall))),
        };
        Some((piece, pieces))
    })
}

/// Fails where more would be read than allowed.
pub(crate) struct Limited<R> {
    inner: R,
    limit: u64,
    read: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        if self.read > self.limit {
            return Err(io::Error::other(Fault::TooLarge(self.limit)));
        }
        Ok(count)
    }
}

/// What to tell a client whose body can't be read.
pub(crate) fn problem(err: &io::Error) -> Problem {
    match err.get_ref().and_then(|err| err.downcast_ref::<Fault>()) {
        Some(fault @ Fault::Stalled(_)) => Problem::too_slow(fault),
        Some(fault @ Fault::TooLarge(_)) => Problem::too_large(fault),
        None => Problem::malformed(format!(
            "the body broke off or can't be decoded: {err}; nothing was changed"
        )),
    }
}
