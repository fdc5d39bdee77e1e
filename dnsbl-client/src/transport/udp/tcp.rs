//! Questions whose answers do not fit a datagram (RFC 7766).

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::transport::message::{self, Query, Reply};

/// Asks over a connection of its own. A reply to another question is malformed.
pub(super) async fn ask(server: SocketAddr, query: &Query, id: u16) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let bytes = query.with_id(id);
    let mut framed = Vec::with_capacity(2 + bytes.len());
    framed.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    framed.extend_from_slice(&bytes);
    stream.write_all(&framed).await?;
    let len = stream.read_u16().await?;
    let mut reply = vec![0; len.into()];
    stream.read_exact(&mut reply).await?;
    let is_own = message::id(&reply) == Some(id);
    let reply = is_own.then(|| message::read(&reply, query.question())).flatten();
    Ok(reply.unwrap_or(Reply::Malformed))
}
