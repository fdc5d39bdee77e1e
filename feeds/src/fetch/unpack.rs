//! Unpacking, once: by what the server says, else by the first bytes.

use std::{io::Cursor, pin::Pin};

use async_compression::{
    tokio::bufread::{GzipDecoder, ZstdDecoder},
    zstd::DParameter,
};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt as _};

use super::error::FetchError;

/// The largest window of zstd, as a power of two: the 8 MiB that RFC 8878 section 3.1.1.1.2 asks for.
const MAX_WINDOW_LOG: u32 = 23;

/// Bytes that tell how something is packed.
const MAGIC: u64 = 4;

pub(super) type Reader<'a> = Pin<Box<dyn AsyncRead + Send + 'a>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// That of a `Content-Encoding`; `None` where it says that there is none.
    pub(super) fn of_header(value: &str) -> Result<Option<Self>, FetchError> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(FetchError::Packed(
                "the server packs it with something else than gzip or zstd".into(),
            )),
        }
    }

    fn of_head(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    fn reader<'a>(self, raw: impl AsyncBufRead + Send + 'a) -> Reader<'a> {
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(raw);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Zstd => {
                let window = DParameter::window_log_max(MAX_WINDOW_LOG);
                let mut decoder = ZstdDecoder::with_params(raw, &[window]);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        }
    }
}

/// What is packed in `raw`, or `raw` itself.
pub(super) async fn unpacked<'a>(
    packing: Option<Packing>,
    mut raw: impl AsyncBufRead + Send + Unpin + 'a,
) -> std::io::Result<Reader<'a>> {
    if let Some(packing) = packing {
        return Ok(packing.reader(raw));
    }
    let mut head = Vec::new();
    (&mut raw).take(MAGIC).read_to_end(&mut head).await?;
    let packing = Packing::of_head(&head);
    let raw = Cursor::new(head).chain(raw);
    Ok(match packing {
        Some(packing) => packing.reader(raw),
        None => Box::pin(raw),
    })
}
