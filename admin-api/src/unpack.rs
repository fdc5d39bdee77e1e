//! Small bodies without their content coding, never larger than allowed.

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::error::Problem;

/// The octets of a body that is held in memory, at most so many.
pub(crate) async fn unpack(
    body: Bytes,
    headers: &HeaderMap,
    most: usize,
) -> Result<Bytes, Problem> {
    let coding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str());
    let coding = coding.transpose().map_err(|_| unknown("it is not readable"))?;
    match coding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => read(GzipDecoder::new(&*body), most).await,
        "zstd" => read(ZstdDecoder::new(&*body), most).await,
        other => Err(unknown(&format!("{other:?} is none of gzip, zstd and identity"))),
    }
}

fn unknown(why: &str) -> Problem {
    Problem::unsupported(format!("Content-Encoding: {why}"))
}

async fn read(decoder: impl AsyncRead + Unpin, most: usize) -> Result<Bytes, Problem> {
    let mut octets = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = decoder.take(limit).read_to_end(&mut octets).await;
    read.map_err(|err| {
        Problem::malformed(format!("the body can't be decoded: {err}; nothing was changed"))
    })?;
    if octets.len() > most {
        return Err(Problem::too_large(format!("the decoded body is larger than {most} bytes")));
    }
    Ok(octets.into())
}
