//! Connections and what is said over them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dnsbl_daemon::{
    ConnectionLimits, ConnectionPermit, ConnectionPermits, Guarded, Listener, PeerNetwork, Stream,
};
use dnsbl_types::UnixTime;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{
    counters::{Counters, count},
    inbox::{Inbox, Received},
    session::{Action, Envelope, Session},
    settings::ReceiverSettings,
    wire::{Wire, WireError},
};
use crate::Candidate;

/// For the last reply, and for the peer to hang up.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves everybody who connects.
pub(super) async fn accept(
    listener: Listener,
    settings: ReceiverSettings,
    inbox: Arc<impl Inbox>,
    counters: Arc<Counters>,
) {
    let settings = Arc::new(settings);
    let limits =
        ConnectionLimits { all: settings.max_connections, per_network: settings.max_per_peer };
    let permits = ConnectionPermits::new(limits);
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let (stream, peer) = listener.accept().await;
        let (Some(peer), Some(local)) = (peer, stream.local_addr()) else { continue };
        let Some(permit) = permits.acquire(PeerNetwork::of(peer.ip())) else {
            count(&counters.turned_away);
            let _ = stream.try_write(b"421 4.7.0 too many connections\r\n");
            continue;
        };
        count(&counters.connections);
        let service = Service {
            settings: Arc::clone(&settings),
            inbox: Arc::clone(&inbox),
            counters: Arc::clone(&counters),
        };
        let permit = Arc::new(permit);
        let stream = Guarded::new(stream, permit.clone(), settings.command_timeout);
        sessions.spawn(async move {
            service.serve(stream, &permit, canonical(peer), canonical(local)).await;
        });
    }
}

struct Service<I> {
    settings: Arc<ReceiverSettings>,
    inbox: Arc<I>,
    counters: Arc<Counters>,
}

impl<I: Inbox> Service<I> {
    async fn serve(
        &self,
        stream: Guarded<Stream>,
        permit: &ConnectionPermit,
        peer: SocketAddr,
        local: SocketAddr,
    ) {
        let end = Instant::now() + self.settings.session_timeout;
        let mut wire = Wire::new(stream);
        let ended = self.talk(&mut wire, permit, peer, local, end).await;
        match ended {
            // Somebody else has the permit; who comes again is heard then.
            _ if permit.is_revoked() => {
                count(&self.counters.turned_away);
                wire.refuse("421 4.7.0 too many connections");
                return;
            }
            Ok(()) | Err(WireError::Gone) => {}
            Err(WireError::TooSlow) => wire.reply("421 4.4.2 too slow"),
            Err(WireError::LineTooLong) => wire.reply("500 5.5.2 line too long"),
            Err(WireError::TooLarge) => wire.reply("552 5.3.4 too large"),
        }
        wire.close(Instant::now() + CLOSE_TIMEOUT).await;
    }

    async fn talk(
        &self,
        wire: &mut Wire,
        permit: &ConnectionPermit,
        peer: SocketAddr,
        local: SocketAddr,
        end: Instant,
    ) -> Result<(), WireError> {
        let ReceiverSettings { host_name, probe_domain, max_size, .. } = &*self.settings;
        let mut session = Session::new(host_name.clone(), probe_domain.clone(), *max_size);
        wire.reply(&session.greeting());
        loop {
            let until = (Instant::now() + self.settings.command_timeout).min(end);
            let line = wire.line(until).await?;
            let action = match session.line(&line) {
                Action::Expect(found) => {
                    let _busy = permit.busy();
                    match timeout_at(until, self.find_expected(found)).await {
                        Ok(expected) => session.expected(expected),
                        Err(_) => Action::Reply("451 4.3.0 come again".to_owned()),
                    }
                }
                other => other,
            };
            match action {
                Action::Reply(text) => {
                    self.count_refusal(&text);
                    wire.reply(&text);
                }
                Action::Close(text) => {
                    wire.reply(&text);
                    return Ok(());
                }
                Action::Content => {
                    wire.reply("354 go on");
                    // What comes back is what all this is for.
                    let _busy = permit.busy();
                    let until = (Instant::now() + self.settings.data_timeout).min(end);
                    let data = wire.content(*max_size, until).await?;
                    let reply = self.take(session.take_envelope(), data, peer, local).await;
                    wire.reply(reply);
                }
                // A session asks once.
                Action::Expect(_) => return Ok(()),
            }
        }
    }

    /// The first that the inbox expects.
    async fn find_expected(&self, found: Vec<Candidate>) -> Option<Candidate> {
        for candidate in found {
            if self.inbox.expects(&candidate).await {
                return Some(candidate);
            }
        }
        None
    }

    fn count_refusal(&self, reply: &str) {
        if reply.starts_with("550") {
            count(&self.counters.refused);
        }
    }

    /// The reply to a message.
    async fn take(
        &self,
        envelope: Envelope,
        data: Vec<u8>,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> &'static str {
        let Envelope { helo, mail_from, candidates } = envelope;
        if candidates.is_empty() {
            count(&self.counters.dropped);
            return "250 2.0.0 ok, nobody reads this";
        }
        let at = UnixTime::now();
        let received = Received { peer, local, helo, mail_from, candidates, data, at };
        let until = Instant::now() + self.settings.data_timeout;
        match timeout_at(until, self.inbox.returned(received)).await {
            Ok(Ok(())) => {
                count(&self.counters.returned);
                "250 2.0.0 taken"
            }
            Ok(Err(_)) | Err(_) => "451 4.3.0 come again",
        }
    }
}

fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
