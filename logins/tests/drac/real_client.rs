//! Calls of a client that uses libtirpc, as DRAC's own does, from Debian's packages.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use dnsbl_tests::unpacked;
use tempfile::TempDir;

use super::*;

/// A program that was compiled from `rpc_client.c`.
struct RealClient {
    program: PathBuf,
    /// Where libtirpc and what it needs lie.
    libraries: String,
    _dir: TempDir,
}

// `clnt_stat`
const RPC_SUCCESS: &str = "0";
const RPC_PROGVERSMISMATCH: &str = "9";

impl RealClient {
    fn compile() -> Self {
        let dir = TempDir::new().unwrap();
        let program = dir.path().join("rpc_client");
        let root = unpacked();
        let folders = library_folders(&root);
        let mut cc = Command::new("cc");
        cc.arg("-o").arg(&program).arg("tests/drac/rpc_client.c");
        cc.arg("-I").arg(root.join("usr/include/tirpc"));
        for folder in &folders {
            cc.arg("-L").arg(folder);
        }
        // What libtirpc itself needs is looked for when it runs.
        cc.args(["-l:libtirpc.so.3", "-Wl,--allow-shlib-undefined"]);
        let output = cc.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("a C compiler");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { program, libraries: folders.join(":"), _dir: dir }
    }

    /// What the client says, with these arguments behind the port.
    async fn call(&self, server: SocketAddr, arguments: &[&str]) -> Vec<String> {
        let mut command = tokio::process::Command::new(&self.program);
        command.arg(server.port().to_string()).args(arguments);
        command.env("LD_LIBRARY_PATH", &self.libraries).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        assert!(output.status.success(), "{output:?}");
        let line = String::from_utf8(output.stdout).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    }
}

/// The folders of the libraries below `root`, for whatever machine they are.
fn library_folders(root: &Path) -> Vec<String> {
    let parents = [root.join("lib"), root.join("usr/lib")];
    let folders = parents.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten();
    let paths = folders.map(|folder| folder.unwrap().path());
    let libraries = paths.filter(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    libraries.map(|path| path.to_str().expect("UTF-8").to_owned()).collect()
}

#[tokio::test]
async fn a_client_of_libtirpc_adds_addresses_by_both_versions() {
    let (mut served, client) = (Served::start().await, RealClient::compile());
    for version in ["1", "2"] {
        assert_eq!(client.call(served.addr, &[version]).await[0], RPC_SUCCESS);
    }
    for (arguments, result) in [
        (["1", "192.0.2.1"], "0"),
        (["1", "255.255.255.254"], "0"),
        (["1", "224.0.0.1"], "1"),
        (["2", "2001:db8::80ff"], "0"),
        (["2", "ff7f:80::fffe"], "0"),
        (["2", "::ffff:192.0.2.2"], "0"),
    ] {
        let told = client.call(served.addr, &arguments).await;
        assert_eq!(told, [RPC_SUCCESS, result], "{arguments:?}");
    }
    assert_eq!(
        served.logins(),
        [
            "192.0.2.1",
            "255.255.255.254",
            "224.0.0.1",
            "2001:db8::80ff",
            "ff7f:80::fffe",
            "192.0.2.2"
        ]
    );
    served.end().await;
}

#[tokio::test]
async fn a_client_of_libtirpc_learns_which_versions_there_are() {
    let (served, client) = (Served::start().await, RealClient::compile());
    assert_eq!(client.call(served.addr, &["3"]).await, [RPC_PROGVERSMISMATCH, "1", "2"]);
    served.end().await;
}
