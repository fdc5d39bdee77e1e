//! A shell in which commands are typed one after the other.

use std::{
    fmt::Write as _, fs, io, os::unix::fs::symlink, path::Path, process::Command, time::Duration,
};

use dnsbl_tests::{Process, program, tool};
use tempfile::TempDir;

use super::block::{Block, ShellCommand};

/// How long all commands of a file may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// Commands that are not typed, and why.
const NOT_RUN: [(&str, &str); 4] = [
    ("make run", "CI runs it; here it would build while the build is tested"),
    ("make test", "it is what runs this test"),
    ("cargo build", "the programs that are tested come from it"),
    ("cargo doc", "`make lint` builds the documentation"),
];
/// Programs that go on until they are stopped, and what they say once they serve.
const SERVERS: [(&str, &str); 2] =
    [("dnsbl-server run", "ready dns="), ("dnsbl policy", "ready listen=")];
/// Commands that do not end with 0, and what their exit status says.
const OTHERWISE: [(&str, i32); 8] = [
    // It is listed.
    ("dnsblctl check 192.0.2.99", 1),
    ("dnsblctl check 127.0.0.2", 1),
    ("dnsblctl check 192.0.2.77", 1),
    ("dnsbl check 192.0.2.99", 1),
    ("dnsbl explain 192.0.2.99", 1),
    // Some of it is.
    ("printf '192.0.2.99\\n", 1),
    // Something answers otherwise than with rbldnsd.
    ("dnsbl-server check-rbldnsd", 1),
    // There is something to mend.
    ("dnsbl lint 'reject_rbl_client", 1),
];

/// What the shell knows: it stops at the first command that does not do what it should.
const PRELUDE: &str = r#"
set -u
ip link set lo up 2>/dev/null || { mount -t sysfs sysfs /sys && echo 9 >/sys/class/net/lo/flags; } || exit 1
fail() { echo "FAILED: $*" >&2; exit 1; }
# Runs a command that stays, in place of an earlier one of that program, until it says that it serves.
serve() {
  local place=$1 program=$2 ready=$3 command=$4 log i pid
  pid=$(cat "$HOME/$program.pid" 2>/dev/null) && kill "$pid" && wait "$pid"
  log=$HOME/$program.log
  : >"$log"
  eval "exec $command" >"$log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$HOME/$program.pid"
  for ((i = 0; i < 600; i++)); do
    ! grep -q "$ready" "$log" || return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  fail "$place: it does not serve"
}
"#;

pub(super) struct Session {
    dir: TempDir,
}

impl Session {
    /// A folder that looks like the repository after a build.
    #[track_caller]
    pub(super) fn new(root: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        let root = root.canonicalize().unwrap();
        for name in ["deploy", "docs", "examples", "scripts"] {
            symlink(root.join(name), dir.path().join(name)).unwrap();
        }
        for folder in ["tests", "target", "home"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        symlink(root.join("tests/fixtures"), dir.path().join("tests/fixtures")).unwrap();
        let programs = program("dnsbl").parent().unwrap().to_owned();
        symlink(programs, dir.path().join("target/release")).unwrap();
        Self { dir }
    }

    /// Types all commands of these blocks.
    #[track_caller]
    pub(super) fn run(self, blocks: &[Block]) {
        let commands: Vec<ShellCommand> = blocks.iter().flat_map(Block::commands).collect();
        let mut script = String::from(PRELUDE);
        for command in &commands {
            write(&mut script, command);
        }
        let path = self.dir.path();
        fs::write(path.join("script"), script).unwrap();
        let tools = tool("dig").parent().unwrap().to_owned();
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
        if !is_root().unwrap() {
            unshare.arg("--map-root-user");
        }
        let mut path_variable = path.join("target/release").into_os_string();
        path_variable.push(":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:");
        path_variable.push(tools);
        unshare
            .args(["bash", "script"])
            .current_dir(path)
            .env("HOME", path.join("home"))
            .env("PATH", path_variable)
            .env_remove("DNSBL_TOKEN_FILE")
            .env_remove("DNSBL_TOKEN");
        let done = Process::start(&mut unshare).and_then(|shell| shell.wait(LIMIT));
        let done = done.unwrap_or_else(|err| panic!("{err:#}"));
        assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
    }
}

/// Adds a command to the script, and what its exit status has to be.
fn write(script: &mut String, command: &ShellCommand) {
    let ShellCommand { place, text } = command;
    let is = |start: &&str| text.trim_start_matches("target/release/").starts_with(*start);
    if NOT_RUN.iter().any(|(start, _)| is(start)) {
        return;
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    if let Some((start, ready)) = SERVERS.iter().find(|(start, _)| is(start)) {
        let program = start.replace(' ', "-");
        let _ = writeln!(script, "serve {place} {program} {} {}", quoted(ready), quoted(text));
        return;
    }
    let status = OTHERWISE.iter().find(|(start, _)| is(start)).map_or(0, |(_, status)| *status);
    let _ = write!(
        script,
        "echo '$ '{} >&2\n{{\n{text}\n}} </dev/null\nstatus=$?\n\
         ((status == {status})) || fail {place}: exit status $status, and not {status}\n",
        quoted(text)
    );
}

fn is_root() -> io::Result<bool> {
    let id = Command::new("id").arg("-u").output()?;
    Ok(id.stdout.trim_ascii() == b"0")
}
