//! Sites of others, which browsers of operators see, too.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use dnsbl_tests::{Browser, PATIENCE};

/// A site that shows one page, whatever is asked.
pub(super) struct Elsewhere {
    addr: SocketAddr,
    page: Arc<Mutex<String>>,
}

impl Elsewhere {
    /// A site of a host. To browsers that of 127.0.0.1 is the same host as the console's, with the same cookies, and another
    /// origin; any other is another site.
    #[track_caller]
    pub(super) fn at(host: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((host, 0)).expect("an address of this machine");
        let addr = listener.local_addr().expect("it is bound");
        let page: Arc<Mutex<String>> = Arc::default();
        let shown = page.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let page = shown.clone();
                // Browsers open connections before they use them.
                thread::spawn(move || answer(&stream, &page));
            }
        });
        Self { addr, page }
    }

    /// Has a browser look at a page.
    #[track_caller]
    pub(super) fn show(&self, browser: &Browser, page: &str) {
        let page = format!("<!doctype html><html lang=en><title>elsewhere</title><body>{page}");
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
        browser.open(&format!("http://{}/", self.addr));
    }
}

/// Answers a request; the browser may go away.
fn answer(mut stream: &TcpStream, page: &Mutex<String>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut lines = BufReader::new(stream).lines();
    while !lines.next()?.ok()?.is_empty() {}
    let page = page.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len()).ok()
}
