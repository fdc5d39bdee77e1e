//! Registration with rpcbind, by the port mapper protocol version 2 (RFC 1833 section 3).

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::UdpSocket, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    call::{IPV4_VERSION, IPV6_VERSION, PROGRAM},
    rpc::{CallBody, Procedure, Reply},
    xdr::octets,
};

#[cfg(test)]
mod tests;

/// The number of the port mapper's program, and the version that is spoken.
const PORTMAPPER: u32 = 100_000;
const VERSION: u32 = 2;
/// `IPPROTO_UDP`
const UDP: u32 = 17;
/// The longest reply that is read, in octets; those that matter have 28.
const MAX_REPLY: usize = 1024;
/// How long a reply is waited for, and how often the call is made.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: u32 = 3;

/// A procedure of the port mapper that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// `PMAPPROC_SET`
    Set,
    /// `PMAPPROC_UNSET`
    Unset,
}

/// The reason why rpcbind does not know the port.
#[derive(Debug, thiserror::Error)]
enum RegistrationError {
    /// It can't be reached.
    #[error("{0}; is rpcbind running?")]
    Unreachable(#[from] io::Error),
    /// It is silent, or what it says is no answer.
    #[error("rpcbind did not answer; is it running?")]
    NoAnswer,
    /// It says no.
    #[error(
        "rpcbind refused version {0}; `rpcinfo -p` shows who has it, perhaps an rpc.dracd that still runs, \
         and `rpcinfo -d 900101 {0}` as root removes it"
    )]
    Refused(u32),
}

/// A way to ask an rpcbind.
struct Portmapper {
    socket: UdpSocket,
    /// The number of the last call. The socket is ours alone, so it is enough that they differ.
    xid: u32,
}

/// Has rpcbind name the port for both versions of DRAC until it is stopped. Where that fails the log says
/// what to do, and everything else goes on.
pub(super) async fn keep_registered(rpcbind: SocketAddr, port: u16, stop: &CancellationToken) {
    match register(rpcbind, port).await {
        Ok(()) => tracing::info!(%rpcbind, port, "rpcbind knows where DRAC is"),
        Err(err) => tracing::warn!(
            %err, %rpcbind, port,
            "rpcbind does not know where DRAC is, so that its clients do not find it"
        ),
    }
    stop.cancelled().await;
    // Also if it failed: one version may be there.
    if let Err(err) = unregister(rpcbind).await {
        tracing::debug!(%err, %rpcbind, "rpcbind may still know where DRAC was");
    }
}

/// Takes the place of what a process that was killed has left there.
async fn register(rpcbind: SocketAddr, port: u16) -> Result<(), RegistrationError> {
    let mut portmapper = Portmapper::connect(rpcbind).await?;
    for version in [IPV4_VERSION, IPV6_VERSION] {
        portmapper.change(Change::Unset, version, 0).await?;
        if !portmapper.change(Change::Set, version, port).await? {
            return Err(RegistrationError::Refused(version));
        }
    }
    Ok(())
}

async fn unregister(rpcbind: SocketAddr) -> Result<(), RegistrationError> {
    let mut portmapper = Portmapper::connect(rpcbind).await?;
    for version in [IPV4_VERSION, IPV6_VERSION] {
        portmapper.change(Change::Unset, version, 0).await?;
    }
    Ok(())
}

impl Portmapper {
    async fn connect(rpcbind: SocketAddr) -> io::Result<Self> {
        let local: SocketAddr = match rpcbind {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(local).await?;
        socket.connect(rpcbind).await?;
        Ok(Self { socket, xid: 0 })
    }

    /// Sets or unsets the port of a version of DRAC; whether rpcbind has done it. Unsetting what is not set is not done.
    async fn change(
        &mut self,
        change: Change,
        version: u32,
        port: u16,
    ) -> Result<bool, RegistrationError> {
        self.xid += 1;
        let call = write_change(self.xid, change, version, port);
        for _ in 0..TRIES {
            self.socket.send(&call).await?;
            if let Ok(reply) = timeout(PATIENCE, self.reply()).await {
                return match reply?.outcome {
                    Ok(Some(done)) => Ok(done != 0),
                    Ok(None) | Err(_) => Err(RegistrationError::NoAnswer),
                };
            }
        }
        Err(RegistrationError::NoAnswer)
    }

    /// The reply to the last call.
    async fn reply(&self) -> io::Result<Reply> {
        let mut buffer = [0; MAX_REPLY];
        loop {
            let len = self.socket.recv(&mut buffer).await?;
            match Reply::read(&buffer[..len]) {
                Some(reply) if reply.xid == self.xid => return Ok(reply),
                _ => {}
            }
        }
    }
}

/// The call, whose arguments are a `mapping`.
fn write_change(xid: u32, change: Change, version: u32, port: u16) -> Vec<u8> {
    let number = match change {
        Change::Set => 1,
        Change::Unset => 2,
    };
    let procedure = Procedure { program: PORTMAPPER, version: VERSION, number };
    let arguments = octets(&[PROGRAM, version, UDP, port.into()]);
    CallBody { procedure, arguments: &arguments }.write(xid)
}
