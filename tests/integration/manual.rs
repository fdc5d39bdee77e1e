//! What packages ship beside the programs: completions, which a real shell reads, and manual pages.

use std::{fs, path::Path, process::Command};

use dnsbl_tests::{Process, program, tool, unpacked};
use tempfile::TempDir;

const PROGRAMS: [(&str, &str); 3] = [("dnsblctl", "1"), ("dnsbl", "1"), ("dnsbl-server", "8")];

#[track_caller]
fn told(name: &str, args: &[&str]) -> String {
    let done = Process::run(Command::new(program(name)).args(args)).unwrap();
    assert_eq!(done.code, Some(0), "{name} {args:?}: {}", done.stderr);
    done.stdout
}

/// What bash offers for the last word of a line, by the function that the script has it call.
#[track_caller]
fn offered_by_bash(script: &Path, line: &[&str]) -> Vec<String> {
    const ASK: &str = r#"
set -u
source "$1"; shift
function=$(complete -p "$1" | sed 's/.* -F \([^ ]*\) .*/\1/')
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", ASK, "bash"]).arg(script).args(line);
    let done = Process::run(&mut bash).unwrap();
    assert_eq!(done.stderr, "", "{line:?}");
    done.stdout.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_words() {
    let dir = TempDir::new().unwrap();
    let script = |name: &str| {
        let file = dir.path().join(name);
        fs::write(&file, told(name, &["completions", "bash"])).unwrap();
        file
    };
    let ctl = script("dnsblctl");
    assert_eq!(offered_by_bash(&ctl, &["dnsblctl", "zon"]), ["zone"]);
    assert_eq!(offered_by_bash(&ctl, &["dnsblctl", "listing", "pu"]), ["put"]);
    let options = offered_by_bash(&ctl, &["dnsblctl", "import", "--m"]);
    assert_eq!(options, ["--mode", "--max-removed"]);
    let modes = offered_by_bash(&ctl, &["dnsblctl", "import", "--mode", ""]);
    assert_eq!(modes, ["upsert", "replace-source"]);
    assert_eq!(offered_by_bash(&script("dnsbl"), &["dnsbl", "hea"]), ["health"]);
    let server = script("dnsbl-server");
    assert_eq!(offered_by_bash(&server, &["dnsbl-server", "check-c"]), ["check-config"]);
}

#[test]
fn fish_completes_commands_and_words() {
    const ASK: &str = "set fish_function_path $argv[1]; source $argv[2]; complete -C $argv[3]";
    let dir = TempDir::new().unwrap();
    for (name, line, offered) in [
        ("dnsblctl", "dnsblctl zon", "zone"),
        ("dnsblctl", "dnsblctl import --mode up", "upsert"),
        ("dnsbl", "dnsbl hea", "health"),
        ("dnsbl-server", "dnsbl-server check-c", "check-config"),
    ] {
        let script = dir.path().join(format!("{name}.fish"));
        fs::write(&script, told(name, &["completions", "fish"])).unwrap();
        let mut fish = Command::new(tool("fish"));
        fish.args(["--no-config", "-c", ASK]).arg(unpacked().join("usr/share/fish/functions"));
        let done = Process::run(fish.env("HOME", dir.path()).arg(script).arg(line)).unwrap();
        let words: Vec<&str> =
            done.stdout.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words, [offered], "{line}: {}", done.stderr);
    }
}

/// What it offers is asked of a person's line editor alone, so it is only read.
#[test]
fn zsh_reads_the_script_of_each_program() {
    let dir = TempDir::new().unwrap();
    for (name, _) in PROGRAMS {
        let text = told(name, &["completions", "zsh"]);
        assert!(text.starts_with(&format!("#compdef {name}")));
        let script = dir.path().join(name);
        fs::write(&script, text).unwrap();
        let done = Process::run(Command::new(tool("zsh")).args(["-f", "-n"]).arg(script)).unwrap();
        assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{name}");
    }
}

#[test]
fn every_command_has_a_page_with_its_exit_statuses() {
    for (name, section) in PROGRAMS {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().join("man");
        told(name, &["man", folder.to_str().unwrap()]);
        let page = |name: &str| folder.join(format!("{name}.{section}"));
        let of_program = fs::read_to_string(page(name)).unwrap();
        assert!(of_program.contains(".SH NAME") && of_program.contains(".SH SYNOPSIS"), "{name}");
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let file = entry.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(".SH \"EXIT STATUS\""), "{}", file.display());
            count += 1;
        }
        assert!(count > 5, "{name}: {count}");
        let pages = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut lint = Command::new(tool("mandoc"));
        let done = Process::run(lint.args(["-T", "lint", "-W", "error"]).args(pages)).unwrap();
        assert_eq!(done.code, Some(0), "{name}: {}{}", done.stdout, done.stderr);
        assert!(page(&format!("{name}-man")).exists());
    }
}

/// Neither a server nor a token is needed to make a package.
#[test]
fn completions_need_no_server() {
    let mut ctl = Command::new(program("dnsblctl"));
    ctl.args(["--token-file", "/nowhere/token", "completions", "bash"]);
    let done = Process::run(&mut ctl).unwrap();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}
