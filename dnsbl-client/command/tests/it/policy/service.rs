//! A running policy service, and conversations with it.

use std::{fs, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStderr, Command},
    sync::watch,
    time::timeout,
};

/// How long anything may take that should take no time at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The program with a configuration of its own; it is killed when dropped.
pub(crate) struct Service {
    pub(crate) addr: SocketAddr,
    pub(crate) socketmap: Option<SocketAddr>,
    pub(crate) metrics: Option<SocketAddr>,
    /// Holds the configuration.
    _dir: TempDir,
    pub(crate) child: Child,
    log: Log,
}

/// What it writes to standard error, read all the time so that it never waits for the test.
struct Log {
    lines: watch::Receiver<Vec<String>>,
    /// How many lines were looked at.
    read: usize,
}

/// The attributes of a Postfix request beyond its kind.
pub(crate) fn request(attributes: &[(&str, &str)]) -> String {
    let lines: String =
        attributes.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    format!("request=smtpd_access_policy\nprotocol_state=RCPT\n{lines}\n")
}

impl Service {
    /// Starts it with these lines behind the listener and the resolver.
    pub(crate) async fn start(resolver: SocketAddr, config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let head = format!(
            "version = \"v1\"\nlisten = [\"127.0.0.1:0\"]\nresolvers = [\"{resolver}\"]\nlog = \"debug\"\n"
        );
        let file = Self::config_file(&dir);
        fs::write(&file, head + config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
        command.args(["policy", "--config"]).arg(file);
        Self::spawn(command, dir).await
    }

    pub(crate) async fn spawn(mut command: Command, dir: TempDir) -> Self {
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut log = Log::of(child.stderr.take().unwrap());
        let ready = log.find(&["ready listen="]).await;
        log.read = 0;
        let (_, ready) = ready.split_once("ready listen=").unwrap();
        let word = |name: &str| {
            let value = ready.split(' ').find_map(|word| word.strip_prefix(name));
            value.and_then(|addr| addr.parse().ok())
        };
        // A Unix socket has a path instead.
        let addr = word("").unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self {
            addr,
            socketmap: word("socketmap="),
            metrics: word("metrics="),
            _dir: dir,
            child,
            log,
        }
    }

    pub(crate) fn config_file(dir: &TempDir) -> PathBuf {
        dir.path().join("policy.toml")
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Waits until its log has another line with all these words; gives the line.
    pub(crate) async fn logs(&mut self, words: &[&str]) -> String {
        self.log.find(words).await
    }

    /// Waits until a list counts.
    pub(crate) async fn up(&mut self, zone: &str) {
        self.logs(&["health of a list", zone, "to=\"up\""]).await;
    }

    /// The action for one request over a connection of its own.
    pub(crate) async fn ask(&self, attributes: &[(&str, &str)]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request(attributes).as_bytes()).await.unwrap();
        reply(&mut stream).await.unwrap()
    }

    /// The action for a client by its address.
    pub(crate) async fn ask_about(&self, client: &str) -> String {
        self.ask(&[("client_address", client)]).await
    }

    /// The answer to Exim's line, which ends with the connection.
    pub(crate) async fn ask_line(&self, line: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(line.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

impl Log {
    fn of(stderr: ChildStderr) -> Self {
        let (sender, lines) = watch::channel(Vec::new());
        tokio::spawn(async move {
            let mut stderr = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = stderr.next_line().await {
                sender.send_modify(|lines| lines.push(line));
            }
        });
        Self { lines, read: 0 }
    }

    async fn find(&mut self, words: &[&str]) -> String {
        let is_it = |line: &String| words.iter().all(|word| line.contains(word));
        let read = self.read;
        let found = self.lines.wait_for(|lines| lines[read..].iter().any(is_it));
        if let Ok(Ok(lines)) = timeout(PATIENCE, found).await {
            let at = read + lines[read..].iter().position(is_it).unwrap();
            self.read = at + 1;
            return lines[at].clone();
        }
        panic!("it did not say {words:?} but {:#?}", *self.lines.borrow())
    }
}

/// The next action on a connection; `None` if it was closed.
pub(crate) async fn reply(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        let byte = timeout(PATIENCE, stream.read_u8())
            .await
            .unwrap_or_else(|_| panic!("no end: {text:?}"));
        text.push(byte.ok()?.into());
    }
    let action = text.strip_prefix("action=").unwrap_or_else(|| panic!("{text:?}"));
    Some(action.trim_end_matches('\n').to_owned())
}
