//! What is written in a mail, and how it looks on its way (RFC 5322).

use std::fmt;

use data_encoding::BASE64;
use dnsbl_types::UnixTime;
use jiff::{Timestamp, fmt::rfc2822};

use super::{Catalogue, MailSettings};
use crate::{Contact, Language, RemovalId, Removed, Request, State, Ticket};

/// Octets of a text that one encoded word holds, so that it fits a line (RFC 2047 section 2).
const WORD: usize = 42;

/// The number of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MailId(pub(crate) u64);

impl MailId {
    /// The number that follows another at a time.
    pub(crate) fn after(self, now: UnixTime) -> Self {
        Self(RemovalId(self.0).after(now).0)
    }
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A mail that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueuedMail {
    pub(crate) id: MailId,
    pub(crate) to: Contact,
    /// Header and body, with CRLF, in 7-bit ASCII.
    pub(crate) message: String,
    /// When it was written.
    pub(crate) since: UnixTime,
    /// How often it was tried in vain.
    pub(crate) tries: u32,
}

/// Why somebody is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    /// To confirm the request with this ticket.
    Confirm(Ticket),
    /// To tell what has come of it.
    Answer,
}

impl Letter {
    /// The mail about a request; `None` where there is nothing to tell yet.
    pub(crate) fn write(
        &self,
        request: &Request,
        settings: &MailSettings,
        catalogue: &Catalogue,
    ) -> Option<(String, String)> {
        let mut values =
            vec![("subject", request.subject.to_string()), ("zone", request.zone.to_string())];
        let decided = request.decision.as_ref().and_then(|decision| decision.note.as_ref());
        let note = match decided {
            Some(note) => note.as_str().to_owned(),
            None => catalogue.fill(request.language, "no-note", &[]),
        };
        let until = |removed: &Removed| ("until", shown_time(removed.cached_until));
        let key = match (self, &request.state) {
            (Self::Confirm(ticket), _) => {
                let hours = Request::CONFIRM_WITHIN / 3600;
                let link = link(settings, request.language, ticket);
                values.extend([("link", link), ("hours", hours.to_string())]);
                "confirm"
            }
            (Self::Answer, State::Done(removed)) => {
                values.push(until(removed));
                "done"
            }
            (Self::Answer, State::Granted(removed)) => {
                values.extend([("note", note), until(removed)]);
                "granted"
            }
            (Self::Answer, State::Refused(None)) => {
                values.push(("note", note));
                "refused"
            }
            (Self::Answer, State::Refused(Some(verdict))) => {
                values.extend([("verdict", verdict.clone()), ("test", note)]);
                "open"
            }
            (Self::Answer, State::Unconfirmed(_) | State::Waiting(_) | State::Retest(_)) => {
                return None;
            }
        };
        let text = |part: &str| catalogue.fill(request.language, &format!("{key}-{part}"), &values);
        let name = [("name", settings.name.clone())];
        let signature = catalogue.fill(request.language, "signature", &name);
        Some((text("subject"), format!("{}\n\n-- \n{signature}\n", text("body"))))
    }
}

impl QueuedMail {
    /// A mail that was not tried yet.
    pub(crate) fn new(
        id: MailId,
        to: Contact,
        language: Language,
        (subject, body): &(String, String),
        settings: &MailSettings,
        now: UnixTime,
    ) -> Self {
        let from = &settings.from;
        let lines = [
            format!("Date: {}", date(now)),
            format!("From: {} <{from}>", phrase(&settings.name)),
            format!("To: <{to}>"),
            format!("Subject: {}", unstructured(subject)),
            format!("Message-ID: <removal.{id}@{}>", from.address().domain()),
            "Auto-Submitted: auto-replied".into(),
            format!("Content-Language: {}", language.code()),
            "MIME-Version: 1.0".into(),
            "Content-Type: text/plain; charset=UTF-8".into(),
            "Content-Transfer-Encoding: quoted-printable".into(),
            String::new(),
            quoted_printable::encode_to_str(body.replace('\n', "\r\n")),
        ];
        Self { id, to, message: lines.join("\r\n"), since: now, tries: 0 }
    }
}

/// What is to be followed, or where there are no pages the token alone.
fn link(settings: &MailSettings, language: Language, ticket: &Ticket) -> String {
    let token = ticket.reveal();
    match &settings.url {
        Some(url) => {
            let url = url.trim_end_matches('/');
            format!("{url}/{}/remove/confirm/{token}", language.code())
        }
        None => token,
    }
}

/// A name before a mailbox: as it is where it consists of plain words.
fn phrase(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'-';
    if text.bytes().all(is_plain) && fits(text) { text.to_owned() } else { encoded(text) }
}

/// A subject: as it is where it is ASCII.
fn unstructured(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let is_plain = text.bytes().all(is_plain) && !text.contains("=?");
    if is_plain && fits(text) { text.to_owned() } else { encoded(text) }
}

/// Whether a text is neither empty nor longer than what is left of a line.
fn fits(text: &str) -> bool {
    (1..=60).contains(&text.len())
}

/// A text as encoded words (RFC 2047).
fn encoded(text: &str) -> String {
    let (mut words, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(rest.floor_char_boundary(WORD));
        words.push(format!("=?UTF-8?B?{}?=", BASE64.encode(word.as_bytes())));
        rest = behind;
    }
    words.join("\r\n ")
}

