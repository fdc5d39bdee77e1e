//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again is carried out once, and
//! answered the same.
//!
//! This is the one place that knows of keys. That a request was carried out is written in one batch with its change
//! ([`carried`](crate::carrying::carried) goes along with every change); the answer is written before it is sent. A request with a key goes on
//! where its client is gone, so that an answer is kept for whoever asks again.
//!
//! An answer may hold a secret that is shown but once, so it is encrypted with what only the client has: its token's
//! text and the key.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use dnsbl_rights::KnownToken;
use dnsbl_store::{Remembered, RequestId};
use dnsbl_types::{TokenText, UnixTime};
use http_body_util::BodyExt as _;

use crate::{
    app::App,
    auth::{Asker, bearer},
    carrying::Carrying,
    error::Problem,
    extract::read_body,
};

/// For how many seconds a request is remembered.
pub const REMEMBERED_FOR: u64 = 86_400;
/// How many requests of one token are remembered.
pub const MOST_REMEMBERED: usize = 10_000;

/// The longest answer that is kept, in bytes.
const LONGEST_ANSWER: usize = 256 << 10;
/// The longest key.
const LONGEST_KEY: usize = 255;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// On an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Carries a request out, unless it was carried out before. Bodies that are `streamed` are not kept meanwhile.
pub(crate) async fn run(
    app: &Arc<App>,
    mut request: Request,
    next: Next,
    streamed: bool,
) -> Result<Response, Problem> {
    let Some(key) = key(request.headers())? else { return Ok(next.run(request).await) };
    let changes = matches!(*request.method(), Method::POST | Method::PUT | Method::DELETE);
    let Some((token, secret)) = sender(app, request.headers()).await.filter(|_| changes) else {
        // Whoever has no token is told so, or is none that could be known again.
        return Ok(next.run(request).await);
    };
    let digest = blake3::hash(key.as_bytes()).into();
    let of = RequestId { token: token.record.id.clone(), digest };
    let cipher = Cipher { key, secret };
    let Some(running) = app.running.begin(&of) else { return Err(in_progress()) };
    let asked = of.clone();
    let known = app.read(move |reader| Ok(reader.remembered(&asked)?)).await?;
    let known = known.filter(|known| UnixTime::now() < known.at.plus(REMEMBERED_FOR));
    let (parts, body) = request.into_parts();
    let carrying = Carrying::new(of, head(&parts));
    if let Some(known) = known {
        let body = if streamed {
            drain(app, body, &carrying).await
        } else {
            read(app, body, &carrying).await.map(drop)
        };
        body?;
        if let Some(Asker(asker)) = parts.extensions.get() {
            asker.get_or_init(|| token);
        }
        return replay(&known, carrying.fingerprint(), &cipher);
    }
    let body = match streamed {
        true => {
            let hashing = carrying.clone();
            Body::new(body.map_frame(move |frame| {
                frame.data_ref().into_iter().for_each(|bytes| hashing.add(bytes));
                frame
            }))
        }
        false => Body::from(read(app, body, &carrying).await?),
    };
    request = Request::from_parts(parts, body);
    let (app, carried_out) = (app.clone(), carrying.clone());
    // A task of its own, which goes on where the client is gone.
    let task = tokio::spawn(carrying.scope(async move {
        let response = next.run(request).await;
        let response = keep(&app, &carried_out, cipher, response).await;
        drop(running);
        response
    }));
    match task.await {
        Ok(response) => Ok(response),
        Err(err) => match err.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Problem::stopping()),
        },
    }
}

/// The key of a request, if it carries one: a string of structured fields (RFC 9651), or the same without its quotes.
fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).filter(|_| values.next().is_none());
    let text = text.map(|text| {
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        quoted.unwrap_or(text)
    });
    let is_key = |text: &&str| {
        (1..=LONGEST_KEY).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
    };
    match text.filter(is_key) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::malformed(format!(
            "Idempotency-Key: one string of 1 to {LONGEST_KEY} visible characters, such as a UUID"
        ))),
    }
}

