//! What both daemons owe the machine they run on: signals, logs, Unix sockets.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    process::{Command, Stdio},
};

use dnsbl_tests::{
    Admin, Answer, Finished, PATIENCE, Process, Query, TestServer, Transport, eventually, program,
};
use hickory_proto::rr::RecordType::A;
use serde_json::json;
use tempfile::TempDir;

/// Signals that mean nothing to us (29 is SIGIO), and would end a process that does not care.
const HARMLESS: [&str; 8] = ["USR1", "USR2", "ALRM", "PIPE", "VTALRM", "PROF", "29", "XFSZ"];

#[track_caller]
pub(crate) fn signal(pid: u32, name: &str) {
    let kill = format!("kill -{name} {pid}");
    let done = Process::run(Command::new("sh").args(["-c", &kill])).unwrap();
    assert_eq!(done.code, Some(0), "{kill}: {}", done.stderr);
}

/// The policy service.
struct Policy {
    process: Process,
    file: PathBuf,
    _dir: TempDir,
}

const POLICY: &str = "version = \"v1\"\nlisten = [\"127.0.0.1:0\"]\nresolvers = [\"127.0.0.1:9\"]\n\
                      [score]\nreject = 1\n[[zone]]\nname = \"bl.example.org\"\n";

impl Policy {
    #[track_caller]
    fn start(config: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("policy.toml");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(program("dnsbl"));
        let process = Process::start(command.args(["policy", "--config"]).arg(&file)).unwrap();
        process
            .wait_for_line(PATIENCE, |line| line.contains("ready listen=").then_some(()))
            .unwrap();
        Self { process, file, _dir: dir }
    }

    fn stderr(&self) -> String {
        self.process.stderr()
    }

    #[track_caller]
    fn says(&self, words: &str) {
        self.process.wait_for_line(PATIENCE, |line| line.contains(words).then_some(())).unwrap();
    }
}

#[track_caller]
pub(crate) fn server_says(server: &TestServer, words: &str) {
    eventually(PATIENCE, || match server.stderr() {
        said if said.contains(words) => Ok(()),
        said => Err(said),
    });
}

fn with_filter(server: &TestServer, filter: &str) {
    let text = fs::read_to_string(server.config_file()).unwrap();
    let text = text.split("[log]").next().unwrap().trim_end().to_owned();
    fs::write(server.config_file(), format!("{text}\n[log]\nfilter = \"{filter}\"\n")).unwrap();
}

/// Field case 54; durability, F7; newcomer A7.
#[test]
fn hang_up_changes_the_log_filter_and_ends_nothing() {
    let mut server = TestServer::start();
    server.admin().get("/v1/zones").expect(200);
    assert!(!server.stderr().contains("DEBUG"), "{}", server.stderr());
    with_filter(&server, "info,admin_api=debug");
    signal(server.id(), "HUP");
    server_says(&server, "log.filter is \"info,admin_api=debug\" now");
    server.admin().get("/v1/zones").expect(200);
    server_says(&server, "DEBUG");
    // One that means nothing changes nothing.
    with_filter(&server, "loud");
    signal(server.id(), "HUP");
    server_says(&server, "everything stays as it is");
    server.admin().get("/v1/zones").expect(200);
    server.stop();
}

#[test]
fn hang_up_says_what_needs_a_restart() {
    let server = TestServer::start();
    let text = fs::read_to_string(server.config_file()).unwrap();
    fs::write(server.config_file(), text.replace("[dns]", "[dns]\ntcp-idle-timeout = 7")).unwrap();
    signal(server.id(), "HUP");
    server_says(&server, "dns.tcp-idle-timeout changed too, which a restart brings");
    signal(server.id(), "HUP");
    server.admin().get("/readyz").expect(200);
}

