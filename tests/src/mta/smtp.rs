//! SMTP spoken by hand, line by line.

use std::{
    io::{BufRead, BufReader, Write},
    net::{IpAddr, SocketAddr, TcpStream},
};

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

/// How long a reply may take; on a busy machine mail servers start programs before they give one.
pub(super) const REPLY: std::time::Duration = std::time::Duration::from_secs(60);

/// A connection to an SMTP server that has greeted.
pub struct SmtpClient {
    stream: BufReader<TcpStream>,
    greeting: SmtpReply,
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpReply {
    /// The code, such as 250.
    pub code: u16,
    /// The lines without their codes.
    pub text: String,
}

impl SmtpClient {
    /// Connects and takes the greeting.
    pub fn connect(server: SocketAddr) -> Result<Self> {
        Self::begin(TcpStream::connect_timeout(&server, REPLY)?)
    }

    /// Connects from an address of this machine, which in 127.0.0.0/8 is any.
    pub fn connect_from(source: IpAddr, server: SocketAddr) -> Result<Self> {
        Self::begin(stream_from(source, server)?)
    }

    fn begin(stream: TcpStream) -> Result<Self> {
        stream.set_read_timeout(Some(REPLY))?;
        stream.set_write_timeout(Some(REPLY))?;
        let greeting = SmtpReply { code: 0, text: String::new() };
        let mut client = Self { stream: BufReader::new(stream), greeting };
        client.greeting = client.reply()?;
        ensure!(client.greeting.code == 220, "greeted with {:?}", client.greeting);
        Ok(client)
    }

    /// The greeting.
    pub fn greeting(&self) -> &SmtpReply {
        &self.greeting
    }

    /// Sends a line and takes the reply.
    pub fn command(&mut self, line: &str) -> Result<SmtpReply> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.reply().with_context(|| format!("the reply to {line}"))
    }

    /// Takes a message through one transaction, `sender` and `recipient` being written as given, `<>`
    /// included; the first reply that refuses, else the one to the message.
    pub fn transact(&mut self, sender: &str, recipient: &str, message: &str) -> Result<SmtpReply> {
        for line in
            [format!("MAIL FROM:{sender}"), format!("RCPT TO:{recipient}"), "DATA".to_owned()]
        {
            let reply = self.command(&line)?;
            if !reply.is_positive() {
                return Ok(reply);
            }
        }
        let lines: String =
            message
                .lines()
                .map(|line| {
                    if line.starts_with('.') {
                        format!(".{line}\r\n")
                    } else {
                        format!("{line}\r\n")
                    }
                })
                .collect();
        self.command(&format!("{lines}."))
    }

    fn reply(&mut self) -> Result<SmtpReply> {
        let mut text = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the server hung up after {text:?}");
            let line = line.trim_end();
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let code = code.with_context(|| format!("no reply code in {line:?}"))?;
            text.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(SmtpReply { code, text: text.join("\n") });
            }
        }
    }
}

/// A stream from an address of this machine.
pub(super) fn stream_from(source: IpAddr, server: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    socket.connect_timeout(&server.into(), REPLY)?;
    Ok(socket.into())
}

impl SmtpReply {
    /// Whether it lets the client go on (RFC 5321 section 4.2.1).
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }
}
