//! POP3 and IMAP spoken by hand: as much as it takes to look into a mailbox (RFC 1939, RFC 3501).

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
};

use anyhow::{Context, Result, bail, ensure};

use super::smtp::{REPLY, stream_from};

/// No line of a reply is longer.
const LINE: u64 = 8192;

/// The way to a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailbox {
    /// POP3 at this address.
    Pop3(SocketAddr),
    /// IMAP at this address.
    Imap(SocketAddr),
}

/// A connection of lines.
struct Lines(BufReader<TcpStream>);

impl Mailbox {
    /// Looks for mail from an address of this machine, which in 127.0.0.0/8 is any, and leaves; whether the
    /// password was right.
    pub fn poll(self, source: IpAddr, user: &str, password: &str) -> Result<bool> {
        match self {
            Self::Pop3(server) => poll_pop3(&mut Lines::connect(source, server)?, user, password),
            Self::Imap(server) => poll_imap(&mut Lines::connect(source, server)?, user, password),
        }
    }

    /// Whether somebody greets there.
    pub(super) fn greets(self) -> Result<()> {
        let (Self::Pop3(server) | Self::Imap(server)) = self;
        let greeting = Lines::connect(server.ip(), server)?.line()?;
        ensure!(greeting.starts_with("+OK") || greeting.starts_with("* OK"), "{greeting:?}");
        Ok(())
    }
}

fn poll_pop3(lines: &mut Lines, user: &str, password: &str) -> Result<bool> {
    let greeting = lines.line()?;
    ensure!(greeting.starts_with("+OK"), "greeted with {greeting:?}");
    let name = lines.command(&format!("USER {user}"))?;
    ensure!(name.starts_with("+OK"), "{name:?}");
    let is_in = match lines.command(&format!("PASS {password}"))? {
        reply if reply.starts_with("+OK") => true,
        reply if reply.starts_with("-ERR [AUTH]") => false,
        reply => bail!("the reply to PASS is {reply:?}"),
    };
    if is_in {
        let count = lines.command("STAT")?;
        ensure!(count.starts_with("+OK "), "{count:?}");
    }
    lines.command("QUIT")?;
    Ok(is_in)
}

fn poll_imap(lines: &mut Lines, user: &str, password: &str) -> Result<bool> {
    let greeting = lines.line()?;
    ensure!(greeting.starts_with("* OK"), "greeted with {greeting:?}");
    let is_in = match lines.tagged("a1", &format!("LOGIN {user} {password}"))? {
        reply if reply.starts_with("OK") => true,
        reply if reply.starts_with("NO [AUTHENTICATIONFAILED]") => false,
        reply => bail!("the reply to LOGIN is {reply:?}"),
    };
    if is_in {
        let count = lines.tagged("a2", "STATUS INBOX (MESSAGES)")?;
        ensure!(count.starts_with("OK"), "{count:?}");
    }
    lines.tagged("a3", "LOGOUT")?;
    Ok(is_in)
}

impl Lines {
    fn connect(source: IpAddr, server: SocketAddr) -> Result<Self> {
        let stream = stream_from(source, server)?;
        stream.set_read_timeout(Some(REPLY))?;
        stream.set_write_timeout(Some(REPLY))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        (&mut self.0).take(LINE).read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "the server broke off after {line:?}");
        Ok(line.trim_end().to_owned())
    }

    fn command(&mut self, command: &str) -> Result<String> {
        self.0.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        self.line().with_context(|| format!("the reply to {command}"))
    }

    /// Sends an IMAP command and takes its reply, without the tag.
    fn tagged(&mut self, tag: &str, command: &str) -> Result<String> {
        let mut line = self.command(&format!("{tag} {command}"))?;
        loop {
            if let Some(reply) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                return Ok(reply.to_owned());
            }
            ensure!(line.starts_with("* "), "{line:?} in the reply to {command}");
            line = self.line()?;
        }
    }
}
