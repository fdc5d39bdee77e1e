//! Listeners: TCP addresses and Unix sockets.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _, chown},
        net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    },
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustix::{fs::Mode, process::umask};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// How long accepting rests after an error such as too many open files.
const BACK_OFF: Duration = Duration::from_millis(50);
/// How often such errors are logged.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How long what was sent may stay unacknowledged, the kernel's part of a slow reader (tcp(7)).
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);
/// What the kernel takes of an answer before the peer has room for it, in bytes.
const UNSENT: u32 = 256 << 10;
/// Below this a port needs a privilege on Linux.
const UNPRIVILEGED: u16 = 1024;

/// An address of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// The mode and group of Unix sockets: who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// The group; `None`: that of the process.
    pub group: Option<u32>,
}

/// A mode or group that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// No permission bits.
    #[error("{0:?} is not a mode such as \"0660\", in octal and at most 0777")]
    Mode(String),
    /// No group of this machine.
    #[error("there is no group {0:?} in /etc/group; a number is taken as it is")]
    Group(String),
}

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system refuses.
    #[error("can't listen on {at}: {reason}{}", hint(.at, .reason))]
    Bind {
        /// The address.
        at: Listen,
        /// The reason.
        reason: io::Error,
    },
    /// Something else than a socket lies at the path.
    #[error("can't listen on unix:{}: what lies there is no socket, and is left alone", .0.display())]
    NotASocket(PathBuf),
    /// The group can't be given.
    #[error("can't give unix:{} to group {group}: {reason}; its user must be a member of it", .path.display())]
    Group {
        /// The socket.
        path: PathBuf,
        /// The group.
        group: u32,
        /// The reason.
        reason: io::Error,
    },
}

/// A bound listener.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// Connections that could not be accepted since that was last logged.
    failed: AtomicU64,
    logged: Mutex<Option<Instant>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection of either kind.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a socket in the file system.
    Unix(UnixStream),
}

impl Listen {
    /// Reads `ADDRESS:PORT` or `unix:/path`; paths are absolute.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => path.starts_with('/').then(|| Self::Unix(path.into())),
            None => text.parse().ok().map(Self::Tcp),
        }
    }

    /// Binds it. `access` is for Unix sockets.
    ///
    /// # Errors
    /// The address can't be listened on, or something else than a dead socket lies at the path.
    pub async fn bind(&self, access: Access) -> Result<Listener, ListenError> {
        let failed = |reason| ListenError::Bind { at: self.clone(), reason };
        match self {
            Self::Tcp(addr) => TcpListener::bind(addr).await.map(Listener::from).map_err(failed),
            Self::Unix(path) => {
                let listener = bind_unix(path, access)?;
                UnixListener::from_std(listener).map(Listener::from).map_err(failed)
            }
        }
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

impl Access {
    /// Reads the mode in octal and the name or number of the group.
    ///
    /// # Errors
    /// It is no mode, or there is no such group.
    pub fn parse(mode: &str, group: Option<&str>) -> Result<Self, AccessError> {
        let bits = u32::from_str_radix(mode, 8).ok().filter(|bits| *bits <= 0o777);
        let mode = bits.ok_or_else(|| AccessError::Mode(mode.into()))?;
        let group = group.map(|name| {
            let number = name.parse().ok();
            number.or_else(|| group_number(name)).ok_or_else(|| AccessError::Group(name.into()))
        });
        Ok(Self { mode, group: group.transpose()? })
    }
}

fn group_number(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

/// What to do about an address that can't be had.
pub(crate) fn hint(at: &Listen, reason: &io::Error) -> &'static str {
    match at {
        Listen::Tcp(addr) => privileged_hint(addr, reason),
        Listen::Unix(_) => "",
    }
}

/// What to do about a port that needs a privilege; empty where it is not that.
pub fn privileged_hint(addr: &SocketAddr, reason: &io::Error) -> &'static str {
    let is_refused = reason.kind() == io::ErrorKind::PermissionDenied;
    if is_refused && (1..UNPRIVILEGED).contains(&addr.port()) {
        "; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE, which a systemd unit \
         gives with AmbientCapabilities=CAP_NET_BIND_SERVICE"
    } else {
        ""
    }
}

fn bind_unix(path: &Path, access: Access) -> Result<StdUnixListener, ListenError> {
    let failed = |reason| ListenError::Bind { at: Listen::Unix(path.into()), reason };
    remove_stale(path)?;
    // Nobody else may connect before mode and group are set.
    let before = umask(Mode::from_raw_mode(0o177));
    let bound = StdUnixListener::bind(path);
    umask(before);
    let listener = bound.map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    if let Some(group) = access.group {
        chown(path, None, Some(group)).map_err(|reason| ListenError::Group {
            path: path.into(),
            group,
            reason,
        })?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(access.mode)).map_err(failed)?;
    Ok(listener)
}

