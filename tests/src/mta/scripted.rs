//! An SMTP server that answers what the test says, and remembers everything.

use std::{
    io::{BufRead, BufReader, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{eventually, mta::unique_host};

/// A running server. It hangs up and goes when dropped.
pub struct ScriptedServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

/// What a server has just heard.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// A new connection, before the greeting.
    Connection,
    /// A command line without its end.
    Command(&'a str),
    /// A message, whole.
    Message(&'a Message),
}

/// What it does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpAnswer {
    /// Sends these bytes as they are; CRLF is the script's business.
    Bytes(Vec<u8>),
    /// Says nothing and goes on to listen.
    Silence,
    /// Hangs up.
    HangUp,
}

/// A message that was accepted, with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sent it.
    pub peer: IpAddr,
    /// The name in HELO or EHLO.
    pub helo: String,
    /// What followed `MAIL FROM:`, parameters included.
    pub sender: String,
    /// What followed each `RCPT TO:` that was answered with 2xx.
    pub recipients: Vec<String>,
    /// Header and body, with CRLF and without dot-stuffing.
    pub data: String,
}

/// Everything that was heard.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The peers, one for each connection.
    pub connections: Vec<IpAddr>,
    /// Every command line.
    pub commands: Vec<String>,
    /// Every message, also one that was refused after its end.
    pub messages: Vec<Message>,
}

type Script = dyn Fn(Heard<'_>) -> SmtpAnswer + Send + Sync;

struct Shared {
    script: Box<Script>,
    record: Mutex<Record>,
    streams: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl SmtpAnswer {
    /// A reply of one line.
    pub fn line(text: &str) -> Self {
        Self::Bytes(format!("{text}\r\n").into_bytes())
    }

    /// What a server says that takes everything.
    pub fn polite(heard: Heard<'_>) -> Self {
        let Heard::Command(line) = heard else {
            return Self::line(match heard {
                Heard::Connection => "220 scripted.test ESMTP",
                Heard::Command(_) | Heard::Message(_) => "250 2.0.0 taken",
            });
        };
        Self::line(match verb(line).as_str() {
            "DATA" => "354 go on",
            "QUIT" => "221 2.0.0 bye",
            "EHLO" | "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 scripted.test",
            _ => "502 5.5.1 what?",
        })
    }

    /// What a server says that refuses every recipient.
    pub fn refusing(heard: Heard<'_>) -> Self {
        match heard {
            Heard::Command(line) if verb(line) == "RCPT" => Self::line("550 5.7.1 relaying denied"),
            other => Self::polite(other),
        }
    }

    fn is_positive(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.first() == Some(&b'2'))
    }
}

impl ScriptedServer {
    /// Starts one that takes everything.
    pub fn accepting() -> Self {
        Self::start(SmtpAnswer::polite)
    }

    /// Starts one that refuses every recipient.
    pub fn refusing() -> Self {
        Self::start(SmtpAnswer::refusing)
    }

    /// Starts one with a script, at an address of its own.
    pub fn start(script: impl Fn(Heard<'_>) -> SmtpAnswer + Send + Sync + 'static) -> Self {
        Self::start_at((unique_host(), 0).into(), script)
    }

    /// Starts one with a script and an address, such as one with port 25, which takes root.
    #[track_caller]
    pub fn start_at(
        addr: SocketAddr,
        script: impl Fn(Heard<'_>) -> SmtpAnswer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(addr).unwrap_or_else(|why| panic!("{addr}: {why}"));
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            record: Mutex::default(),
            streams: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let server = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if server.ended.load(Ordering::Acquire) {
                    break;
                }
                let shared = server.clone();
                thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { addr, shared }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it has heard so far.
    pub fn record(&self) -> Record {
        lock(&self.shared.record).clone()
    }

    /// The messages so far.
    pub fn messages(&self) -> Vec<Message> {
        self.record().messages
    }

    /// Waits for a message of which `pick` makes something.
    #[track_caller]
    pub fn wait_for<T>(&self, limit: Duration, pick: impl Fn(&Message) -> Option<T>) -> T {
        eventually(limit, || {
            let messages = self.messages();
            messages.iter().find_map(&pick).ok_or(messages)
        })
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        // Wakes the listening thread, which then ends.
        let _ = TcpStream::connect(self.addr);
        for stream in lock(&self.shared.streams).drain(..) {
            // The peer may have gone first.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let (Ok(peer), Ok(copy)) = (stream.peer_addr(), stream.try_clone()) else { return };
        lock(&self.streams).push(copy);
        lock(&self.record).connections.push(peer.ip());
        // A peer that goes away ends the session; what it said is on record.
        let _ = self.session(stream, peer.ip());
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }

    fn session(&self, mut stream: &TcpStream, peer: IpAddr) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut message = Message::new(peer);
        let mut heard_message = false;
        if !self.answer(&mut stream, Heard::Connection)?.1 {
            return Ok(());
        }
        loop {
            if heard_message {
                message.data = read_data(&mut reader)?;
                lock(&self.record).messages.push(message.clone());
                if !self.answer(&mut stream, Heard::Message(&message))?.1 {
                    return Ok(());
                }
                message = Message { helo: message.helo, ..Message::new(peer) };
            }
            let Some(line) = read_line(&mut reader)? else { return Ok(()) };
            lock(&self.record).commands.push(line.clone());
            let (answer, goes_on) = self.answer(&mut stream, Heard::Command(&line))?;
            if !goes_on || verb(&line) == "QUIT" {
                return Ok(());
            }
            heard_message =
                matches!(&answer, SmtpAnswer::Bytes(bytes) if bytes.starts_with(b"354"));
            message.note(&line, &answer);
        }
    }

    /// Answers, and whether the session goes on.
    fn answer(
        &self,
        stream: &mut &TcpStream,
        heard: Heard<'_>,
    ) -> std::io::Result<(SmtpAnswer, bool)> {
        let answer = (self.script)(heard);
        if let SmtpAnswer::Bytes(bytes) = &answer {
            stream.write_all(bytes)?;
        }
        let goes_on = answer != SmtpAnswer::HangUp;
        Ok((answer, goes_on))
    }
}

impl Message {
    fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            helo: String::new(),
            sender: String::new(),
            recipients: Vec::new(),
            data: String::new(),
        }
    }

    /// Takes from a command and its answer what belongs to the envelope.
    fn note(&mut self, line: &str, answer: &SmtpAnswer) {
        if !answer.is_positive() {
            return;
        }
        let argument = line.split_once(':').map(|(_, argument)| argument.trim().to_owned());
        match (verb(line).as_str(), argument) {
            ("HELO" | "EHLO", _) => self.helo = line.get(5..).unwrap_or_default().to_owned(),
            ("MAIL", Some(sender)) => {
                self.sender = sender;
                self.recipients.clear();
            }
            ("RCPT", Some(recipient)) => self.recipients.push(recipient),
            ("RSET", _) => self.recipients.clear(),
            _ => {}
        }
    }

    /// A header field of the outermost header, unfolded; the first of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        let header =
            self.data.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        header.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

fn verb(line: &str) -> String {
    line.chars().take(4).collect::<String>().to_ascii_uppercase()
}

fn read_line(reader: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

/// A message up to its lone dot, dot-stuffing undone.
fn read_data(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let line = read_line(reader)?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        if line == "." {
            return Ok(data);
        }
        data += line.strip_prefix('.').unwrap_or(&line);
        data += "\r\n";
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
