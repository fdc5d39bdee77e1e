//! Pages and stylesheet as the standard has them: what the Nu HTML checker finds.

use std::{fs, process::Command, time::Duration};

use dnsbl_tests::{Process, tool};
use tempfile::TempDir;

use super::site::Site;

/// How long it may take on a busy machine.
const CHECK: Duration = Duration::from_secs(300);

#[test]
fn the_nu_html_checker_finds_nothing_in_any_page_in_any_language() {
    let site = Site::furnished();
    let dir = TempDir::new().unwrap();
    let (pages, cookie) = (site.pages(), site.cookie());
    for page in &pages {
        let path = page.url.strip_prefix(&site.url("")).expect("a path");
        let reply = site.get_with(path, &cookie).expect(page.status);
        fs::write(dir.path().join(format!("{}.html", page.name)), reply.text).unwrap();
    }
    let style = site.get("/style.css").expect(200);
    fs::write(dir.path().join("style.css"), style.text).unwrap();
    let mut command = Command::new(tool("vnu"));
    command.args(["--also-check-css", "--Werror"]);
    let finished = Process::start(command.arg(dir.path())).unwrap().wait(CHECK).unwrap();
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
}