/// Field case 54; durability, F7.
#[test]
fn signals_that_mean_nothing_do_no_harm() {
    let mut server = TestServer::start();
    let policy = Policy::start(POLICY);
    for name in HARMLESS {
        signal(server.id(), name);
        signal(policy.process.id(), name);
    }
    server.admin().get("/readyz").expect(200);
    server.stop();
    let ended = policy.process.terminate(PATIENCE).unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// Durability, F7.
#[test]
fn hang_up_changes_the_log_filter_of_the_policy_service() {
    let policy = Policy::start(POLICY);
    fs::write(&policy.file, POLICY.replacen('\n', "\nlog = \"debug\"\n", 1)).unwrap();
    signal(policy.process.id(), "HUP");
    policy.says("log is \"debug\" now");
    fs::write(&policy.file, POLICY.replacen('\n', "\nlog = \"warning\"\n", 1)).unwrap();
    signal(policy.process.id(), "HUP");
    policy.says("everything stays as it is");
    let ended = policy.process.terminate(PATIENCE).unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// Newcomer A7: they passed, and silenced everything, errors too.
#[test]
fn log_filters_that_mean_nothing_are_refused_by_both_programs() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("test.toml");
    let run = |name: &str, command: &str| -> Finished {
        let mut command_line = Command::new(program(name));
        Process::run(command_line.args([command, "--config"]).arg(&file)).unwrap()
    };
    for filter in ["warning", "loud", "infoo,x=y=z", "info,dnsbl-server=debug", "info,"] {
        let text = format!("version = \"v1\"\ndata-dir = \"x\"\n[log]\nfilter = \"{filter}\"\n");
        fs::write(&file, text).unwrap();
        for command in ["check-config", "run"] {
            refuses(&run("dnsbl-server", command), "line 4: log.filter");
        }
        fs::write(&file, POLICY.replacen('\n', &format!("\nlog = \"{filter}\"\n"), 1)).unwrap();
        for command in ["check-config", "policy"] {
            refuses(&run("dnsbl", command), "line 2: log");
        }
    }
}

#[track_caller]
fn refuses(done: &Finished, at: &str) {
    assert_ne!(done.code, Some(0));
    for words in [at, "error, warn, info, debug, trace"] {
        assert!(done.stderr.contains(words), "{}", done.stderr);
    }
}

/// Newcomer A7 and 0.
#[test]
fn a_json_log_is_json_to_the_last_line_and_tells_of_start_and_stop() {
    let mut server = TestServer::with_tables("[log]\nformat = \"json\"\n");
    server.ip_zone(json!({})).list("192.0.2.1");
    server.stop();
    server.start_again();
    let said = eventually(PATIENCE, || match server.stderr() {
        said if said.contains("ready dns=") => Ok(said),
        said => Err(said),
    });
    let lines = said.lines().map(|line| {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"))
    });
    let lines: Vec<_> = lines.collect();
    let serving = lines.iter().find(|line| line["fields"]["message"] == "serving").unwrap();
    let fields = &serving["fields"];
    assert_eq!((&fields["zones"], &fields["listings"]), (&json!(1), &json!(1)), "{serving}");
    assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"));
    assert!(fields["ms"].is_u64(), "{serving}");
}

#[test]
fn both_programs_say_that_they_stop() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("test.toml");
    let text = format!(
        "version = \"v1\"\ndata-dir = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n",
        dir.path().join("data").display()
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    let server = Process::start(command.args(["run", "--config"]).arg(&file)).unwrap();
    server.wait_for_line(PATIENCE * 6, |line| line.contains("ready dns=").then_some(())).unwrap();
    let policy = Policy::start(POLICY);
    assert!(policy.stderr().contains("serving"), "{}", policy.stderr());
    for process in [server, policy.process] {
        let ended = process.terminate(PATIENCE * 2).unwrap();
        assert!(ended.stderr.contains("stopped"), "{}", ended.stderr);
    }
}

/// Durability, F5: every write was made, and its answer lost.
#[test]
fn a_log_that_nobody_reads_costs_no_answer() {
    let dir = TempDir::new().unwrap();
    let (file, data) = (dir.path().join("test.toml"), dir.path().join("data"));
    let text = format!(
        "version = \"v1\"\ndata-dir = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n\
         [log]\nfilter = \"trace\"\n",
        data.display()
    );
    fs::write(&file, text).unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    command.args(["run", "--config"]).arg(&file).stderr(Stdio::piped()).stdin(Stdio::null());
    let mut child = Killed(command.spawn().unwrap());
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let (dns, http): (SocketAddr, SocketAddr) = lines
        .find_map(|line| {
            let line = line.unwrap();
            let (dns, http) = line.split_once("ready dns=")?.1.split_once(" http=")?;
            Some((dns.parse().unwrap(), http.trim().parse().unwrap()))
        })
        .unwrap();
    // Whoever read the log is gone.
    drop(lines);
    let token = fs::read_to_string(data.join("admin.token")).unwrap();
    let admin = Admin::new(http, token.trim());
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."]});
    admin.put("/v1/zones/bl.example.org", &zone).expect(201);
    for last in 1..=20 {
        let path = format!("/v1/zones/bl.example.org/listings/192.0.2.{last}");
        admin.put(&path, &json!({})).expect(201);
    }
    for transport in Transport::BOTH {
        let reply = Query::new("20.2.0.192.bl.example.org", A).ask(dns, transport);
        assert_eq!(Answer::of(&reply), Answer::listed());
    }
    admin.get("/readyz").expect(200);
    signal(child.0.id(), "TERM");
    assert!(child.0.wait().unwrap().success());
}

/// A child that does not outlive its test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn unix_config(dir: &TempDir, keys: &str) -> PathBuf {
    let file = dir.path().join("unix.toml");
    let text = format!(
        "version = \"v1\"\ndata-dir = \"{0}/data\"\n[dns]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"unix:{0}/api.sock\"\n{keys}",
        dir.path().display()
    );
    fs::write(&file, text).unwrap();
    file
}

