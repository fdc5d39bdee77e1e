//! Our own way out on port 25. Many networks close it, silently; every host then looks unreachable.

use std::{
    collections::{HashSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{task::JoinSet, time::timeout};

use crate::Sources;

/// How many attempts are remembered.
const ATTEMPTS: usize = 32;
/// How many different hosts in a row must be silent.
const SILENT_HOSTS: usize = 5;
/// How long reference hosts are tried.
const REFERENCE_PATIENCE: Duration = Duration::from_secs(10);

/// The way out, as the recent attempts to connect show it.
pub(super) struct Egress {
    reference_hosts: Vec<SocketAddr>,
    sources: Sources,
    attempts: Mutex<VecDeque<Attempt>>,
}

/// An attempt to connect to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attempt {
    addr: IpAddr,
    /// Whether anything at all came back; a refused connection counts. See
    /// [`Ending::heard`](crate::Ending::heard).
    heard: bool,
}

impl Egress {
    pub(super) fn new(reference_hosts: Vec<SocketAddr>, sources: Sources) -> Self {
        Self { reference_hosts, sources, attempts: Mutex::default() }
    }

    /// Records an attempt to connect to a host, and whether anything came back.
    pub(super) fn record(&self, addr: IpAddr, heard: bool) {
        let mut attempts = self.attempts();
        if attempts.len() == ATTEMPTS {
            attempts.pop_front();
        }
        attempts.push_back(Attempt { addr, heard });
    }

    /// Whether silence says nothing about a host, since nobody can be heard from here.
    pub(super) async fn is_closed(&self) -> bool {
        match reach(&self.reference_hosts, self.sources, REFERENCE_PATIENCE).await {
            Some(heard) => !heard,
            None => presume_closed(self.attempts().make_contiguous(), SILENT_HOSTS),
        }
    }

    fn attempts(&self) -> MutexGuard<'_, VecDeque<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the recent attempts, the latest last, look as if nothing gets out: the last of them went to
/// `different` different hosts, and none was heard of. With fewer hosts there is no telling, and the
/// answer is no.
fn presume_closed(recent: &[Attempt], different: usize) -> bool {
    let silent = recent.iter().rev().take_while(|attempt| !attempt.heard);
    let hosts: HashSet<IpAddr> = silent.map(|attempt| attempt.addr).collect();
    different > 0 && hosts.len() >= different
}

/// Whether any of the reference hosts is heard of, all of them being asked at once, from where tests
/// come. `None` where there are none, so that nothing is known.
async fn reach(references: &[SocketAddr], sources: Sources, patience: Duration) -> Option<bool> {
    if references.is_empty() {
        return None;
    }
    let mut attempts = JoinSet::new();
    for &reference in references {
        attempts.spawn(async move { is_heard(reference, sources, patience).await });
    }
    while let Some(heard) = attempts.join_next().await {
        if heard.unwrap_or(false) {
            return Some(true);
        }
    }
    Some(false)
}

async fn is_heard(addr: SocketAddr, sources: Sources, patience: Duration) -> bool {
    let connect = async { sources.socket(addr)?.connect(addr).await };
    match timeout(patience, connect).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
        ),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        net::{TcpListener, TcpSocket, TcpStream},
        time::timeout,
    };

    use super::{Attempt, Sources, presume_closed, reach};

    fn attempts(text: &str) -> Vec<Attempt> {
        let read = |word: &str| {
            let (host, heard) = word.split_at(1);
            let addr = format!("192.0.2.{}", host.as_bytes()[0]).parse().unwrap();
            Attempt { addr, heard: heard == "+" }
        };
        text.split_whitespace().map(read).collect()
    }

    #[test]
    fn the_way_out_is_presumed_closed_when_the_last_different_hosts_are_all_silent() {
        for (recent, expected) in [
            ("", false),
            ("a- b-", false),
            ("a- b- c-", true),
            ("d+ a- b- c-", true),
            ("a- b- c- d+", false),
            ("a- b- b- a- b-", false),
            ("a- b- d+ c- a-", false),
        ] {
            assert_eq!(presume_closed(&attempts(recent), 3), expected, "{recent}");
        }
        assert!(!presume_closed(&[], 0));
    }

    #[tokio::test]
    async fn a_reference_that_answers_or_refuses_is_heard_of() {
        let patience = Duration::from_secs(5);
        assert_eq!(reach(&[], Sources::default(), patience).await, None);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        assert_eq!(reach(&[addr], Sources::default(), patience).await, Some(true));
        drop(listener);
        assert_eq!(
            reach(&[addr], Sources::default(), patience).await,
            Some(true),
            "refused is heard too"
        );
    }

    #[tokio::test]
    async fn references_that_are_silent_mean_no() {
        // Linux answers no one once the queue of connections to be accepted is full.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let addr = listener.local_addr().unwrap();
        let patience = Duration::from_millis(200);
        let mut waiting = vec![];
        while let Ok(stream) = timeout(patience, TcpStream::connect(addr)).await {
            waiting.push(stream.unwrap());
        }
        assert_eq!(reach(&[addr], Sources::default(), patience).await, Some(false));
    }
}
