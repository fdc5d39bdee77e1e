//! DNS cookies (RFC 7873), made and checked so that servers that share a secret take each other's (RFC 9018).
//!
//! A client that sends back the cookie that it was given is where it says it is: nobody can make this server
//! attack it with answers. Time and secrets are parameters; nothing is remembered about clients.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use data_encoding::HEXLOWER_PERMISSIVE;
use dnsbl_types::UnixTime;
use siphasher::sip::SipHasher24;

/// The length of a client cookie, in octets (RFC 7873 section 4).
const CLIENT: usize = 8;
/// The lengths of a server cookie that are well-formed, in octets (RFC 7873 section 4).
const SERVER: std::ops::RangeInclusive<usize> = 8..=32;
/// The length of what we send, in octets: the client's part, and version, timestamp and hash of ours.
const REPLY: usize = CLIENT + 16;
/// The only version of server cookies, and three octets without meaning (RFC 9018 section 4.1).
const VERSION: [u8; 4] = [1, 0, 0, 0];
/// How old a server cookie may be, in seconds (RFC 9018 section 4.3).
const LIFE: u32 = 3_600;
/// How far ahead of our clock the clock of another server may be, in seconds.
const AHEAD: u32 = 300;
/// The age from which a good cookie is replaced, in seconds.
const RENEWED_AFTER: u32 = 1_800;

/// The cookie of a reply, the client's part first.
pub(super) type ReplyCookie = [u8; REPLY];

/// The cookie of a query, judged; with what the reply has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientCookie {
    /// The query has none, or cookies are off.
    Absent,
    /// It has a length that no cookie has.
    Malformed,
    /// The client has none of ours.
    New(ReplyCookie),
    /// What the client takes for ours was made elsewhere, for somebody else, with another secret or too long
    /// ago.
    Bad(ReplyCookie),
    /// It was made here, for this client.
    Good(ReplyCookie),
}

/// The secrets of a group of servers.
pub(crate) struct Secrets {
    current: Secret,
    /// Those that clients may still have cookies of, and those to come.
    accepted: Vec<Secret>,
}

/// A secret of 128 bits.
struct Secret(SipHasher24);

/// The reason why there is no secret in a file. It never shows what stands there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The file can't be read.
    #[error("{}: {reason}", path.display())]
    Io { path: PathBuf, reason: std::io::Error },
    /// What stands there is no secret.
    #[error(
        "{}: its only line is not a secret of 32 hexadecimal digits; `openssl rand -hex 16` makes one",
        path.display()
    )]
    Form { path: PathBuf },
}

/// The cookies of this server.
#[derive(Clone)]
pub(crate) struct Cookies(Arc<Secrets>);

impl Cookies {
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self(Arc::new(secrets))
    }

    /// Judges the COOKIE option of a client's query.
    pub(super) fn judge(&self, option: &[u8], client: IpAddr, now: UnixTime) -> ClientCookie {
        self.0.judge(option, client, now)
    }
}

impl Secrets {
    /// The secrets in these files, one in each: the first makes cookies, those of all are good. `None` without
    /// files.
    ///
    /// # Errors
    /// A file can't be read, or holds something else.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Option<Self>, SecretError> {
        let mut secrets = files.iter().map(|file| Secret::read(file));
        let Some(current) = secrets.next().transpose()? else { return Ok(None) };
        Ok(Some(Self { current, accepted: secrets.collect::<Result<_, _>>()? }))
    }

    /// One secret that no other server has.
    pub(crate) fn of_one_server(random: [u8; 16]) -> Self {
        Self { current: Secret::new(random), accepted: Vec::new() }
    }

    fn judge(&self, option: &[u8], client: IpAddr, now: UnixTime) -> ClientCookie {
        let Some((own, server)) = option.split_first_chunk::<CLIENT>() else {
            return ClientCookie::Malformed;
        };
        // The low 32 bits, as the timestamp has them (RFC 9018 section 4.3).
        let now = now.0 as u32;
        match server {
            [] => ClientCookie::New(self.current.make(own, client, now)),
            _ if !SERVER.contains(&server.len()) => ClientCookie::Malformed,
            _ => match self.current.age(own, server, client, now) {
                Some(..RENEWED_AFTER) => {
                    let mut reply = [0; REPLY];
                    reply.copy_from_slice(option);
                    ClientCookie::Good(reply)
                }
                Some(_) => ClientCookie::Good(self.current.make(own, client, now)),
                None => {
                    let is_good = self
                        .accepted
                        .iter()
                        .any(|secret| secret.age(own, server, client, now).is_some());
                    let reply = self.current.make(own, client, now);
                    if is_good { ClientCookie::Good(reply) } else { ClientCookie::Bad(reply) }
                }
            },
        }
    }
}

impl ClientCookie {
    /// The COOKIE option of the reply.
    pub(super) fn reply(&self) -> Option<&ReplyCookie> {
        match self {
            Self::Absent | Self::Malformed => None,
            Self::New(reply) | Self::Bad(reply) | Self::Good(reply) => Some(reply),
        }
    }
}

