//! The tokens of a server in use: who is let in by them, and the changes that their holders make.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use dnsbl_daemon::PeerNetwork;
use dnsbl_store::{Authentication, Change, ChangeError, Committed, Operation, Store, Terms};
use dnsbl_types::{TokenDigest, TokenText, UnixTime};
use tokio::sync::oneshot;

use crate::{
    error::{NotAuthenticated, Stopping, UndoError},
    failed_tries::{FailedTries, Try},
    holder::Holder,
    rights::Permitted,
    token_cache::{KnownToken, TokenCache},
    token_meter::TokenMeters,
};

/// The tokens in use. There is one of these for all faces of a server: it remembers which tokens are good, so all changes of
/// tokens go through it.
pub struct Tokens {
    store: Store,
    /// Those that were found good.
    good: TokenCache,
    /// How much each is used.
    meters: TokenMeters,
    /// Of those that were none.
    tries: FailedTries,
}

/// The secret of a token as far as a session remembers it: enough to look it up again, and nothing that lets anybody in.
#[derive(Clone)]
pub struct SecretDigest {
    token: String,
    digest: TokenDigest,
}

impl SecretDigest {
    /// That of a text.
    pub fn of(text: &TokenText) -> Self {
        Self { token: text.id().to_owned(), digest: text.digest() }
    }

    /// The public id of its token.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Tokens {
    /// Those of a store.
    pub fn new(store: Store) -> Arc<Self> {
        let (good, meters) = (TokenCache::default(), TokenMeters::default());
        Arc::new(Self { store, good, meters, tries: FailedTries::default() })
    }

    /// How much each is used.
    pub fn meters(&self) -> &TokenMeters {
        &self.meters
    }

    /// The token with this text. A try that fails is one of so many that its network has; `from` is `None` over a Unix
    /// socket.
    ///
    /// # Errors
    /// It is none that counts, too many were none of late, or the store can't be read.
    pub async fn authenticate(
        self: &Arc<Self>,
        text: &str,
        from: Option<IpAddr>,
        now: UnixTime,
    ) -> Result<Arc<KnownToken>, NotAuthenticated> {
        let parsed = TokenText::parse(text);
        let known = parsed.as_ref().ok().filter(|text| self.good.was_good(text));
        if let Some(token) = known.and_then(|text| self.good.find(text, now)) {
            return Ok(token);
        }
        // Who has a token that was good is not guessing: whatever others try at the same address, it is looked at.
        let tried = match known {
            Some(_) => None,
            None => Some(self.begin_try(from, text).map_err(NotAuthenticated::TooManyTries)?),
        };
        let text = parsed.map_err(NotAuthenticated::Mistyped)?;
        let token = self.read(text, now).await?;
        if let Some(tried) = tried {
            tried.succeeded();
        }
        Ok(token)
    }

    /// The same where a try that fails counts elsewhere.
    ///
    /// # Errors
    /// It is none that counts, or the store can't be read.
    pub async fn look_up(
        self: &Arc<Self>,
        text: TokenText,
        now: UnixTime,
    ) -> Result<Arc<KnownToken>, NotAuthenticated> {
        match self.good.find(&text, now) {
            Some(token) => Ok(token),
            None => self.read(text, now).await,
        }
    }

    /// The token whose secret was shown before, as it is now.
    ///
    /// # Errors
    /// The secret counts no more, or the store can't be read.
    pub async fn recall(
        self: &Arc<Self>,
        secret: &SecretDigest,
        now: UnixTime,
    ) -> Result<Arc<KnownToken>, NotAuthenticated> {
        let (tokens, secret) = (self.clone(), secret.clone());
        block(move || {
            let reader = tokens.store.read(now);
            match reader.authenticate_secret(&secret.token, &secret.digest)? {
                Authentication::Good(good) => Ok(KnownToken::new(*good, &tokens.meters).into()),
                Authentication::Expired => Err(NotAuthenticated::Expired),
                Authentication::Unknown => Err(NotAuthenticated::Unknown),
            }
        })
        .await
    }

    /// Takes a try from those that a network has; for every secret that somebody shows.
    ///
    /// # Errors
    /// It has none left; how long that is so.
    pub fn begin_try(&self, from: Option<IpAddr>, text: &str) -> Result<Try<'_>, Duration> {
        let network = from.map_or(PeerNetwork::Local, PeerNetwork::of);
        self.tries.begin(network, text, Instant::now())
    }

    /// Hands a change of one operation to the writer and waits until it is durable and visible, or refused.
    ///
    /// # Errors
    /// The server is going down.
    pub async fn submit(
        self: &Arc<Self>,
        permitted: Permitted,
        terms: Terms,
        now: UnixTime,
    ) -> Result<Result<Committed, ChangeError>, Stopping> {
        let (tx, rx) = oneshot::channel();
        let (actor, operation) = permitted.into_parts();
        let is_of_token =
            matches!(operation, Operation::PutToken(_) | Operation::DeleteToken { .. });
        let tokens = is_of_token.then(|| self.clone());
        // Here and not below: whoever asked may be gone by then.
        let reply = move |result: Result<Committed, ChangeError>| {
            if let Some(tokens) = tokens {
                tokens.good.invalidate();
            }
            drop(tx.send(result));
        };
        self.store.submit_on(terms, Change::new(actor, operation), now, reply);
        rx.await.map_err(|_| Stopping)
    }

    /// Undoes a change, and waits until that is durable and visible, or refused. It takes as long as reading what the
    /// change did.
    ///
    /// # Errors
    /// The holder may not undo, or the server is going down.
    pub async fn undo(
        self: &Arc<Self>,
        holder: &Holder,
        seq: u64,
        now: UnixTime,
    ) -> Result<Result<Committed, ChangeError>, UndoError> {
        holder.rights().permit_undo()?;
        let store = self.store.clone();
        let staged = block(move || Ok::<_, Stopping>(store.stage_undo(seq, false, now))).await?;
        let operation = match staged {
            Ok(operation) => operation,
            Err(err) => return Ok(Err(err)),
        };
        Ok(self.submit(holder.permit(operation)?, Terms::default(), now).await?)
    }

    /// The token with this text, as the store has it.
    async fn read(
        self: &Arc<Self>,
        text: TokenText,
        now: UnixTime,
    ) -> Result<Arc<KnownToken>, NotAuthenticated> {
        let tokens = self.clone();
        block(move || {
            let generation = tokens.good.generation();
            let not_good = match tokens.store.read(now).authenticate(&text)? {
                Authentication::Good(good) => {
                    let token = Arc::new(KnownToken::new(*good, &tokens.meters));
                    tokens.good.insert(generation, &text, token.clone());
                    return Ok(token);
                }
                Authentication::Expired => NotAuthenticated::Expired,
                Authentication::Unknown => NotAuthenticated::Unknown,
            };
            tokens.good.forget(&text);
            Err(not_good)
        })
        .await
    }
}

/// Runs what may block on a thread for that; a panic there goes on here.
async fn block<T, E>(run: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Stopping> + Send + 'static,
{
    match tokio::task::spawn_blocking(run).await {
        Ok(result) => result,
        Err(err) => match err.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Stopping.into()),
        },
    }
}
