//! Dovecot from Debian.

use std::{
    fmt::Write as _,
    net::{SocketAddr, SocketAddrV4},
};

use super::{
    address::unique_addr,
    enclosure::{Enclosure, Running},
    mailbox::Mailbox,
};

/// A running Dovecot with POP3, IMAP and SASL for an SMTP server, all without TLS. It is stopped, and its mail
/// is deleted, when dropped.
pub struct Dovecot {
    pop3: SocketAddrV4,
    imap: SocketAddrV4,
    sasl: SocketAddrV4,
    running: Running,
}

/// Its login processes look for plugins where Debian installs them; nothing else of `/usr/lib` changes.
const SHOW_PLUGINS: &str = "mkdir lib run state mail
chown vmail mail
ln -s \"$PWD/tools/usr/lib/dovecot\" lib/dovecot
mount -t overlay dovecot -o \"lowerdir=$PWD/lib:/usr/lib\" /usr/lib
";

impl Dovecot {
    /// Starts one that knows these users by their passwords, with further lines of configuration: those that
    /// tell somebody of logins.
    #[track_caller]
    pub fn start(users: &[(&str, &str)], extras: &str) -> Self {
        let (pop3, imap, sasl) = (unique_addr(), unique_addr(), unique_addr());
        let enclosure = Enclosure::new(*pop3.ip(), "mail.test", None);
        let users = users.iter().fold(String::new(), |mut lines, (user, password)| {
            writeln!(lines, "{user}:{{PLAIN}}{password}::::::").expect("a string takes all");
            lines
        });
        enclosure.write("users", &users);
        enclosure.write("dovecot.conf", &(config(&enclosure, pop3, imap, sasl) + extras));
        let (dir, tools) = (enclosure.path(""), enclosure.tools());
        let (dir, tools) = (dir.display(), tools.display());
        // By itself it would run the doveconf that is installed, if there is one.
        let script = format!(
            "{SHOW_PLUGINS}exec {tools}/usr/bin/doveconf -f service=master -c {dir}dovecot.conf -m master \
             -e {tools}/usr/sbin/dovecot -F -c {dir}dovecot.conf"
        );
        let running = enclosure.run_until(&script, || {
            Mailbox::Pop3(pop3.into()).greets()?;
            Mailbox::Imap(imap.into()).greets()
        });
        Self { pop3, imap, sasl, running }
    }

    /// Its mailboxes over POP3.
    pub fn pop3(&self) -> Mailbox {
        Mailbox::Pop3(self.pop3.into())
    }

    /// Its mailboxes over IMAP.
    pub fn imap(&self) -> Mailbox {
        Mailbox::Imap(self.imap.into())
    }

    /// Where it knows users for an SMTP server (`smtpd_sasl_type = dovecot`).
    pub fn sasl(&self) -> SocketAddr {
        self.sasl.into()
    }

    /// What it wrote to its log.
    pub fn said(&self) -> String {
        self.running.said()
    }
}

fn config(
    enclosure: &Enclosure,
    pop3: SocketAddrV4,
    imap: SocketAddrV4,
    sasl: SocketAddrV4,
) -> String {
    let (dir, libraries) = (enclosure.path(""), enclosure.libraries());
    let dir = dir.display();
    let listener = |name: &str, addr: SocketAddrV4| {
        let (ip, port) = (addr.ip(), addr.port());
        format!("  inet_listener {name} {{\n    address = {ip}\n    port = {port}\n  }}\n")
    };
    let none = |name: &str| format!("  inet_listener {name} {{\n    port = 0\n  }}\n");
    let (pop3, imap, sasl) =
        (listener("pop3", pop3), listener("imap", imap), listener("sasl", sasl));
    let (pop3s, imaps) = (none("pop3s"), none("imaps"));
    format!(
        "base_dir = {dir}run
state_dir = {dir}state
libexec_dir = {dir}tools/usr/lib/dovecot
# Its libraries are unpacked beside it.
import_environment = LD_LIBRARY_PATH={libraries}
log_path = /dev/stderr
protocols = pop3 imap
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{dir}mail/%n
passdb {{
  driver = passwd-file
  args = {dir}users
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={dir}mail/%n
}}
service pop3-login {{
  chroot =
{pop3}{pop3s}}}
service imap-login {{
  chroot =
{imap}{imaps}}}
service auth {{
{sasl}}}
"
    )
}
