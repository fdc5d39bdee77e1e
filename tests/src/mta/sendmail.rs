//! Sendmail: only its rules are asked, no mail is taken.

use std::{fs, net::Ipv4Addr, process::Command};

use super::{enclosure::Enclosure, unique_host};
use crate::{
    PATIENCE, Process,
    tools::{tool, unpacked},
};

/// What a configuration begins with.
const HEAD: &str = "OSTYPE(`linux')dnl\n";
/// And ends with.
const MAILERS: &str = "MAILER(`local')dnl\nMAILER(`smtp')dnl\n";

/// Sendmail's rules, made of a configuration in M4.
pub struct SendmailRules {
    enclosure: Enclosure,
}

impl SendmailRules {
    /// Makes them. They ask `resolver` at port 53 for names.
    #[track_caller]
    pub fn new(lines: &str, resolver: Ipv4Addr) -> Self {
        let enclosure = Enclosure::new(unique_host(), "mail.example.net", Some(resolver));
        let macros = unpacked().join("usr/share/sendmail/cf");
        let source = enclosure.path("sendmail.mc");
        fs::write(&source, format!("{HEAD}{lines}{MAILERS}")).expect("the folder is writable");
        let mut m4 = Command::new(tool("m4"));
        m4.arg(format!("-D_CF_DIR_={}/", macros.display()));
        m4.args([&macros.join("m4/cf.m4"), &source]);
        let made = Process::run(&mut m4).expect("m4 runs");
        assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{}", made.stdout);
        enclosure.write("sendmail.cf", &made.stdout);
        Self { enclosure }
    }

    /// What the rules say of a client, in Sendmail's words (`sendmail -bt`).
    #[track_caller]
    pub fn judge(&self, client: Ipv4Addr) -> String {
        let asked = format!(
            ".D{{client_addr}}{client}\\nBasic_check_relay client.example.net \\$| {client}\\n"
        );
        let script = format!(
            "printf \"{asked}\" | tools/usr/libexec/sendmail/sendmail -bt -C \"$PWD/sendmail.cf\""
        );
        let process = self.enclosure.enter(&script).unwrap_or_else(|why| panic!("{why:#}"));
        let done = process.wait(PATIENCE).expect("it ends");
        let said = done.stdout.lines().find(|line| line.contains(" returns: "));
        said.unwrap_or_else(|| panic!("{done:?}")).to_owned()
    }
}