/// Security review, L2; newcomer A7.
#[test]
fn the_apis_unix_socket_has_the_mode_and_group_of_the_configuration() {
    for (keys, mode) in
        [("", 0o660), ("socket-mode = \"0600\"\n", 0o600), ("socket-mode = \"0666\"\n", 0o666)]
    {
        let dir = TempDir::new().unwrap();
        let file = unix_config(&dir, keys);
        let mut command = Command::new("sh");
        command.args(["-c", "umask 0; exec \"$@\"", "umask"]);
        command.arg(program("dnsbl-server")).args(["run", "--config"]).arg(&file);
        let server = Process::start(&mut command).unwrap();
        let ready = |line: &str| line.contains("ready dns=").then_some(());
        server.wait_for_line(PATIENCE * 6, ready).unwrap();
        let socket = dir.path().join("api.sock");
        let is = fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
        assert_eq!(is, mode, "{keys}: {is:o}");
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.contains("200 OK"), "{said}");
    }
}

/// Security review, L1: the file became a socket.
#[test]
fn a_file_where_the_unix_socket_should_be_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let file = unix_config(&dir, "");
    let notes = dir.path().join("api.sock");
    fs::write(&notes, "keep me").unwrap();
    let mut command = Command::new(program("dnsbl-server"));
    let done = Process::run(command.args(["run", "--config"]).arg(&file)).unwrap();
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("is no socket"), "{}", done.stderr);
    assert_eq!(fs::read_to_string(&notes).unwrap(), "keep me");
}

/// Security review, Info.
#[test]
fn doors_that_stand_open_are_told_at_the_start() {
    let mut server = TestServer::start();
    assert!(!server.stderr().contains("chmod"), "{}", server.stderr());
    server.stop();
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(server.data_dir(), mode(0o777)).unwrap();
    fs::set_permissions(server.data_dir().join("admin.token"), mode(0o644)).unwrap();
    server.start_again();
    server_says(&server, "others may write into the data folder");
    server_says(&server, "others may read this secret");
}