/// A date as headers have it (RFC 5322 section 3.3).
fn date(at: UnixTime) -> String {
    let text = rfc2822::DateTimePrinter::new().timestamp_to_string(&timestamp(at));
    text.unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

/// A time as people read it.
fn shown_time(at: UnixTime) -> String {
    timestamp(at).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn timestamp(at: UnixTime) -> Timestamp {
    let second = i64::try_from(at.0).ok();
    second.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dnsbl_reports::Comment;
    use proptest::prelude::*;

    use super::*;
    use crate::{Decision, TicketDigest, Waiting};

    fn settings() -> MailSettings {
        MailSettings {
            smarthost: "127.0.0.1:25".into(),
            from: "list@example.org".parse().unwrap(),
            name: "Example list".into(),
            url: Some("https://bl.example.org/".into()),
        }
    }

    fn request(language: Language, state: State) -> Request {
        Request {
            id: RemovalId(7),
            zone: "bl.example.org".parse().unwrap(),
            subject: "192.0.2.1".parse().unwrap(),
            by: None,
            network: None,
            comment: None,
            language,
            at: UnixTime(10),
            due: UnixTime(20),
            state,
            decision: Some(Decision {
                by: "reviewer".into(),
                at: UnixTime(30),
                note: Comment::new("we still see it"),
            }),
            is_confirmed: false,
            ticket: TicketDigest([1; 32]),
            confirmation: None,
        }
    }

    /// The keys of a catalogue, with the names of the values that each takes.
    fn keys(language: Language) -> Vec<(String, BTreeSet<String>)> {
        let mut keys: Vec<(String, BTreeSet<String>)> = Vec::new();
        for line in language.source().lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =")
                && !line.starts_with(' ')
            {
                keys.push((key.to_owned(), BTreeSet::new()));
            }
            let values = line.split("{ $").skip(1).filter_map(|rest| rest.split(' ').next());
            if let Some((_, of_last)) = keys.last_mut() {
                of_last.extend(values.map(ToOwned::to_owned));
            }
        }
        keys
    }

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_values() {
        let [english, japanese] = Language::ALL.map(keys);
        assert_eq!(english, japanese);
    }

    #[test]
    fn every_state_that_is_an_answer_has_its_text_in_every_language() {
        let removed = Removed { at: UnixTime(0), cached_until: UnixTime(1_700_000_000) };
        let (catalogue, ticket) = (Catalogue::load(), Ticket::new(RemovalId(7), [3; 16]));
        for language in Language::ALL {
            let write = |letter: Letter, state| {
                letter.write(&request(language, state), &settings(), &catalogue)
            };
            let waiting = State::Waiting(Waiting { removed_at: None, wider: None });
            for (state, word) in [
                (State::Done(removed), "2023-11-14 22:13 UTC"),
                (State::Granted(removed), "we still see it"),
                (State::Refused(None), "we still see it"),
                (State::Refused(Some("open".into())), "open"),
            ] {
                let (subject, body) = write(Letter::Answer, state).unwrap();
                assert!(subject.contains("192.0.2.1") && body.contains(word), "{body}");
                assert!(body.contains("Example list"), "{body}");
            }
            assert_eq!(write(Letter::Answer, waiting.clone()), None);
            let (_, body) = write(Letter::Confirm(ticket.clone()), waiting).unwrap();
            let code = language.code();
            let link = format!("https://bl.example.org/{code}/remove/confirm/{}", ticket.reveal());
            assert!(body.contains(&link), "{body}");
        }
    }

    #[test]
    fn a_mail_is_seven_bit_ascii_with_short_lines_and_one_header() {
        let (catalogue, settings) = (Catalogue::load(), settings());
        let request = request(Language::Japanese, State::Refused(None));
        let text = Letter::Answer.write(&request, &settings, &catalogue).unwrap();
        let to = "taro@example.jp".parse().unwrap();
        let mail = QueuedMail::new(MailId(5), to, request.language, &text, &settings, UnixTime(9));
        assert!(mail.message.is_ascii());
        assert!(mail.message.split("\r\n").all(|line| line.len() <= 78 && !line.contains('\n')));
        let (header, _) = mail.message.split_once("\r\n\r\n").unwrap();
        let fields = header.replace("\r\n ", " ");
        assert_eq!(fields.lines().filter(|line| line.starts_with("To: ")).count(), 1);
        assert!(fields.contains("Message-ID: <removal.0000000000000005@example.org>"), "{fields}");
        assert!(fields.contains("From: Example list <list@example.org>"), "{fields}");
    }

    proptest! {
        #[test]
        fn a_text_of_a_header_stays_one_field_of_it_and_can_be_read_back(text in "(?s).{0,300}") {
            for written in [phrase(&text), unstructured(&text)] {
                prop_assert!(written.is_ascii());
                for (at, line) in written.split("\r\n").enumerate() {
                    prop_assert!(line.len() <= 76 && (at == 0 || line.starts_with(' ')), "{}", line);
                    prop_assert!(!line.contains(['\r', '\n']));
                }
                let word = |word: &str| {
                    let inside = word.strip_prefix("=?UTF-8?B?")?.strip_suffix("?=")?;
                    String::from_utf8(BASE64.decode(inside.as_bytes()).ok()?).ok()
                };
                let words: Option<String> = written.split("\r\n ").map(word).collect();
                prop_assert_eq!(words.unwrap_or(written), text.clone());
            }
        }
    }
}
