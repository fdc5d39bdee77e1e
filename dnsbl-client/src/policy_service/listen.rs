//! Where mail servers connect.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
};

use listenfd::ListenFd;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};

/// An address of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    #[error("can't listen on {0}: {1}")]
    Bind(Listen, io::Error),
    #[error("a socket from systemd: {0}")]
    Inherited(io::Error),
}

/// A bound socket.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection, of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listen {
    /// Reads `ADDRESS:PORT` or `unix:/path`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => path.starts_with('/').then(|| Self::Unix(path.into())),
            None => text.parse().ok().map(Self::Tcp),
        }
    }

    /// Binds it. Who may use a Unix socket is a matter of the folder it lies in.
    pub(super) async fn bind(&self) -> Result<Listener, ListenError> {
        let bound = match self {
            Self::Tcp(addr) => TcpListener::bind(addr).await.map(Listener::Tcp),
            Self::Unix(path) => bind_unix(path).map(Listener::Unix),
        };
        bound.map_err(|err| ListenError::Bind(self.clone(), err))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listener {
    /// The sockets that systemd bound for us (sd_listen_fds(3)), if it did.
    pub(super) fn inherited(from: &mut ListenFd) -> Result<Vec<Self>, ListenError> {
        (0..from.len()).map(|at| inherit(from, at).map_err(ListenError::Inherited)).collect()
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(addr) => addr.fmt(f),
                Err(_) => f.write_str("tcp"),
            },
            Self::Unix(listener) => {
                let addr = listener.local_addr();
                let path = addr.ok().and_then(|addr| addr.as_pathname().map(Path::to_owned));
                write!(f, "unix:{}", path.unwrap_or_default().display())
            }
        }
    }
}

fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// Removes the socket that a killed process left; one that somebody answers on stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    let refused = |err: io::Error| err.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && StdUnixStream::connect(path).is_err_and(refused) {
        fs::remove_file(path)?;
    }
    Ok(())
}

fn inherit(from: &mut ListenFd, at: usize) -> io::Result<Listener> {
    if let Ok(Some(listener)) = from.take_unix_listener(at) {
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener).map(Listener::Unix);
    }
    let listener = from.take_tcp_listener(at)?;
    let listener = listener.ok_or_else(|| io::Error::other("a descriptor was given twice"))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Listener::Tcp)
}