impl Secret {
    fn new(secret: [u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(&secret))
    }

    fn read(file: &Path) -> Result<Self, SecretError> {
        let text = std::fs::read_to_string(file)
            .map_err(|reason| SecretError::Io { path: file.into(), reason })?;
        let secret = HEXLOWER_PERMISSIVE.decode(text.trim_end().as_bytes()).ok();
        let secret = secret.and_then(|secret| secret.try_into().ok());
        secret.map(Self::new).ok_or_else(|| SecretError::Form { path: file.into() })
    }

    /// Makes a cookie.
    fn make(&self, own: &[u8; CLIENT], client: IpAddr, now: u32) -> ReplyCookie {
        let mut head = [0; 8];
        head[..4].copy_from_slice(&VERSION);
        head[4..].copy_from_slice(&now.to_be_bytes());
        let mut reply = [0; REPLY];
        reply[..CLIENT].copy_from_slice(own);
        reply[CLIENT..16].copy_from_slice(&head);
        reply[16..].copy_from_slice(&self.hash(own, &head, client));
        reply
    }

    /// The age of a server cookie that was made with this secret for this client, in seconds; `None` if it was
    /// not, or is no good any more. One from a clock ahead of ours has none yet.
    fn age(&self, own: &[u8; CLIENT], server: &[u8], client: IpAddr, now: u32) -> Option<u32> {
        let (head, hash) = server.split_first_chunk::<8>()?;
        let &[version, _, _, _, t1, t2, t3, t4] = head;
        if version != VERSION[0] || hash != self.hash(own, head, client) {
            return None;
        }
        // Serial number arithmetic (RFC 1982).
        let age = now.wrapping_sub(u32::from_be_bytes([t1, t2, t3, t4]));
        match age {
            0..=LIFE => Some(age),
            _ if age.wrapping_neg() <= AHEAD => Some(0),
            _ => None,
        }
    }

