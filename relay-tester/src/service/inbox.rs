//! What comes back: whose it is, what it proves, and what it changes.

use crate::{
    Binding, Candidate, Inbox, NotTaken, Received, Return, judge,
    life::{Arrival, ArrivalKind, Meaning, State, Test},
};

use super::{RecordsError, Tester, now};

/// The most bytes of the headers of a returned message that are kept.
const HEADER_BYTES: usize = 4 << 10;

impl Inbox for Tester {
    async fn expects(&self, candidate: &Candidate) -> bool {
        match self.find(candidate.test).await {
            Ok(Some(test)) => {
                is_waiting(&test) && self.settings.keys.verify(candidate, &binding(&test), now())
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

impl Tester {
    async fn take(&self, received: &Received, candidate: &Candidate) -> Result<(), RecordsError> {
        let Some(test) = self.find(candidate.test).await? else { return Ok(()) };
        let peer = received.peer.ip().to_canonical();
        let judged = judge(received, candidate, &binding(&test), &self.settings.keys, received.at);
        let arrival = match judged {
            Return::Genuine { probe, headers, .. } => {
                let headers = shorten(headers);
                Arrival {
                    probe: probe.index,
                    kind: ArrivalKind::Return,
                    peer,
                    at: received.at,
                    headers,
                }
            }
            Return::Bounce { probe, .. } => {
                let headers = String::new();
                Arrival {
                    probe: probe.index,
                    kind: ArrivalKind::Bounce,
                    peer,
                    at: received.at,
                    headers,
                }
            }
            Return::Rejected(why) => {
                tracing::info!(test = %test.id, %peer, %why, "a message with a token proves nothing");
                return Ok(());
            }
        };
        let patience = self.settings.patience;
        let changed = self.change(test.id, |test| test.arrived(arrival.clone(), patience)).await?;
        match changed.map(|(_, meaning)| meaning) {
            Some(Meaning::Forged) => tracing::warn!(
                test = %test.id, %peer,
                "a message came back that the tested host never had or had refused: a forgery"
            ),
            meaning => tracing::debug!(test = %test.id, %peer, ?meaning, "a message came back"),
        }
        Ok(())
    }
}

fn binding(test: &Test) -> Binding {
    Binding { addr: test.address, port: test.port, expires_at: test.tokens_expire_at }
}

/// Whether anything of it may have been sent, and was not called off.
fn is_waiting(test: &Test) -> bool {
    !test.sent.is_empty() && test.state != State::Cancelled
}

fn shorten(mut headers: String) -> String {
    let mut end = HEADER_BYTES.min(headers.len());
    while !headers.is_char_boundary(end) {
        end -= 1;
    }
    headers.truncate(end);
    headers
}