/// The live token of a request, and its text.
async fn sender(app: &App, headers: &HeaderMap) -> Option<(Arc<KnownToken>, String)> {
    // What goes wrong here goes wrong again for the handler, which says so.
    let text = TokenText::parse(bearer(headers).ok()?).ok()?;
    let secret = text.reveal().to_owned();
    let token = app.tokens.look_up(text, UnixTime::now()).await.ok()?;
    Some((token, secret))
}

/// What of a request's head makes it this one.
fn head(parts: &Parts) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let named = [header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH];
    let headers = named.map(|name| parts.headers.get(name).map_or(&[][..], HeaderValue::as_bytes));
    let all = [parts.method.as_str().as_bytes(), target.as_bytes()].into_iter().chain(headers);
    for text in all {
        hasher.update(&(text.len() as u64).to_be_bytes()).update(text);
    }
    hasher
}

async fn read(app: &App, body: Body, carrying: &Carrying) -> Result<Bytes, Problem> {
    let bytes = read_body(body, app).await?;
    carrying.add(&bytes);
    Ok(bytes)
}

/// Reads a body to its end.
async fn drain(app: &App, mut body: Body, carrying: &Carrying) -> Result<(), Problem> {
    let limits = app.limits.load_full();
    let mut left = limits.import_bytes;
    loop {
        let frame = tokio::time::timeout(limits.import_stall, body.frame()).await;
        let frame = frame.map_err(|_| Problem::too_slow("the body stood still"))?;
        let Some(frame) = frame else { return Ok(()) };
        let frame =
            frame.map_err(|err| Problem::malformed(format!("the body broke off: {err}")))?;
        let bytes = frame.data_ref().map_or(&[][..], |bytes| bytes.as_ref());
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            Problem::too_large(format!("the body is larger than {} bytes", limits.import_bytes))
        })?;
        carrying.add(bytes);
    }
}

/// Keeps an answer, where a change was made or could have been. A request that was refused changed nothing, so it may be
/// tried again with the same key.
async fn keep(app: &App, carrying: &Carrying, cipher: Cipher, response: Response) -> Response {
    if !carrying.has_committed() && !response.status().is_success() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(err) => {
            tracing::error!(%err, "an answer could not be kept");
            return Problem::internal().into_response();
        }
    };
    let answer =
        Answer { status: parts.status, headers: parts.headers.clone(), body: bytes.clone() };
    let (store, request, fingerprint) =
        (app.store(), carrying.request().clone(), carrying.fingerprint());
    let kept = app.block(move || {
        let before = store.read(UnixTime::now()).remembered(&request)?;
        let before = before.filter(|before| before.fingerprint == fingerprint);
        let (at, seq) =
            before.map_or_else(|| (UnixTime::now(), 0), |before| (before.at, before.seq));
        let mut known = Remembered { fingerprint, at, seq, answer: None };
        known.answer = answer.sealed(&known, &cipher);
        Ok(store.keep_answer(&request, &known)?)
    });
    if let Err(err) = kept.await {
        // The change is made, and its client shall hear of it.
        tracing::warn!(
            ?err,
            "an answer could not be kept; sent again, its request is told that it was carried out"
        );
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The answer to a request that was carried out before.
fn replay(known: &Remembered, fingerprint: [u8; 32], cipher: &Cipher) -> Result<Response, Problem> {
    if known.fingerprint != fingerprint {
        let detail = "this Idempotency-Key came with another request before: each request has a key of its own";
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            detail,
        ));
    }
    let Some(answer) = Answer::opened(known, cipher) else {
        let detail = format!(
            "the request was carried out and nothing is done again, but its answer is not kept: it is change {} in /v1/changes; a secret that only the answer showed is replaced by rotating it",
            known.seq
        );
        let problem = Problem::new(StatusCode::CONFLICT, "answer-lost", detail);
        return Err(problem.with("seq", known.seq));
    };
    let Answer { status, mut headers, body } = answer;
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok((status, headers, body).into_response())
}

fn in_progress() -> Problem {
    let detail =
        "the request with this Idempotency-Key is being carried out; ask again for its answer";
    Problem::new(StatusCode::CONFLICT, "in-progress", detail).retry_after(1)
}

/// An answer as it is kept.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// What an answer is encrypted with.
struct Cipher {
    key: String,
    /// The text of the token.
    secret: String,
}

