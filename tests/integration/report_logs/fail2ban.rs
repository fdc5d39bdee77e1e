//! A real fail2ban reports with the files of `deploy/fail2ban/`.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use dnsbl_tests::{PATIENCE, Process, eventually, mta::unique_host, tool, unpacked};
use tempfile::TempDir;

use super::{MailServer, Posted, Receiver};

/// A fail2ban with a configuration of its own, which bans nobody.
struct Fail2ban {
    process: Process,
    receiver: Receiver,
    _dir: TempDir,
}

/// A file of `deploy/fail2ban/`.
#[track_caller]
fn deployed(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/fail2ban");
    fs::read_to_string(folder.join(name)).unwrap()
}

impl Fail2ban {
    /// Starts one with the jails of `deploy/` for this log, and further lines of jails.
    #[track_caller]
    fn start(log: &Path, more: &str) -> Self {
        let (dir, receiver) = (TempDir::new().unwrap(), Receiver::start());
        let path = dir.path();
        let token = path.join("token");
        fs::write(&token, "secret-token\n").unwrap();
        for folder in ["action.d", "filter.d", "jail.d"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        let debian = unpacked().join("etc/fail2ban");
        symlink(debian.join("filter.d/common.conf"), path.join("filter.d/common.conf")).unwrap();
        symlink(debian.join("fail2ban.conf"), path.join("fail2ban.conf")).unwrap();
        let own = "[Definition]\ndbfile = None\nloglevel = INFO\n";
        fs::write(path.join("fail2ban.local"), own).unwrap();
        for name in ["action.d/dnsbl-report.conf", "filter.d/dnsbl-postfix.conf"] {
            fs::write(path.join(name), deployed(name)).unwrap();
        }
        // Clients and mail server are this machine here.
        let common = "[DEFAULT]\nbackend = polling\nignoreself = false\nusedns = no\n";
        let access = format!(
            "dnsbl-report[server=\"{}\", token_file=\"{}\", ",
            receiver.url(),
            token.display()
        );
        let jails = common.to_owned() + &deployed("jail.d/dnsbl-report.local") + more;
        let jails = jails
            .replace("/var/log/mail.log", &log.display().to_string())
            .replace("dnsbl-report[", &access);
        fs::write(path.join("jail.conf"), jails).unwrap();
        let mut command = Command::new(tool("fail2ban-server"));
        command.arg("-c").arg(path).arg("-s").arg(path.join("socket"));
        command.arg("-p").arg(path.join("pid")).args(["--logtarget", "STDERR", "-xf", "start"]);
        let process = Process::start(&mut command).unwrap();
        let jails = deployed("jail.d/dnsbl-report.local").matches("\nenabled").count()
            + more.matches("\nenabled").count();
        eventually(6 * PATIENCE, || {
            let told = process.stderr();
            assert!(!process.has_ended(), "{told}");
            let started = told.matches("' started").count();
            if started >= jails { Ok(()) } else { Err(told) }
        });
        Self { process, receiver, _dir: dir }
    }

    /// Waits until so much was reported; gives the fields of the forms, by subject.
    #[track_caller]
    fn forms(&self, count: usize) -> Vec<Vec<(String, String)>> {
        let mut posted = self.receiver.wait_for(count);
        posted.sort_by(|one, other| one.body.cmp(&other.body));
        posted.iter().map(fields).collect()
    }
}

/// The fields of a form.
#[track_caller]
fn fields(posted: &Posted) -> Vec<(String, String)> {
    assert_eq!(posted.what, "POST /v1/reports HTTP/1.1");
    assert_eq!(posted.authorization, "Bearer secret-token");
    assert_eq!(posted.content_type, "application/x-www-form-urlencoded");
    let pairs = posted.body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), unescaped(value))).collect()
}

/// What stands behind `%2D` and `+`.
fn unescaped(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(octets).unwrap()
}

fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn fail2ban_reports_a_harvest_and_backscatter_of_a_postfix() {
    let server = MailServer::postfix();
    let fail2ban = Fail2ban::start(&server.log, "");
    let (harvester, bouncer, user) = (unique_host(), unique_host(), unique_host());
    server.harvest(user, 0..2);
    server.harvest(harvester, 0..20);
    (0..20).for_each(|n| {
        server.session(bouncer, "", &[format!("nobody{n}")]);
    });
    let forms = fail2ban.forms(2);
    let mut expected = [
        form(&[
            ("subject", &harvester.to_string()),
            ("category", "directory-harvest"),
            ("count", "20"),
            ("comment", "fail2ban dnsbl-harvest: 20 failures"),
        ]),
        form(&[
            ("subject", &bouncer.to_string()),
            ("category", "backscatter"),
            ("count", "20"),
            ("comment", "fail2ban dnsbl-backscatter: 20 failures"),
        ]),
    ];
    expected.sort();
    assert_eq!(forms, expected);
    let told = fail2ban.process.stderr();
    assert!(!told.contains("ERROR") && !told.contains("secret-token"), "{told}");
}

#[test]
fn lines_of_a_log_are_cut_and_quoted_where_fail2ban_is_told_to_send_them() {
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("auth.log");
    fs::write(&log, "").unwrap();
    let more = "\n[logins]\nenabled = true\nfilter =\nfailregex = ^ mail login of .* from <HOST>$\n\
                logpath = LOG\nmaxretry = 3\nfindtime = 10m\nbantime = 1h\n\
                action = dnsbl-report[name=logins, comment=\"<matches>\", zone_option=\"--data-urlencode zone=bl.example.org\"]\n";
    let more = more.replace("LOG", &log.display().to_string());
    let fail2ban = Fail2ban::start(&log, &more);
    let user = format!("\"$(touch {}/harm)`'&x=y{}", dir.path().display(), "z".repeat(1000));
    let now = Process::run(Command::new("date").arg("+%F %T")).unwrap().stdout;
    let line = format!("{} mail login of {user} from 192.0.2.55\n", now.trim());
    fs::write(&log, line.repeat(3)).unwrap();
    let forms = fail2ban.forms(1);
    let value = |wanted: &str| {
        let found = forms[0].iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(value("subject"), "192.0.2.55");
    assert_eq!((value("category"), value("count")), ("brute-force".to_owned(), "3".to_owned()));
    assert_eq!(value("zone"), "bl.example.org");
    let comment = value("comment");
    assert_eq!(comment.chars().count(), 1000, "{comment}");
    assert!(comment.contains("login of \"$(touch "), "{comment}");
    assert!(!dir.path().join("harm").exists());
}
