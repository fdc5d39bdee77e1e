//! A program that runs beside the test.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::PATIENCE;

/// A running program; what it prints is collected. It is killed when dropped.
pub struct Process {
    name: String,
    child: Child,
    stdout: Arc<Output>,
    stderr: Arc<Output>,
}

/// What a program did.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

/// One output of a program.
#[derive(Default)]
struct Output {
    state: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Default)]
struct Printed {
    text: String,
    ended: bool,
}

impl Process {
    /// Starts a program without standard input.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let stdout = Output::collect(child.stdout.take().context("no standard output")?);
        let stderr = Output::collect(child.stderr.take().context("no standard error")?);
        Ok(Self { name, child, stdout, stderr })
    }

    /// Runs a program to its end.
    pub fn run(command: &mut Command) -> Result<Finished> {
        Self::start(command)?.wait(PATIENCE)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has closed its standard error, as it does at its end.
    pub fn has_ended(&self) -> bool {
        self.stderr.lock().ended
    }

    /// What it has written to standard output.
    pub fn stdout(&self) -> String {
        self.stdout.lock().text.clone()
    }

    /// What it has written to standard error.
    pub fn stderr(&self) -> String {
        self.stderr.lock().text.clone()
    }

    /// Waits for a line of standard error of which `pick` makes something.
    pub fn wait_for_line<T>(&self, limit: Duration, pick: impl Fn(&str) -> Option<T>) -> Result<T> {
        let found = self.stderr.wait(limit, |printed| {
            let complete = printed.text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            match complete.lines().find_map(&pick) {
                None if printed.ended => Some(None),
                found => found.map(Some),
            }
        });
        match found {
            Some(Some(found)) => Ok(found),
            Some(None) => bail!("{} ended early; it said:\n{}", self.name, self.stderr()),
            None => {
                bail!("{} did not say so within {limit:?}; it said:\n{}", self.name, self.stderr())
            }
        }
    }

    /// Waits for its end.
    pub fn wait(mut self, limit: Duration) -> Result<Finished> {
        let ended = |printed: &Printed| printed.ended.then_some(());
        let all = self.stdout.wait(limit, ended).and(self.stderr.wait(limit, ended));
        if all.is_none() {
            bail!("{} runs on after {limit:?}; it said:\n{}", self.name, self.stderr());
        }
        let status = self.child.wait()?;
        Ok(Finished {
            code: status.code(),
            stdout: self.stdout.lock().text.clone(),
            stderr: self.stderr(),
        })
    }

    /// Tells it to end, with SIGTERM, and waits until it has.
    pub fn terminate(self, limit: Duration) -> Result<Finished> {
        let kill = format!("kill -TERM {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status()?;
        anyhow::ensure!(status.success(), "{kill}: {status}");
        self.wait(limit)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    /// Reads to the end in a thread of its own, so that the program never waits for the test.
    fn collect(from: impl Read + Send + 'static) -> Arc<Self> {
        let output = Arc::new(Self::default());
        let shared = output.clone();
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
                shared.lock().text.push_str(&String::from_utf8_lossy(&line));
                shared.changed.notify_all();
                line.clear();
            }
            shared.lock().ended = true;
            shared.changed.notify_all();
        });
        output
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `pick` makes something of what was printed.
    fn wait<T>(&self, limit: Duration, pick: impl Fn(&Printed) -> Option<T>) -> Option<T> {
        let waited =
            self.changed.wait_timeout_while(self.lock(), limit, |printed| pick(printed).is_none());
        let (printed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        pick(&printed)
    }
}