/// Removes the socket that a killed process left; one that somebody answers on stays, like any other file.
fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
    if !meta.file_type().is_socket() {
        return Err(ListenError::NotASocket(path.into()));
    }
    let refused = |err: io::Error| err.kind() == io::ErrorKind::ConnectionRefused;
    if StdUnixStream::connect(path).is_err_and(refused) {
        let failed = |reason| ListenError::Bind { at: Listen::Unix(path.into()), reason };
        fs::remove_file(path).map_err(failed)?;
    }
    Ok(())
}

impl Listener {
    /// The next connection, and where it is from if it is over TCP. Where there is none to be had, as for
    /// want of descriptors, it is tried again.
    pub async fn accept(&self) -> (Stream, Option<SocketAddr>) {
        loop {
            match self.try_accept().await {
                Ok(accepted) => return accepted,
                Err(err) => {
                    self.complain(&err);
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "nothing tells when there are descriptors again"
                    )]
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    async fn try_accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                set_options(&stream);
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            Socket::Unix(listener) => Ok((Stream::Unix(listener.accept().await?.0), None)),
        }
    }

    fn complain(&self, err: &io::Error) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            *logged = Some(Instant::now());
            let failed = self.failed.swap(0, Ordering::Relaxed);
            tracing::warn!(%err, failed, listener = %self, "connections could not be accepted");
        }
    }

    /// Where it listens, if over TCP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    fn over(socket: Socket) -> Self {
        Self { socket, failed: AtomicU64::new(0), logged: Mutex::default() }
    }
}

/// Answers are small, and waiting to fill packets only delays them; what a peer does not take must not pile
/// up in the kernel, nor stay there when the connection is gone. That it goes without is no reason to refuse.
fn set_options(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::over(Socket::Tcp(listener))
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::over(Socket::Unix(listener))
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Socket::Tcp(listener) => match listener.local_addr() {
                Ok(addr) => addr.fmt(f),
                Err(_) => f.write_str("tcp"),
            },
            Socket::Unix(listener) => {
                let addr = listener.local_addr();
                let path = addr.ok().and_then(|addr| addr.as_pathname().map(Path::to_owned));
                write!(f, "unix:{}", path.unwrap_or_default().display())
            }
        }
    }
}

impl Stream {
    /// Writes what the kernel takes at once.
    ///
    /// # Errors
    /// It takes nothing, or the connection is gone.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Which of our addresses the peer connected to, if over TCP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io, os::unix::fs::PermissionsExt as _, os::unix::net::UnixListener};

    use tempfile::TempDir;

    use super::{Access, AccessError, Listen, ListenError, hint};

    const ACCESS: Access = Access { mode: 0o660, group: None };

    /// Security review, L1.
    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("notes.txt");
        fs::write(&path, "keep me").unwrap();
        let err = Listen::Unix(path.clone()).bind(ACCESS).await.unwrap_err();
        assert!(matches!(err, ListenError::NotASocket(_)), "{err}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "keep me");
    }

    #[tokio::test]
    async fn the_socket_of_a_dead_process_is_replaced_and_that_of_a_living_one_is_not() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("socket");
        let at = Listen::Unix(path.clone());
        let first = UnixListener::bind(&path).unwrap();
        assert!(matches!(at.bind(ACCESS).await, Err(ListenError::Bind { .. })));
        drop(first);
        at.bind(ACCESS).await.unwrap();
    }

    /// Security review, L2.
    #[tokio::test]
    async fn a_socket_has_the_mode_that_was_asked_for() {
        let dir = TempDir::new().unwrap();
        for mode in [0o600, 0o660, 0o666] {
            let path = dir.path().join(format!("{mode:o}"));
            let access = Access { mode, group: None };
            let _listener = Listen::Unix(path.clone()).bind(access).await.unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn modes_are_octal_and_groups_are_names_or_numbers() {
        assert_eq!(Access::parse("0660", None), Ok(ACCESS));
        assert_eq!(Access::parse("600", Some("root")), Ok(Access { mode: 0o600, group: Some(0) }));
        assert_eq!(Access::parse("600", Some("33")), Ok(Access { mode: 0o600, group: Some(33) }));
        for mode in ["", "rw", "0888", "1777", "-1"] {
            assert_eq!(Access::parse(mode, None), Err(AccessError::Mode(mode.into())));
        }
        let group = "no-such-group";
        assert_eq!(Access::parse("600", Some(group)), Err(AccessError::Group(group.into())));
    }

    #[test]
    fn a_port_that_needs_a_privilege_is_told_with_the_capability() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        let at = |text: &str| Listen::Tcp(text.parse().unwrap());
        assert!(hint(&at("127.0.0.1:53"), &refused).contains("CAP_NET_BIND_SERVICE"));
        assert_eq!(hint(&at("127.0.0.1:5300"), &refused), "");
        assert_eq!(hint(&at("127.0.0.1:53"), &io::Error::from(io::ErrorKind::AddrInUse)), "");
    }
}
