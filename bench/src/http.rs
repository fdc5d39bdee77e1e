//! A small HTTP/1.1 client that keeps its connection: it must cost less than the server it measures.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::data;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to the API.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What every request has in its head.
    fields: String,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(server: SocketAddr, token: &str) -> Result<Self> {
        let stream =
            TcpStream::connect(server).with_context(|| format!("connecting to {server}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let fields = format!(
            "HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json"
        );
        Ok(Self { stream, fields, received: Vec::new() })
    }

    /// Connects to the pages.
    pub(crate) fn visit(server: SocketAddr) -> Result<Self> {
        let mut connection = Self::open(server, "")?;
        connection.fields = format!("HTTP/1.1\r\nHost: {server}");
        Ok(connection)
    }

    /// Reads a page; gives how large it is, in octets.
    pub(crate) fn look(&mut self, path: &str) -> Result<usize> {
        let request = format!("GET {path} {}\r\n\r\n", self.fields);
        self.stream.write_all(request.as_bytes()).context("sending a request")?;
        let status = self.read_reply().with_context(|| format!("GET {path}"))?;
        ensure!(matches!(status, 200 | 404), "GET {path}: status {status}");
        Ok(self.received.len())
    }

    /// Lists an address.
    pub(crate) fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        self.change("PUT", addr, "{}")
    }

    /// Takes an address off the list.
    pub(crate) fn unlist(&mut self, addr: Ipv4Addr) -> Result<()> {
        self.change("DELETE", addr, "")
    }

    /// Reports a login from an address.
    pub(crate) fn log_in(&mut self, addr: Ipv4Addr) -> Result<()> {
        let body = format!(r#"{{"address":"{addr}","user":"user-at-{addr}","service":"pop3"}}"#);
        self.ask("POST", "/v1/logins", &body)
    }

    fn change(&mut self, method: &str, addr: Ipv4Addr, body: &str) -> Result<()> {
        let path = format!("/v1/zones/{}/listings/{addr}", data::ORIGIN);
        self.ask(method, &path, body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<()> {
        let request = format!(
            "{method} {path} {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.fields,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).context("sending a request")?;
        let status = self.read_reply().with_context(|| format!("{method} {path}"))?;
        ensure!(matches!(status, 200..=204), "{method} {path}: status {status}");
        Ok(())
    }

    /// Reads one reply to its end; gives the status.
    fn read_reply(&mut self) -> Result<u16> {
        self.received.clear();
        let head = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more()?;
        };
        let text = String::from_utf8_lossy(&self.received[..head]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.context("no status line")?;
        let length = text.split_once("content-length:").and_then(|(_, rest)| rest.lines().next());
        let length: usize = match length {
            Some(length) => length.trim().parse()?,
            None if status == 204 => 0,
            None => bail!("no Content-Length: {text}"),
        };
        while self.received.len() < head + length {
            self.read_more()?;
        }
        Ok(status)
    }

    fn read_more(&mut self) -> Result<()> {
        let mut part = [0; 4096];
        match self.stream.read(&mut part) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(len) => self.received.extend(&part[..len]),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) => return Err(err).context("receiving a reply"),
        }
        Ok(())
    }
}
