//! Where mail servers connect: what the configuration names, or what systemd has bound.

use std::io;

use dnsbl_daemon::{Access, Listen, ListenError, Listener};
use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

/// The sockets that systemd bound for us (sd_listen_fds(3)), or else those of the configuration.
pub(super) async fn bind(
    from: &mut ListenFd,
    listen: &[Listen],
    access: Access,
) -> Result<Vec<Listener>, BindError> {
    if from.len() > 0 {
        return (0..from.len()).map(|at| inherit(from, at).map_err(BindError::Inherited)).collect();
    }
    Ok(bind_all(listen, access).await?)
}

/// The sockets of a configuration.
pub(super) async fn bind_all(
    listen: &[Listen],
    access: Access,
) -> Result<Vec<Listener>, ListenError> {
    let mut listeners = Vec::new();
    for at in listen {
        listeners.push(at.bind(access).await?);
    }
    Ok(listeners)
}

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
pub(super) enum BindError {
    #[error("listen: {0}")]
    Listen(#[from] ListenError),
    #[error("a socket from systemd: {0}")]
    Inherited(io::Error),
}

fn inherit(from: &mut ListenFd, at: usize) -> io::Result<Listener> {
    if let Ok(Some(listener)) = from.take_unix_listener(at) {
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener).map(Listener::from);
    }
    let listener = from.take_tcp_listener(at)?;
    let listener = listener.ok_or_else(|| io::Error::other("a descriptor was given twice"))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Listener::from)
}
