//! A server that takes reports and remembers what was posted.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use dnsbl_tests::{PATIENCE, eventually};
use serde_json::Value;

/// A running server. It takes everything.
pub(super) struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Posted>>>,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Posted {
    /// Method, path and version.
    pub(super) what: String,
    pub(super) authorization: String,
    pub(super) content_type: String,
    pub(super) body: String,
}

impl Receiver {
    #[track_caller]
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let shared = received.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { url, received }
    }

    /// As `--server` takes it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What was posted up to now.
    pub(super) fn received(&self) -> Vec<Posted> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so much was posted; gives all of it.
    #[track_caller]
    pub(super) fn wait_for(&self, count: usize) -> Vec<Posted> {
        eventually(6 * PATIENCE, || {
            let received = self.received();
            if received.len() >= count { Ok(received) } else { Err(received) }
        })
    }
}

impl Posted {
    /// The body, as a report in JSON.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

/// Serves a connection until its client goes.
fn serve(mut stream: TcpStream, received: &Mutex<Vec<Posted>>) {
    let mut input = BufReader::new(stream.try_clone().unwrap());
    while let Some(posted) = read(&mut input) {
        received.lock().unwrap().push(posted);
        let answer = "{\"id\":\"r1\",\"state\":\"pending\"}";
        let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json";
        let length = answer.len();
        // The client goes when it likes.
        let _ = write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{answer}");
    }
}

fn read(input: &mut BufReader<TcpStream>) -> Option<Posted> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut posted = Posted { what: line.trim_end().to_owned(), ..Posted::default() };
    let mut length = 0;
    loop {
        line.clear();
        input.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match &*name.to_ascii_lowercase() {
            "authorization" => value.clone_into(&mut posted.authorization),
            "content-type" => value.clone_into(&mut posted.content_type),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    posted.body = String::from_utf8(body).ok()?;
    Some(posted)
}
