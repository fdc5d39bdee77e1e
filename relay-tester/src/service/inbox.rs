//! Messages that come back: whose they are, what they prove, and what they change.

use std::sync::Arc;

use dnsbl_types::UnixTime;

use super::{journal::Journal, records::RecordsError, shared::Shared};
use crate::{
    Candidate, Inbox, NotTaken, Received, Return, judge,
    life::{Arrival, ArrivalClass, ArrivalKind, StateKind},
};

/// The most bytes of the headers of a returned message that are kept.
const HEADER_BYTES: usize = 4 << 10;

/// The inbox of the receiver.
pub(super) struct TestInbox {
    pub(super) shared: Arc<Shared>,
    pub(super) journal: Arc<Journal>,
}

impl Inbox for TestInbox {
    async fn expects(&self, candidate: &Candidate) -> bool {
        match self.journal.find(candidate.test).await {
            Ok(Some(test)) => {
                let is_waiting = !test.sent.is_empty() && test.state.kind() != StateKind::Cancelled;
                let verifies =
                    |binding| self.shared.keys.verify(candidate, &binding, UnixTime::now());
                is_waiting && test.binding().is_some_and(verifies)
            }
            Ok(None) => false,
            Err(err) => {
                tracing::error!(%err, "the test of a token can't be looked up");
                // A refusal would be final; whether the message counts is decided when it is here.
                true
            }
        }
    }

    async fn returned(&self, received: Received) -> Result<(), NotTaken> {
        for candidate in &received.candidates {
            if let Err(err) = self.take(&received, candidate).await {
                tracing::error!(test = %candidate.test, %err, "a returned message can't be stored");
                return Err(NotTaken);
            }
        }
        Ok(())
    }
}

impl TestInbox {
    async fn take(&self, received: &Received, candidate: &Candidate) -> Result<(), RecordsError> {
        let Some(test) = self.journal.find(candidate.test).await? else { return Ok(()) };
        let Some(binding) = test.binding() else { return Ok(()) };
        let peer = received.peer.ip().to_canonical();
        let judged = judge(received, candidate, &binding, &self.shared.keys, received.at);
        let (probe, kind, headers) = match judged {
            Return::Genuine { probe, headers, .. } => {
                (probe, ArrivalKind::Return, shorten(headers))
            }
            Return::Bounce { probe, .. } => (probe, ArrivalKind::Bounce, String::new()),
            Return::Rejected(why) => {
                tracing::info!(test = %test.id, %peer, %why, "a message with a token proves nothing");
                return Ok(());
            }
        };
        let arrival = Arrival { probe: probe.index, kind, peer, at: received.at, headers };
        let patience = self.shared.settings.patience;
        let changed =
            self.journal.change(test.id, |test| test.arrived(arrival.clone(), patience)).await?;
        match changed.map(|(_, class)| class) {
            Some(ArrivalClass::Forged) => tracing::warn!(
                test = %test.id, %peer,
                "a message came back that the tested host never had or had refused: a forgery"
            ),
            class => tracing::debug!(test = %test.id, %peer, ?class, "a message came back"),
        }
        Ok(())
    }
}

fn shorten(mut headers: String) -> String {
    headers.truncate(headers.floor_char_boundary(HEADER_BYTES));
    headers
}
