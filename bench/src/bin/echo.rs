//! A bare UDP echo: it turns each datagram into a "reply" by setting QR and sends it back, many at
//! a time. No server that reads and writes UDP sockets answers faster, so it is the limit that
//! servers are measured against.

use std::{io, net::SocketAddr, thread};

use anyhow::{Context, Result};
use clap::Parser;
use socket2::{Domain, Protocol, Socket, Type};

#[path = "../batch.rs"]
mod batch;

/// As the DNS server's: what the kernel may hold for each socket, in bytes.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Echoes DNS messages with QR set.
#[derive(Parser)]
struct Options {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// How many threads, each with a socket of its own.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let sockets: Vec<Socket> = (0..options.threads)
        .map(|_| bind(options.listen))
        .collect::<io::Result<_>>()
        .with_context(|| format!("listening on {}", options.listen))?;
    eprintln!("ready dns={}", options.listen);
    let workers: Vec<_> =
        sockets.into_iter().map(|socket| thread::spawn(move || batch::echo(&socket))).collect();
    for worker in workers {
        match worker.join() {
            Ok(ended) => ended.context("receiving or sending")?,
            Err(_) => anyhow::bail!("a worker panicked"),
        }
    }
    Ok(())
}

fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}