impl Cipher {
    /// Encrypts or decrypts. What is derived is used once: for an answer to one request at one time.
    fn apply(&self, of: &Remembered, bytes: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_derive_key("dnsbl 2026 answer to an Idempotency-Key");
        for part in [self.secret.as_bytes(), self.key.as_bytes(), &of.fingerprint] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        let mut stream = hasher.update(&of.at.0.to_be_bytes()).finalize_xof();
        let mut piece = [0; 4096];
        for bytes in bytes.chunks_mut(piece.len()) {
            stream.fill(&mut piece);
            bytes.iter_mut().zip(piece).for_each(|(byte, key)| *byte ^= key);
        }
    }
}

impl Answer {
    /// Begins what is kept, so that it shows whether it was decrypted with the right key.
    fn mark(of: &Remembered) -> &[u8] {
        &of.fingerprint[..16]
    }

    /// Encrypted; `None` where it is too long to be kept.
    fn sealed(&self, of: &Remembered, cipher: &Cipher) -> Option<Vec<u8>> {
        let is_kept = |name: &HeaderName| {
            [header::CONTENT_TYPE, header::ETAG, header::LOCATION].contains(name)
                || name.as_str().starts_with("dnsbl-")
        };
        let headers = self.headers.iter().filter(|(name, _)| is_kept(name));
        let headers: Vec<(&str, &str)> = headers
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let head = serde_json::to_vec(&(self.status.as_u16(), headers)).ok()?;
        let mut bytes = [Self::mark(of), &head, b"\n", &self.body].concat();
        (bytes.len() <= LONGEST_ANSWER).then(|| {
            cipher.apply(of, &mut bytes);
            bytes
        })
    }

    /// Decrypted; `None` where there is none, or the token has another secret since.
    fn opened(of: &Remembered, cipher: &Cipher) -> Option<Self> {
        let mut bytes = of.answer.clone()?;
        cipher.apply(of, &mut bytes);
        let bytes = bytes.strip_prefix(Self::mark(of))?;
        let end = memchr::memchr(b'\n', bytes)?;
        let (status, pairs): (u16, Vec<(String, String)>) =
            serde_json::from_slice(&bytes[..end]).ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
        }
        let body = Bytes::copy_from_slice(&bytes[end + 1..]);
        Some(Self { status: StatusCode::from_u16(status).ok()?, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(secret: &str) -> Cipher {
        Cipher { key: "8e03978e".into(), secret: secret.into() }
    }

    #[test]
    fn an_answer_is_opened_by_its_sender_alone() {
        let pairs = [("etag", "\"7\""), ("dnsbl-seq", "7"), ("connection", "close")];
        let pairs = pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let answer = Answer {
            status: StatusCode::CREATED,
            headers: pairs.into_iter().collect(),
            body: Bytes::from_static(b"{\"token\":\"dnsbl_1_2\"}\n"),
        };
        let at = UnixTime(5);
        let mut known = Remembered { fingerprint: [3; 32], at, seq: 7, answer: None };
        known.answer = answer.sealed(&known, &cipher("secret"));
        let kept = known.answer.clone().unwrap();
        assert!(memchr::memmem::find(&kept, b"dnsbl_1_2").is_none(), "it is no plain text");
        let opened = Answer::opened(&known, &cipher("secret")).unwrap();
        assert_eq!((opened.status, &opened.body), (answer.status, &answer.body));
        assert_eq!(opened.headers.len(), 2);
        assert!(Answer::opened(&known, &cipher("another")).is_none());
    }

    #[test]
    fn a_key_is_one_string_with_or_without_quotes() {
        let read = |values: &[&'static str]| {
            let pairs = values.iter().map(|value| (KEY, HeaderValue::from_static(value)));
            key(&pairs.collect()).map_err(drop)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["\"a-1\""]), Ok(Some("a-1".into())));
        assert_eq!(read(&["a-1"]), Ok(Some("a-1".into())));
        for wrong in [&[""][..], &["\"\""], &["a b"], &["a\"b"], &["a", "b"]] {
            assert_eq!(read(wrong), Err(()), "{wrong:?}");
        }
        assert_eq!(
            key(&[(KEY, "x".repeat(256).parse().unwrap())].into_iter().collect()).ok(),
            None
        );
    }
}
