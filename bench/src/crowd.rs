//! Visitors who send a request so slowly that it never ends.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

use crate::background::{Background, Pace};

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Open files beside the visitors' connections.
const OTHER_FILES: u64 = 500;

/// Slow visitors, each from an address of its own in 127.0.0.0/8.
pub(crate) struct Crowd(Background<()>);

impl Crowd {
    /// Has so many connect.
    pub(crate) fn gather(server: SocketAddr, count: usize) -> Result<Self> {
        let wanted = count as u64 + OTHER_FILES;
        let allowed = dnsbl_daemon::descriptors::raise(wanted);
        ensure!(
            allowed >= wanted,
            "{wanted} open files are needed, {allowed} are allowed: ulimit -n"
        );
        let mut visitors: Vec<TcpStream> =
            (0..count).map(|number| connect(server, number)).collect::<Result<_>>()?;
        Ok(Self(Background::start(move |stop| {
            let mut pace = Pace::new(10.0);
            while !stop.is_set() {
                // A tenth of them at a time, so that nothing comes in waves.
                for tenth in 0..10 {
                    pace.wait();
                    for (number, visitor) in visitors.iter_mut().enumerate().skip(tenth).step_by(10)
                    {
                        // Who was sent away comes again.
                        if visitor.write_all(b"x").is_err() {
                            *visitor = connect(server, number)?;
                        }
                    }
                }
            }
            Ok(())
        })))
    }

    /// Has all go.
    pub(crate) fn leave(self) -> Result<()> {
        self.0.stop()
    }
}

fn connect(server: SocketAddr, number: usize) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let [.., high, low] = (number as u32).to_be_bytes();
    let own = SocketAddr::from((Ipv4Addr::new(127, 2, high, low), 0));
    socket.bind(&own.into()).with_context(|| format!("binding to {own}"))?;
    socket.connect_timeout(&server.into(), PATIENCE).context("a slow visitor connects")?;
    let mut visitor = TcpStream::from(socket);
    // The server may have sent it away already.
    let _ = visitor.write_all(b"GET /en/ HTTP/1.1\r\nX: ");
    Ok(visitor)
}
