//! DNS over TCP (RFC 7766), as slow and as rude as a test wants.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use hickory_proto::rr::RecordType;

use crate::{Answer, PATIENCE, Query, Reply};

/// A connection to a server.
pub struct TcpClient(TcpStream);

impl TcpClient {
    /// Connects.
    pub fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// A message behind its length.
    pub fn frame(message: &[u8]) -> Vec<u8> {
        let len = u16::try_from(message.len()).expect("a message is at most 65,535 bytes");
        [&len.to_be_bytes(), message].concat()
    }

    /// Sends a message behind its length.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.send_raw(&Self::frame(message))
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// The next reply; an error at the end of the stream and where none comes in time.
    #[track_caller]
    pub fn receive(&mut self) -> io::Result<Reply> {
        let mut len = [0; 2];
        self.0.read_exact(&mut len)?;
        let mut bytes = vec![0; u16::from_be_bytes(len).into()];
        self.0.read_exact(&mut bytes)?;
        Ok(Reply::read(bytes))
    }

    /// Sends a query and gives the reply to it.
    #[track_caller]
    pub fn ask(&mut self, query: &Query) -> io::Result<Reply> {
        self.send(&query.bytes())?;
        let reply = self.receive()?;
        assert_eq!(reply.id(), query.id);
        Ok(reply)
    }

    /// Tells the server that no more comes.
    pub fn finish(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }

    /// Whether the server closes the connection in time, with nothing more to say.
    pub fn is_closed_within(&mut self, limit: Duration) -> io::Result<bool> {
        self.0.set_read_timeout(Some(limit))?;
        let read = self.0.read(&mut [0]);
        self.0.set_read_timeout(Some(PATIENCE))?;
        match read {
            Ok(0) => Ok(true),
            Ok(_) => Err(io::Error::other("the server sent something")),
            Err(err) => match err.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(false),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Ok(true),
                _ => Err(err),
            },
        }
    }

    /// Asks many questions of one type, all sent before the first reply is needed; the answers come in
    /// the order of the names.
    #[track_caller]
    pub fn ask_all(server: SocketAddr, names: &[String], rtype: RecordType) -> Vec<Answer> {
        let ids = 1 << 16;
        let rounds = names.chunks(ids).map(|names| {
            let client = Self::connect(server).expect("the server takes a connection");
            client.ask_round(names, rtype)
        });
        rounds.flatten().collect()
    }

    /// At most as many as there are message ids.
    #[track_caller]
    fn ask_round(mut self, names: &[String], rtype: RecordType) -> Vec<Answer> {
        let mut writer = self.0.try_clone().expect("a socket has a second handle");
        let queries: Vec<u8> = names
            .iter()
            .enumerate()
            .flat_map(|(i, name)| {
                let query = Query { id: i as u16, ..Query::new(name, rtype) };
                Self::frame(&query.bytes())
            })
            .collect();
        let mut answers = vec![None; names.len()];
        thread::scope(|scope| {
            scope.spawn(move || writer.write_all(&queries).expect("the server reads on"));
            for _ in names {
                let reply = self.receive().expect("every query has a reply");
                answers[usize::from(reply.id())] = Some(Answer::of(&reply));
            }
        });
        answers.into_iter().map(|answer| answer.expect("no id is used twice")).collect()
    }
}
