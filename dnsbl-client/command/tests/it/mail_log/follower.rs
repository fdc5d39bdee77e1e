//! A running `dnsbl logins` or `dnsbl report`, and the log that it follows.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::policy::{Log, PATIENCE};

/// A folder with a log, a token and the place, and who follows the log.
pub(crate) struct Follower {
    pub(crate) dir: TempDir,
    /// What `dnsbl` does.
    command: &'static str,
    server: String,
    /// Further words of the command line.
    words: &'static [&'static str],
    child: Child,
    pub(crate) stderr: Log,
}

pub(crate) fn append(file: &Path, lines: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(lines.as_ref()).unwrap();
}

impl Follower {
    /// Starts it; the log is there, and holds these lines already.
    pub(crate) async fn start(
        command: &'static str,
        server: &str,
        lines: &str,
        words: &'static [&'static str],
    ) -> Self {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("mail.log"), lines).unwrap();
        fs::write(dir.path().join("token"), "first-token\n").unwrap();
        let (child, stderr) = spawn(&dir, command, server, words).await;
        Self { dir, command, server: server.to_owned(), words, child, stderr }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("mail.log")
    }

    pub(crate) fn write(&self, lines: impl AsRef<[u8]>) {
        append(&self.log(), lines);
    }

    /// Sends SIGTERM.
    pub(crate) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(killed.success());
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap()
    }

    pub(crate) async fn stop(&mut self) {
        self.terminate().await;
        assert!(self.wait().await.success(), "{:#?}", self.stderr.lines());
    }

    /// Ends it at once, as if the power went.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again after it was stopped.
    pub(crate) async fn restart(&mut self) {
        (self.child, self.stderr) = spawn(&self.dir, self.command, &self.server, self.words).await;
    }
}

async fn spawn(dir: &TempDir, name: &str, server: &str, words: &[&str]) -> (Child, Log) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dnsbl"));
    command.args([name, "--log", "mail.log", "--token-file", "token", "--server", server]);
    command.args(words).current_dir(dir.path()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stderr = Log::of(child.stderr.take().unwrap());
    stderr.find(&[&format!("dnsbl {name}: ready log=mail.log")]).await;
    (child, stderr)
}
