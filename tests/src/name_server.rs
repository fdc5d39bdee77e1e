//! A name server that answers what the test says.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use hickory_proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{RData, Record, RecordType},
};

/// A running name server, over UDP. It goes when dropped.
pub struct NameServer {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<(String, RecordType)>>>,
    ended: Arc<AtomicBool>,
}

impl NameServer {
    /// Starts one that knows no name.
    pub fn empty() -> Self {
        Self::start(|_, _| Vec::new())
    }

    /// Starts one with a script: the name asked for, in lower case with the final dot, and the type
    /// give the records; where there are none, the name does not exist.
    pub fn start(script: impl Fn(&str, RecordType) -> Vec<RData> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let addr = socket.local_addr().expect("a bound socket has an address");
        let (asked, ended) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(AtomicBool::new(false)));
        let server = Self { addr, asked: asked.clone(), ended: ended.clone() };
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((len, peer)) = socket.recv_from(&mut buffer) {
                if ended.load(Ordering::Acquire) {
                    break;
                }
                let Ok(query) = Message::from_vec(&buffer[..len]) else { continue };
                let note = |name: String, rtype| {
                    asked.lock().unwrap_or_else(PoisonError::into_inner).push((name, rtype));
                };
                let reply = answer(&query, &script, note).to_vec().expect("small records");
                // Whoever asked may be gone.
                let _ = socket.send_to(&reply, peer);
            }
        });
        server
    }

    /// Where it answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it was asked, in order.
    pub fn asked(&self) -> Vec<(String, RecordType)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // Wakes the thread, which then ends.
        let wake = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], self.addr));
        drop(wake);
    }
}

fn answer(
    query: &Message,
    script: &impl Fn(&str, RecordType) -> Vec<RData>,
    note: impl Fn(String, RecordType),
) -> Message {
    let mut reply = Message::response(query.metadata.id, OpCode::Query);
    reply.metadata.recursion_desired = true;
    reply.metadata.recursion_available = true;
    reply.add_queries(query.queries.iter().cloned());
    for question in &query.queries {
        let name = question.name().to_lowercase().to_string();
        note(name.clone(), question.query_type());
        let data = script(&name, question.query_type());
        if data.is_empty() {
            reply.metadata.response_code = ResponseCode::NXDomain;
        }
        let record = |data| Record::from_rdata(question.name().clone(), 60, data);
        reply.add_answers(data.into_iter().map(record));
    }
    reply
}
