//! The documentation is true: what README.md and docs/ tell to type is typed, as it stands.
//!
//! The first word behind the fence of a block says what it is:
//!
//! - `sh`: commands, run one after the other in a network namespace of their own, in a folder that looks like this
//!   repository, with the built programs on the path. In docs/ the server of README's first minutes runs already.
//! - `toml`: a configuration of `dnsbl-server`, or with the mark `policy` one of the policy service; what it lacks to be a
//!   whole one is added.
//! - `json`: what a request or an answer looks like; it has to be JSON, one document or one a line.
//! - `rust`: compiled with the tests of the library (README.md).
//! - `text`, `csv`, `nginx` and the like: what is printed, or belongs to other programs; it is not tried.
//!
//! A mark `needs-…` behind `sh` says what a machine has to have for it, and that it is not run here.

mod block;
mod cases;
mod session;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use dnsbl_tests::{Process, program};
use serde_json::Value;
use tempfile::TempDir;

use self::{
    block::{Block, blocks},
    session::Session,
};

/// What a block may need that this machine need not have.
const NEEDS: [&str; 4] = ["needs-root", "needs-systemd", "needs-mail-server", "needs-internet"];
/// The section of README.md whose server the other files go on with.
const FIRST_MINUTES: &str = "## Five minutes as an operator";

/// The folder of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README.md and all of docs/, whatever the language.
#[track_caller]
fn files() -> Vec<String> {
    let in_folder = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let paths =
            entries.map(|entry| format!("{folder}/{}", entry.unwrap().file_name().display()));
        paths.filter(|path| path.ends_with(".md")).collect::<Vec<_>>()
    };
    let mut files: Vec<String> = ["docs", "docs/ja"].into_iter().flat_map(in_folder).collect();
    files.push("README.md".into());
    files.sort();
    files
}

#[track_caller]
fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|err| panic!("{file}: {err}"))
}

#[track_caller]
fn all_blocks() -> Vec<Block> {
    files().iter().flat_map(|file| blocks(file, &read(file))).collect()
}

#[test]
fn every_block_says_what_it_is() {
    for block in all_blocks() {
        let marks: Vec<&str> = block.marks.iter().map(String::as_str).collect();
        let is_known = match (&*block.language, &marks[..]) {
            ("sh", marks) => marks.iter().all(|mark| NEEDS.contains(mark)),
            ("toml", [] | ["policy"]) | ("json", []) => true,
            ("rust,no_run", []) => block.file == "README.md",
            // Commands that would not be typed, and Rust that would not be compiled.
            ("" | "bash" | "shell" | "console", _) => false,
            (other, marks) => !other.starts_with("rust") && marks.is_empty(),
        };
        assert!(is_known, "{}: a block of {:?} {marks:?}", block.place(), block.language);
    }
}

#[test]
fn every_command_does_what_it_says() {
    let readme = read("README.md");
    let (_, first) = readme.split_once(FIRST_MINUTES).expect("README.md has that section");
    let first = first.split("\n## ").next().unwrap_or_default();
    let before = readme.len() - readme.split_once(FIRST_MINUTES).map_or(0, |(_, rest)| rest.len());
    let mut first = blocks("README.md", first);
    first.iter_mut().for_each(|block| block.line += readme[..before].matches('\n').count());
    thread::scope(|scope| {
        for file in files() {
            let own = blocks(&file, &read(&file));
            let blocks: Vec<Block> = match &*file {
                "README.md" => own,
                _ => first.iter().cloned().chain(own).collect(),
            };
            scope.spawn(move || Session::new(&root()).run(&blocks));
        }
    });
}

#[test]
fn every_configuration_is_accepted() {
    let dir = TempDir::new().unwrap();
    for block in all_blocks().iter().filter(|block| block.language == "toml") {
        let file = dir.path().join("shown.toml");
        let is_policy = block.marks.iter().any(|mark| mark == "policy");
        fs::write(&file, if is_policy { whole_policy(block) } else { whole_server(block) })
            .unwrap();
        let name = if is_policy { "dnsbl" } else { "dnsbl-server" };
        let mut command = Command::new(program(name));
        let done = Process::run(command.args(["check-config", "--config"]).arg(&file)).unwrap();
        assert_eq!(done.code, Some(0), "{}: {}", block.place(), done.stderr);
    }
}

/// With the keys that a server needs.
fn whole_server(block: &Block) -> String {
    let mut text = String::new();
    for (key, value) in [("version", "v1"), ("data-dir", "var")] {
        if !block.text.lines().any(|line| line.starts_with(key)) {
            text += &format!("{key} = \"{value}\"\n");
        }
    }
    text + &block.text
}

/// With the keys and tables that a policy service needs.
fn whole_policy(block: &Block) -> String {
    let mut text = block.text.clone();
    if !text.contains("version =") {
        text.insert_str(0, "version = \"v1\"\n");
    }
    let grants_alone = text.contains("[[grant]]") && !text.contains("[[zone]]");
    if !text.contains("[score]") && !grants_alone {
        text += "\n[score]\nreject = 1\n";
    }
    if !text.contains("[[zone]]") && !grants_alone {
        text += "\n[[zone]]\nname = \"bl.example.org\"\n";
    }
    text
}

#[test]
fn what_is_shown_as_json_is_json() {
    for block in all_blocks().iter().filter(|block| block.language == "json") {
        let whole = serde_json::from_str::<Value>(&block.text).is_ok();
        let lines = block.text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
        assert!(whole || lines, "{}: {}", block.place(), block.text);
    }
}

#[test]
fn links_lead_somewhere_and_readme_names_every_document() {
    let mut linked = BTreeSet::new();
    for file in files().into_iter().chain(["ARCHITECTURE.md".into(), "CONTRIBUTING.md".into()]) {
        let folder = root().join(&file).parent().unwrap().to_owned();
        for link in block::links(&read(&file)) {
            let path = link.split('#').next().unwrap_or_default();
            assert!(folder.join(path).exists(), "{file} links to {link}, which is not there");
            if file == "README.md" {
                linked.insert(path.to_owned());
            }
        }
    }
    for file in files().iter().filter(|file| *file != "README.md") {
        assert!(linked.contains(file), "README.md does not name {file}");
    }
}

#[test]
fn examples_and_files_to_deploy_are_accepted_as_they_stand() {
    let check = |name: &str, file: &str| {
        let mut command = Command::new(program(name));
        let command = command.args(["check-config", "--config"]).arg(root().join(file));
        let done = Process::run(command).unwrap();
        assert_eq!(done.code, Some(0), "{file}: {}", done.stderr);
    };
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let file = format!("examples/{name}");
        match name.rsplit_once('.') {
            Some(("dnsbl-policy", "toml")) => check("dnsbl", &file),
            Some((_, "toml")) => check("dnsbl-server", &file),
            Some((_, "json")) => {
                serde_json::from_str::<Value>(&read(&file)).expect(&file);
            }
            _ => {}
        }
    }
    check("dnsbl", "deploy/dnsbl-policy.toml");
    check("dnsbl", "deploy/pop-before-smtp/dnsbl-policy.toml");
    check("dnsbl-server", "deploy/pop-before-smtp/dnsbl-server.toml");
    serde_json::from_str::<Value>(&read("deploy/pop-before-smtp/popauth.example.org.json"))
        .unwrap();
}
