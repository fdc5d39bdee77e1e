//! Sessions of the console: who has signed in. They are in memory only, and end with the server.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use blake3::Hash;
use dnsbl_rights::SecretDigest;

/// How long a session lasts without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long one lasts at most.
const LONGEST: Duration = Duration::from_secs(8 * 3600);
/// The most sessions; one more ends the one that has been idle for longest.
const MOST: usize = 256;
/// The most of one token.
const MOST_OF_TOKEN: usize = 8;

/// The secret of a browser: 256 random bits in its cookie. Of a session's one only the digest is kept.
#[derive(Clone)]
pub(super) struct SessionId([u8; 32]);

/// The sessions.
pub(super) struct Sessions {
    /// Makes the secrets of forms.
    key: [u8; 32],
    open: Mutex<HashMap<Hash, Session>>,
}

struct Session {
    /// The secret that was signed in with.
    secret: SecretDigest,
    begun: Instant,
    seen: Instant,
    /// What the next page says.
    notice: Option<String>,
}

impl SessionId {
    /// The one that these random bytes make.
    pub(super) fn from_random(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads a cookie.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Hash::from_hex(text).ok().map(|bytes| Self(bytes.into()))
    }

    /// The cookie's value.
    pub(super) fn reveal(&self) -> String {
        Hash::from_bytes(self.0).to_hex().to_string()
    }

    fn digest(&self) -> Hash {
        blake3::hash(&self.0)
    }
}

impl Sessions {
    /// None, with a random key for the secrets of forms.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, open: Mutex::default() }
    }

    /// What the forms of this browser carry, so that nobody else makes it send one. It follows from the cookie, so
    /// that the form to sign in has one, too, and nothing is kept for who only looks at it.
    pub(super) fn form_secret(&self, id: &SessionId) -> String {
        blake3::keyed_hash(&self.key, &id.0).to_hex().to_string()
    }

    /// Whether a form is one of this browser's; takes the same time wherever they differ.
    pub(super) fn made_form(&self, id: &SessionId, secret: &str) -> bool {
        Hash::from_hex(secret).is_ok_and(|secret| secret == blake3::keyed_hash(&self.key, &id.0))
    }

    /// Begins a session.
    pub(super) fn begin(&self, id: &SessionId, secret: SecretDigest, now: Instant) {
        let mut open = self.lock();
        open.retain(|_, session| session.is_live(now));
        let of_token = |session: &&Session| session.secret.token() == secret.token();
        if open.values().filter(of_token).count() >= MOST_OF_TOKEN {
            end_idlest(&mut open, |session| session.secret.token() == secret.token());
        }
        if open.len() >= MOST {
            end_idlest(&mut open, |_| true);
        }
        open.insert(id.digest(), Session { secret, begun: now, seen: now, notice: None });
    }

    /// The secret that the session was begun with, if it goes on.
    pub(super) fn find(&self, id: &SessionId, now: Instant) -> Option<SecretDigest> {
        let mut open = self.lock();
        let session = open.get_mut(&id.digest()).filter(|session| session.is_live(now))?;
        session.seen = session.seen.max(now);
        Some(session.secret.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, id: &SessionId) {
        self.lock().remove(&id.digest());
    }

    /// Has the next page say something.
    pub(super) fn leave_notice(&self, id: &SessionId, notice: String) {
        if let Some(session) = self.lock().get_mut(&id.digest()) {
            session.notice = Some(notice);
        }
    }

    /// What this page is to say, once.
    pub(super) fn take_notice(&self, id: &SessionId) -> Option<String> {
        self.lock().get_mut(&id.digest())?.notice.take()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_live(&self, now: Instant) -> bool {
        let lasts = |since: Instant, long| now.saturating_duration_since(since) < long;
        lasts(self.seen, IDLE) && lasts(self.begun, LONGEST)
    }
}

fn end_idlest(open: &mut HashMap<Hash, Session>, is_one: impl Fn(&Session) -> bool) {
    let of_these = open.iter().filter(|(_, session)| is_one(session));
    if let Some(idlest) = of_these.min_by_key(|(_, session)| session.seen).map(|(id, _)| *id) {
        open.remove(&idlest);
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::TokenText;

    use super::*;

    fn id(n: u8) -> SessionId {
        SessionId::from_random([n; 32])
    }

    fn secret(n: u8) -> SecretDigest {
        SecretDigest::of(&TokenText::from_random([n; 8], [n; 32]))
    }

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_at_the_latest_after_a_working_day() {
        let (sessions, begun) = (Sessions::new([1; 32]), Instant::now());
        sessions.begin(&id(1), secret(1), begun);
        sessions.begin(&id(2), secret(1), begun);
        let minute = Duration::from_secs(60);
        for at in 1..480 {
            assert!(sessions.find(&id(1), begun + minute * at).is_some(), "{at}");
        }
        assert!(sessions.find(&id(1), begun + minute * 480).is_none());
        assert!(sessions.find(&id(2), begun + minute * 30).is_none());
    }

    #[test]
    fn sessions_are_bounded_and_the_idlest_goes() {
        let (sessions, now) = (Sessions::new([1; 32]), Instant::now());
        let later = |n: u64| now + Duration::from_secs(n);
        for n in 0..9 {
            sessions.begin(&id(n), secret(1), later(n.into()));
        }
        assert!(sessions.find(&id(0), later(9)).is_none());
        assert!((1..9).all(|n| sessions.find(&id(n), later(9)).is_some()));
        for n in 0..=255 {
            let id = SessionId::from_random([[n; 16], [7; 16]].concat().try_into().unwrap());
            sessions.begin(&id, secret(n), later(10));
        }
        assert_eq!(sessions.lock().len(), MOST);
    }

    #[test]
    fn the_forms_of_one_browser_are_none_of_another() {
        let sessions = Sessions::new([1; 32]);
        let form = sessions.form_secret(&id(1));
        assert!(sessions.made_form(&id(1), &form));
        for other in ["", "00", &sessions.form_secret(&id(2)), &id(1).reveal()] {
            assert!(!sessions.made_form(&id(1), other), "{other}");
        }
        assert!(!Sessions::new([2; 32]).made_form(&id(1), &form), "another server");
        assert!(
            SessionId::parse(&id(1).reveal()).is_some_and(|read| read.reveal() == id(1).reveal())
        );
        assert!(SessionId::parse("xyz").is_none());
    }

    #[test]
    fn a_notice_is_told_once() {
        let sessions = Sessions::new([1; 32]);
        sessions.begin(&id(1), secret(1), Instant::now());
        sessions.leave_notice(&id(1), "done".into());
        assert_eq!(sessions.take_notice(&id(1)).as_deref(), Some("done"));
        assert_eq!(sessions.take_notice(&id(1)), None);
    }
}
