//! What surrounds a mail server: files of its own where the programs look for the machine's, and an
//! end for all its processes at once.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::{Process, eventually, mta::SmtpClient, tools::unpacked};

/// How long a mail server may take to start; on a busy machine Postfix takes many seconds.
const START: std::time::Duration = std::time::Duration::from_secs(60);

/// The users that Debian's packages make when they are installed.
const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\n\
                      Debian-exim:x:901:901::/:/bin/false\n\
                      postfix:x:902:902::/:/bin/false\n\
                      dovecot:x:904:904::/:/bin/false\n\
                      dovenull:x:905:905::/:/bin/false\n\
                      vmail:x:906:906::/:/bin/false\n\
                      nobody:x:65534:65534::/:/bin/false\n";
const GROUP: &str = "root:x:0:\nDebian-exim:x:901:\npostfix:x:902:\npostdrop:x:903:\ndovecot:x:904:\n\
                     dovenull:x:905:\nvmail:x:906:\nnogroup:x:65534:\n";

/// Run by `unshare` as process 1 of a new namespace. It stays, because its end is the end of all of
/// them; the program itself may become other users, and would then not be told of our death.
const ENTER: &str = r#"
set -e
cd "$1"
mount --bind "$2" tools
for file in passwd group hosts resolv.conf; do
  # Without one nobody reads it.
  test ! -e "/etc/$file" || mount --bind "$file" "/etc/$file"
done
shift 2
"$@" &
wait $!
"#;

/// A folder that a mail server sees as its machine. Deleted when dropped.
pub(super) struct Enclosure {
    dir: TempDir,
}

/// A server in its enclosure. All its processes are killed when dropped.
pub(super) struct Running {
    process: Process,
    enclosure: Enclosure,
}

impl Enclosure {
    /// For a server with this name and address. It asks `resolver` at port 53 for names, or, without
    /// one, a port of its own address where nobody answers.
    pub(super) fn new(host: Ipv4Addr, name: &str, resolver: Option<Ipv4Addr>) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let all_may_pass = fs::Permissions::from_mode(0o755);
        fs::set_permissions(dir.path(), all_may_pass).expect("the folder is ours");
        fs::create_dir(dir.path().join("tools")).expect("the folder is empty");
        let enclosure = Self { dir };
        enclosure.write("passwd", PASSWD);
        enclosure.write("group", GROUP);
        enclosure.write("hosts", &format!("127.0.0.1 localhost\n{host} {name}\n"));
        let resolver = resolver.unwrap_or(host);
        enclosure.write(
            "resolv.conf",
            &format!("nameserver {resolver}\noptions attempts:1 timeout:2\n"),
        );
        enclosure
    }

    /// A path inside.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that everybody may read.
    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the folder is writable");
    }

    /// Where the unpacked packages appear; unlike the target directory, every user may go there.
    pub(super) fn tools(&self) -> PathBuf {
        self.path("tools")
    }

    /// The folders of the unpacked libraries, as `LD_LIBRARY_PATH`.
    pub(super) fn libraries(&self) -> String {
        let (root, inside) = (unpacked(), self.tools());
        let below = |folder: &str| fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = ["usr/lib", "lib"]
            .into_iter()
            .flat_map(below)
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .filter_map(|path| Some(inside.join(path.strip_prefix(&root).ok()?)))
            .collect();
        folders.sort();
        let folders: Vec<_> = folders.iter().map(|path| path.display().to_string()).collect();
        folders.join(":")
    }

    /// Starts a shell script in it, as root, and waits until the server greets with SMTP at `addr`.
    #[track_caller]
    pub(super) fn run(self, script: &str, addr: SocketAddr) -> Running {
        self.run_until(script, || SmtpClient::connect(addr))
    }

    /// Starts a shell script in it, as root, and waits until `greeted` says that the server is there.
    #[track_caller]
    pub(super) fn run_until<T>(
        self,
        script: &str,
        mut greeted: impl FnMut() -> Result<T>,
    ) -> Running {
        let process = self.enter(script).unwrap_or_else(|why| panic!("{why:#}"));
        let running = Running { process, enclosure: self };
        eventually(START, || {
            assert!(!running.process.has_ended(), "it ended at once");
            greeted()
        });
        running
    }

    /// Starts a shell script in it, as root.
    pub(super) fn enter(&self, script: &str) -> Result<Process> {
        let me = Process::run(Command::new("id").arg("-u"))?;
        ensure!(
            me.stdout.trim() == "0",
            "mail servers change users and need root, or `unshare --map-root-user --map-auto` before the tests"
        );
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"])
            .args([self.dir.path(), &unpacked()])
            .args(["sh", "-c", script])
            .env("LD_LIBRARY_PATH", self.libraries());
        Process::start(&mut command)
    }
}

impl Running {
    /// A path inside.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.enclosure.path(name)
    }

    /// What it printed and wrote to its logs.
    pub(super) fn said(&self) -> String {
        let mut said = self.process.stdout() + &self.process.stderr();
        for file in fs::read_dir(self.enclosure.path("log")).into_iter().flatten().flatten() {
            said += &format!("--- {} ---\n", file.file_name().display());
            said += &fs::read_to_string(file.path()).unwrap_or_default();
        }
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("--- what the mail server said ---\n{}---", self.said());
        }
    }
}
