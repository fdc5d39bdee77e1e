//! One request and its response (RFC 9112).

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;

use crate::connector::Stream;

/// What this server calls itself.
pub const USER_AGENT: &str = concat!("dnsbl-server/", env!("CARGO_PKG_VERSION"));

/// Bytes of a response's head.
const MAX_HEAD: usize = 64 << 10;

/// A connection while a response is read from it; it ends when this goes.
pub struct Connection(tokio::task::JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a request over a connection of its own, and waits for the head of its response. The body can be read as long as
/// the connection is kept.
///
/// # Errors
/// The connection breaks off, or what comes is no response.
pub async fn exchange<B>(
    stream: Box<dyn Stream>,
    request: Request<B>,
) -> Result<(Response<Incoming>, Connection), hyper::Error>
where
    B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    // How it ends is told to whoever reads from it.
    let connection = Connection(tokio::spawn(async move { drop(connection.await) }));
    let response = sender.send_request(request).await?;
    Ok((response, connection))
}
