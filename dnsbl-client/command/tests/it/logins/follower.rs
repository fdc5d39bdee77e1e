//! A running `dnsbl logins`, and the log that it follows.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::policy::{Log, PATIENCE};

/// A folder with a log, a token and the place, and who follows the log.
pub(super) struct Follower {
    pub(super) dir: TempDir,
    server: String,
    /// Further words of the command line.
    words: &'static [&'static str],
    child: Child,
    pub(super) stderr: Log,
}

/// The line of a login that is of now.
pub(super) fn login(user: &str) -> String {
    login_at(user, Timestamp::now())
}

pub(super) fn login_at(user: &str, at: Timestamp) -> String {
    format!(
        "{at} mail dovecot[834]: imap-login: Login: user=<{user}>, method=PLAIN, rip=192.0.2.55, \
         lip=203.0.113.25, mpid=836, TLS, session=<QR0Dsmthp8bAAAI3>\n"
    )
}

pub(super) fn append(file: &Path, lines: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(lines.as_ref()).unwrap();
}

impl Follower {
    /// Starts it; the log is there, and holds these lines already.
    pub(super) async fn start(server: &str, lines: &str, words: &'static [&'static str]) -> Self {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("mail.log"), lines).unwrap();
        fs::write(dir.path().join("token"), "first-token\n").unwrap();
        let (child, stderr) = spawn(&dir, server, words).await;
        Self { dir, server: server.to_owned(), words, child, stderr }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.path().join("mail.log")
    }

    pub(super) fn write(&self, lines: impl AsRef<[u8]>) {
        append(&self.log(), lines);
    }

    /// Sends SIGTERM.
    pub(super) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(killed.success());
    }

    pub(super) async fn wait(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap()
    }

    pub(super) async fn stop(&mut self) {
        self.terminate().await;
        assert!(self.wait().await.success(), "{:#?}", self.stderr.lines());
    }

    /// Ends it at once, as if the power went.
    pub(super) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again after it was stopped.
    pub(super) async fn restart(&mut self) {
        (self.child, self.stderr) = spawn(&self.dir, &self.server, self.words).await;
    }
}

async fn spawn(dir: &TempDir, server: &str, words: &[&str]) -> (Child, Log) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
    command.args(["logins", "--log", "mail.log", "--token-file", "token", "--server", server]);
    command.args(words).current_dir(dir.path()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stderr = Log::of(child.stderr.take().unwrap());
    stderr.find(&["dnsbl logins: ready log=mail.log"]).await;
    (child, stderr)
}
