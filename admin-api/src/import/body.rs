//! The body of an import: decoded, never larger than allowed, never standing still for long.

use std::{
    fmt,
    io::{self, BufRead, Read},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_compression::{
    tokio::bufread::{GzipDecoder, ZstdDecoder},
    zstd::DParameter,
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use bytes::{Buf as _, BufMut as _, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
};
use tokio_util::io::StreamReader;

use crate::{error::Problem, limits::Limits};

/// How much is handed over at once, in bytes: as much as makes waking the other thread cheap.
const PIECE: usize = 128 << 10;

/// The largest window of zstd, as a power of two: the 8 MiB that RFC 8878 section 3.1.1.1.2 asks for.
const MAX_WINDOW_LOG: u32 = 23;

/// A decoded body may be so many times as large as what was sent; lists come to 150 at the very most.
const MAX_RATIO: u64 = 300;

/// Decoded bytes that it is not looked at.
const FREE: u64 = 16 << 20;

/// How many pieces may wait.
const AHEAD: usize = 8;

/// The body of an import as a thread reads it that may block.
///
/// The body comes in and is decoded on the runtime meanwhile, a few pieces ahead.
pub(crate) struct BodyReader {
    /// An empty piece is the end; pieces that stop without one broke off.
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
    ended: bool,
}

/// A limit that a body broke; travels inside an [`io::Error`].
#[derive(Debug)]
enum Fault {
    Stalled(Duration),
    TooLarge(u64),
    Inflated,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(limit) => write!(f, "no byte came for {} seconds", limit.as_secs()),
            Self::TooLarge(limit) => write!(f, "the decoded body is larger than {limit} bytes"),
            Self::Inflated => write!(
                f,
                "the body is more than {MAX_RATIO} times as large when it is decoded, which no list is"
            ),
        }
    }
}

impl std::error::Error for Fault {}

/// The decoded body; call this on the runtime, read it elsewhere.
pub(crate) fn decoded(
    body: Body,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<BodyReader, Problem> {
    let sent = Arc::new(AtomicU64::new(0));
    let raw = alive(body, limits.import_stall);
    let counted = sent.clone();
    let raw = raw.inspect(move |piece| {
        let len = piece.as_ref().map_or(0, Bytes::len);
        counted.fetch_add(len as u64, Ordering::Relaxed);
    });
    let raw = StreamReader::new(Box::pin(raw));
    let decoded: Pin<Box<dyn AsyncRead + Send>> = match encoding(headers)?.as_str() {
        "" | "identity" => Box::pin(raw),
        "gzip" | "x-gzip" => {
            let mut decoder = GzipDecoder::new(raw);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        "zstd" => {
            let window = DParameter::window_log_max(MAX_WINDOW_LOG);
            let mut decoder = ZstdDecoder::with_params(raw, &[window]);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        other => {
            return Err(Problem::unsupported(format!(
                "Content-Encoding {other:?} is none of gzip, zstd and identity"
            )));
        }
    };
    let (to, pieces) = mpsc::channel(AHEAD);
    let limited = LimitedBody { inner: decoded, limit: limits.import_bytes, read: 0, sent };
    tokio::spawn(hand_over(limited, to));
    Ok(BodyReader { pieces, piece: Bytes::new(), ended: false })
}

fn encoding(headers: &HeaderMap) -> Result<String, Problem> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let read: Result<Vec<&str>, _> = values.map(|value| value.to_str()).collect();
    let texts = read.map_err(|_| Problem::unsupported("Content-Encoding is not readable"))?;
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

/// Reads a body piece by piece until it ends, fails, or nobody wants it any more.
async fn hand_over(mut body: LimitedBody, to: mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let piece = tokio::select! {
            piece = body.piece() => piece,
            () = to.closed() => return,
        };
        let is_last = piece.as_ref().map_or(true, Bytes::is_empty);
        if to.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// Fails where more would be read than allowed.
struct LimitedBody {
    inner: Pin<Box<dyn AsyncRead + Send>>,
    limit: u64,
    read: u64,
    /// Bytes that came over the network.
    sent: Arc<AtomicU64>,
}

impl LimitedBody {
    /// The next piece; shorter at the end, and then empty.
    async fn piece(&mut self) -> io::Result<Bytes> {
        let mut piece = BytesMut::with_capacity(PIECE);
        while piece.len() < PIECE {
            let room = PIECE - piece.len();
            let count = self.inner.read_buf(&mut (&mut piece).limit(room)).await?;
            self.read += count as u64;
            if self.read > self.limit {
                return Err(io::Error::other(Fault::TooLarge(self.limit)));
            }
            if self.read > FREE && self.read / MAX_RATIO > self.sent.load(Ordering::Relaxed) {
                return Err(io::Error::other(Fault::Inflated));
            }
            if count == 0 {
                break;
            }
        }
        Ok(piece.freeze())
    }
}

impl BodyReader {
    fn wait(&mut self) -> io::Result<()> {
        let piece = self.pieces.blocking_recv();
        self.piece = piece.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
        self.ended = self.piece.is_empty();
        Ok(())
    }
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece.is_empty() && !self.ended {
            self.wait()?;
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, count: usize) {
        self.piece.advance(count);
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = Read::read(&mut self.fill_buf()?, buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// What to tell a client whose body can't be read.
pub(crate) fn problem(err: &io::Error) -> Problem {
    match err.get_ref().and_then(|err| err.downcast_ref::<Fault>()) {
        Some(fault @ Fault::Stalled(_)) => Problem::too_slow(fault),
        Some(fault @ (Fault::TooLarge(_) | Fault::Inflated)) => Problem::too_large(fault),
        // The words are those of zstd's own library.
        None if err.to_string().contains("too much memory") => Problem::too_large(
            "the zstd data need a window of more than 8 MiB: compress it without --long and --ultra",
        ),
        None => Problem::malformed(format!(
            "the body broke off or can't be decoded: {err}; nothing was changed"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&'static str]) -> io::Result<String> {
        let (to, from) = mpsc::channel(AHEAD);
        for &piece in pieces {
            to.try_send(Ok(Bytes::from_static(piece.as_bytes()))).unwrap();
        }
        drop(to);
        let mut text = String::new();
        BodyReader { pieces: from, piece: Bytes::new(), ended: false }.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn pieces_that_stop_without_an_end_are_no_whole_body() {
        assert_eq!(read(&["192.0.2.1\n19", "2.0.2.2", ""]).unwrap(), "192.0.2.1\n192.0.2.2");
        for broken in [&["192.0.2.1\n"] as &[_], &[]] {
            assert_eq!(read(broken).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[tokio::test]
    async fn what_is_larger_than_a_piece_arrives_whole_and_no_more_than_the_limit() {
        let body = "192.0.2.1\n".repeat(PIECE / 4);
        let read = async |limit: usize| {
            let limits = Limits { import_bytes: limit as u64, ..Limits::default() };
            let mut reader = decoded(Body::from(body.clone()), &HeaderMap::new(), &limits).unwrap();
            let read = move || io::read_to_string(&mut reader);
            tokio::task::spawn_blocking(read).await.unwrap()
        };
        assert_eq!(read(body.len()).await.unwrap(), body);
        let err = read(body.len() - 1).await.unwrap_err();
        assert!(err.to_string().contains("larger than"), "{err}");
    }
}