    /// What proves that a cookie is ours (RFC 9018 section 4.4).
    fn hash(&self, own: &[u8; CLIENT], head: &[u8; 8], client: IpAddr) -> [u8; 8] {
        let mut input = [0; 32];
        input[..8].copy_from_slice(own);
        input[8..16].copy_from_slice(head);
        let len = match client.to_canonical() {
            IpAddr::V4(addr) => {
                input[16..20].copy_from_slice(&addr.octets());
                20
            }
            IpAddr::V6(addr) => {
                input[16..].copy_from_slice(&addr.octets());
                32
            }
        };
        self.0.hash(&input[..len]).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The secret of RFC 9018 appendices A.1 to A.3.
    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const CLIENT_A1: &str = "198.51.100.100";
    const COOKIE_A1: &str = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
    const TIME_A1: u64 = 1_559_731_985;

    fn bytes(hex: &str) -> Vec<u8> {
        HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap()
    }

    fn secret(hex: &str) -> Secret {
        Secret::new(bytes(hex).try_into().unwrap())
    }

    fn secrets(current: &str, accepted: &[&str]) -> Secrets {
        let accepted = accepted.iter().map(|hex| secret(hex)).collect();
        Secrets { current: secret(current), accepted }
    }

    fn reply(hex: &str) -> ReplyCookie {
        bytes(hex).try_into().unwrap()
    }

    #[track_caller]
    fn check(secrets: &Secrets, option: &str, client: &str, at: u64, expected: ClientCookie) {
        let judged = secrets.judge(&bytes(option), client.parse().unwrap(), UnixTime(at));
        assert_eq!(judged, expected);
    }

    #[test]
    fn rfc9018_a1_a_client_learns_a_cookie() {
        let expected = ClientCookie::New(reply(COOKIE_A1));
        check(&secrets(SECRET, &[]), "2464c4abcf10c957", CLIENT_A1, TIME_A1, expected);
    }

    #[test]
    fn rfc9018_a2_a_cookie_of_forty_minutes_is_good_and_renewed() {
        let renewed = reply("2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
        let expected = ClientCookie::Good(renewed);
        check(&secrets(SECRET, &[]), COOKIE_A1, CLIENT_A1, 1_559_734_385, expected);
    }

    /// The reserved octets are hashed as they came. The example's reply is made after more than an hour, when
    /// the cookie is no good any more.
    #[test]
    fn rfc9018_a3_reserved_octets_of_other_servers_count() {
        let (client, option) =
            ("203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
        let secrets = secrets(SECRET, &[]);
        let judged =
            secrets.judge(&bytes(option), client.parse().unwrap(), UnixTime(1_559_727_985));
        assert_eq!(judged, ClientCookie::Good(reply(option)));
        let renewed = reply("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
        check(&secrets, option, client, 1_559_734_700, ClientCookie::Bad(renewed));
    }

    #[test]
    fn rfc9018_a4_a_cookie_of_the_secret_before_is_good_and_replaced() {
        let (old, new) = ("dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962");
        let client = "2001:db8:220:1:59de:d0f4:8769:82b8";
        let option = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
        let renewed = reply("22681ab97d52c298010000005cf7c609a6bb79d16625507a");
        let at = 1_559_741_961;
        check(&secrets(new, &[old]), option, client, at, ClientCookie::Good(renewed));
        check(&secrets(new, &[]), option, client, at, ClientCookie::Bad(renewed));
        // Each server of a group changes its secret on its own: the new one is taken before it is used.
        let same = ClientCookie::Good(reply(option));
        check(&secrets(old, &[new]), option, client, at, same);
    }

    #[test]
    fn rfc9018_s4_3_a_cookie_lives_for_an_hour_and_may_come_from_five_minutes_ahead() {
        let secrets = secrets(SECRET, &[]);
        let client = CLIENT_A1.parse().unwrap();
        for (at, is_good, is_renewed) in [
            (TIME_A1 - 301, false, true),
            (TIME_A1 - 300, true, false),
            (TIME_A1, true, false),
            (TIME_A1 + 1_799, true, false),
            (TIME_A1 + 1_800, true, true),
            (TIME_A1 + 3_600, true, true),
            (TIME_A1 + 3_601, false, true),
        ] {
            let judged = secrets.judge(&bytes(COOKIE_A1), client, UnixTime(at));
            assert_eq!(matches!(judged, ClientCookie::Good(_)), is_good, "{at}");
            assert_eq!(judged.reply() != Some(&reply(COOKIE_A1)), is_renewed, "{at}");
        }
    }

    /// Timestamps have 32 bits, which end in 2106.
    #[test]
    fn rfc1982_times_go_on_after_the_last_second_of_32_bits() {
        let secrets = secrets(SECRET, &[]);
        let client = CLIENT_A1.parse().unwrap();
        let at = u64::from(u32::MAX) - 5;
        let Some(&cookie) = secrets.judge(&[7; 8], client, UnixTime(at)).reply() else { panic!() };
        let judged = |at| secrets.judge(&cookie, client, UnixTime(at));
        assert_eq!(judged(at + 60), ClientCookie::Good(cookie));
        assert!(matches!(judged(at + 4_000), ClientCookie::Bad(_)));
    }

    #[test]
    fn rfc7873_s5_2_2_lengths_that_no_cookie_has_are_malformed() {
        let secrets = secrets(SECRET, &[]);
        for len in 0..64 {
            let judged = secrets.judge(&vec![1; len], CLIENT_A1.parse().unwrap(), UnixTime(1));
            let malformed = !(len == 8 || (16..=40).contains(&len));
            assert_eq!(judged == ClientCookie::Malformed, malformed, "{len}");
            assert_eq!(matches!(judged, ClientCookie::Bad(_)), len > 8 && !malformed, "{len}");
        }
    }

    #[test]
    fn a_file_has_one_secret_or_its_name_is_told_and_nothing_of_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cookie.secret");
        for (text, is_good) in [
            (format!("{SECRET}\n"), true),
            (SECRET.to_uppercase(), true),
            (SECRET[1..].to_owned(), false),
            (format!("{SECRET}00"), false),
            (format!("{SECRET}\n{SECRET}\n"), false),
            (String::new(), false),
        ] {
            std::fs::write(&file, &text).unwrap();
            match Secrets::read(std::slice::from_ref(&file)) {
                Ok(read) => assert!(is_good && read.is_some(), "{text}"),
                Err(err) => {
                    assert!(!is_good, "{text}: {err}");
                    let said = format!("{err} {err:?}");
                    assert!(
                        said.contains("cookie.secret") && !said.contains(&SECRET[1..]),
                        "{said}"
                    );
                }
            }
        }
        assert!(Secrets::read(&[]).unwrap().is_none());
        assert!(matches!(Secrets::read(&[dir.path().join("x")]), Err(SecretError::Io { .. })));
    }

    proptest! {
        #[test]
        fn a_cookie_is_good_for_whom_it_was_made_and_in_no_other_form(
            own in any::<[u8; 8]>(), client in any::<IpAddr>(), other in any::<IpAddr>(),
            at in 0..u64::from(u32::MAX), later in 0u64..3_600, bit in 0usize..192,
        ) {
            let secrets = secrets(SECRET, &[]);
            let Some(&cookie) = secrets.judge(&own, client, UnixTime(at)).reply() else { panic!() };
            let at = UnixTime(at + later);
            prop_assert!(matches!(secrets.judge(&cookie, client, at), ClientCookie::Good(_)));
            if other.to_canonical() != client.to_canonical() {
                prop_assert!(matches!(secrets.judge(&cookie, other, at), ClientCookie::Bad(_)));
            }
            let mut changed = cookie;
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(matches!(secrets.judge(&changed, client, at), ClientCookie::Bad(_)));
        }
    }
}
