//! What `make` calls before it builds: which packages are fetched, and what is said first.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use dnsbl_tests::{Finished, Process, target_dir};
use tempfile::TempDir;

/// apt-get reads all package lists of the machine's sources, several times.
const PLAN: Duration = Duration::from_secs(120);

/// What a machine has installed that stands in the way of its own way of resolving dependencies: programs
/// that depend on ours, and mail servers, of which Debian allows one.
const INSTALLED: &str = "\
Package: dnsutils
Status: install ok installed
Version: 1:9.18.0-1
Architecture: all
Depends: bind9-dnsutils (= 1:9.18.0-1)

Package: bind9-dnsutils
Status: install ok installed
Version: 1:9.18.0-1
Architecture: amd64
Depends: bind9-libs (= 1:9.18.0-1)

Package: bind9-libs
Status: install ok installed
Version: 1:9.18.0-1
Architecture: amd64

Package: unbound-anchor
Status: install ok installed
Version: 1.17.0-1
Architecture: amd64
Depends: unbound (= 1.17.0-1)

Package: unbound
Status: install ok installed
Version: 1.17.0-1
Architecture: amd64

Package: postfix-sqlite
Status: install ok installed
Version: 3.7.0-1
Architecture: amd64
Depends: postfix (= 3.7.0-1)

Package: postfix
Status: install ok installed
Version: 3.7.0-1
Architecture: amd64
Conflicts: mail-transport-agent
Provides: mail-transport-agent
";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The packages that would be fetched on a machine on which dpkg knows these.
fn plan(status: &str) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("status");
    fs::write(&file, status).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c"])
        .arg("mount --bind \"$1\" /var/lib/dpkg/status && exec scripts/fetch-tools --plan")
        .arg("plan")
        .arg(file)
        .env("CARGO_TARGET_DIR", target_dir())
        .current_dir(repository());
    let finished = Process::start(&mut command).unwrap().wait(PLAN).unwrap();
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    finished.stdout.lines().map(str::to_owned).collect()
}

/// It ended with "Unmet dependencies" where `dnsutils` was installed.
#[test]
fn the_packages_fetched_are_the_same_whatever_the_machine_has_installed() {
    let bare = plan("");
    for wanted in ["bind9-dnsutils", "unbound", "rspamd", "postfix", "exim4-daemon-light"] {
        assert!(bare.iter().any(|name| name == wanted), "{wanted} is not among {bare:?}");
    }
    assert!(!bare.iter().any(|name| name == "libc6"), "programs run with the machine's C library");
    assert_eq!(plan(INSTALLED), bare);
}

fn preflight(task: &str, target: &Path, path: &str) -> Finished {
    let mut command = Command::new("bash");
    command
        .args(["scripts/preflight", task])
        .env("CARGO_TARGET_DIR", target)
        .env("PATH", path)
        .current_dir(repository());
    Process::run(&mut command).unwrap()
}

#[test]
fn what_the_tests_need_is_said_before_anything_is_built() {
    let empty = TempDir::new().unwrap();
    let said = preflight("test", &empty.path().join("target"), &std::env::var("PATH").unwrap());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for wanted in ["minutes", "GB of disk", "root", "user namespace"] {
        assert!(said.stdout.contains(wanted), "{wanted:?} is not in {}", said.stdout);
    }
    assert!(!empty.path().join("target").exists(), "nothing is made yet");
}

#[test]
fn a_machine_without_rust_is_told_where_to_get_it() {
    let empty = TempDir::new().unwrap();
    let said = preflight("run", empty.path(), "/usr/bin:/bin");
    let has_cargo = ["/usr/bin/cargo", "/bin/cargo"].iter().any(|path| Path::new(path).exists());
    assert_eq!(said.code, Some(i32::from(!has_cargo)), "{}{}", said.stdout, said.stderr);
    assert!(has_cargo || said.stderr.contains("https://rustup.rs"), "{}", said.stderr);
}

/// A crate that was forgotten there would wrap in silence.
#[test]
fn integers_of_all_our_crates_are_checked_for_overflow() {
    let root = repository();
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = workspace.split("members = [").nth(1).unwrap().split("\n]").next().unwrap();
    for member in members.lines().filter_map(|line| line.split('"').nth(1)) {
        let manifest = fs::read_to_string(root.join(member).join("Cargo.toml")).unwrap();
        let name = manifest.split('"').nth(1).unwrap();
        let profile = format!("[profile.release.package.{name}]\noverflow-checks = true\n");
        // Benches measure others beside us.
        let is_checked = workspace.contains(&profile) || member.starts_with("bench");
        assert!(is_checked, "{name} is not in\n{profile}");
    }
    let over = std::panic::catch_unwind(|| std::hint::black_box(u8::MAX) + std::hint::black_box(1));
    assert!(over.is_err(), "this crate itself was built without");
}
