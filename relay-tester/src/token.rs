//! Tokens: by them a message that comes back is known.
//!
//! A token is a local part of 36 characters `[a-z2-7]`, which survives case folding, quoting and the
//! rewriting of `%` and `!`: a letter for its kind, 2 characters for the probe, 13 for the test and 20
//! for 100 bits of a keyed BLAKE3 hash over all that the token holds for.

mod base32;
mod test_id;

use std::{fmt, net::IpAddr};

use constant_time_eq::constant_time_eq;
use dnsbl_types::UnixTime;

pub use test_id::{TestId, TestIdError};

/// The purpose of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The recipient of a probe: that it comes back means the host relayed it.
    Return,
    /// The sender of a probe: what comes to it is a bounce.
    Bounce,
    /// The signed header of a probe message.
    Header,
}

/// The facts that a token holds for, beside test and probe. It does not stand in the token: who checks one
/// looks the test up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The tested address.
    pub addr: IpAddr,
    /// The tested port.
    pub port: u16,
    /// From when on it counts no more.
    pub expires_at: UnixTime,
}

/// A token that we made. It shows itself only when asked to.
#[derive(Clone)]
pub struct Token(String);

/// Something with the form of a token, unchecked. It can be found in what a relay made of an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it claims to be for.
    pub kind: Kind,
    /// The probe that it claims.
    pub probe: u8,
    /// The test that it claims.
    pub test: TestId,
    mac: [u8; MAC_LEN],
}

/// A key that tokens are made with.
#[derive(Clone)]
pub struct Key {
    /// Its number.
    pub id: u8,
    /// 32 random octets.
    pub secret: [u8; 32],
}

/// The key in use, and earlier ones whose tokens still count.
#[derive(Clone, Debug)]
pub struct TokenKeys {
    current: Key,
    old: Vec<Key>,
}

/// Characters of the MAC: 5 bits each.
const MAC_LEN: usize = 20;
/// What is hashed begins with this, so that a hash made for something else is no token.
const CONTEXT: &[u8] = b"relay-tester token v1";
/// How many candidates a text may have; relays add at most an address or two.
const MAX_CANDIDATES: usize = 8;

impl Kind {
    const ALL: [Self; 3] = [Self::Return, Self::Bounce, Self::Header];

    fn letter(self) -> u8 {
        match self {
            Self::Return => b'r',
            Self::Bounce => b'b',
            Self::Header => b'h',
        }
    }

    fn of(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter.to_ascii_lowercase())
    }
}

impl TokenKeys {
    /// Keys; tokens are made with the current one.
    pub fn new(current: Key, old: Vec<Key>) -> Self {
        Self { current, old }
    }

    /// Makes a token.
    pub fn mint(&self, kind: Kind, test: TestId, probe: u8, binding: &Binding) -> Token {
        let mac = self.current.mac(kind, test, probe, binding);
        let mut text = String::with_capacity(Token::LEN);
        text.push(char::from(kind.letter()));
        text.push_str(&base32::encode(&[probe]));
        text.push_str(&test.to_string());
        text.extend(mac.map(char::from));
        Token(text)
    }

    /// Whether the candidate was made with one of the keys for this binding, and has not expired.
    pub fn verify(&self, candidate: &Candidate, binding: &Binding, now: UnixTime) -> bool {
        let Candidate { kind, probe, test, mac } = candidate;
        let mut good = false;
        for key in std::iter::once(&self.current).chain(&self.old) {
            good |= constant_time_eq(&key.mac(*kind, *test, *probe, binding), mac);
        }
        good && now < binding.expires_at
    }
}

impl Key {
    fn mac(&self, kind: Kind, test: TestId, probe: u8, binding: &Binding) -> [u8; MAC_LEN] {
        let addr = match binding.addr {
            IpAddr::V4(addr) => addr.to_ipv6_mapped(),
            IpAddr::V6(addr) => addr,
        };
        // Every part has a fixed length, so no two tokens hash the same octets.
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(CONTEXT);
        hasher.update(&[self.id, kind.letter(), probe]);
        hasher.update(&test.0.to_be_bytes());
        hasher.update(&addr.octets());
        hasher.update(&binding.port.to_be_bytes());
        hasher.update(&binding.expires_at.0.to_be_bytes());
        let text = base32::encode(hasher.finalize().as_bytes());
        let mut mac = [0; MAC_LEN];
        mac.copy_from_slice(&text.as_bytes()[..MAC_LEN]);
        mac
    }
}

impl Token {
    /// Characters of a token.
    pub const LEN: usize = 1 + 2 + TestId::LEN + MAC_LEN;

    /// The text, for the wire only: who has it can make a host look like an open relay.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What has the form of a token in this text and stands apart from letters and digits, at most 8.
    pub fn scan(text: &[u8]) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let words = text.split(|byte| !byte.is_ascii_alphanumeric());
        for candidate in words.filter_map(Candidate::read) {
            if found.len() == MAX_CANDIDATES {
                break;
            }
            if !found.contains(&candidate) {
                found.push(candidate);
            }
        }
        found
    }
}

impl Candidate {
    /// Reads exactly one token, in either case.
    fn read(text: &[u8]) -> Option<Self> {
        let kind = Kind::of(*text.first()?)?;
        if text.len() != Token::LEN || !text.iter().copied().all(base32::is_digit) {
            return None;
        }
        let text = text.to_ascii_lowercase();
        let (probe, rest) = text[1..].split_at(2);
        let (test, rest) = rest.split_at(TestId::LEN);
        let test = std::str::from_utf8(test).ok()?.parse().ok()?;
        let &[probe] = base32::decode(probe)?.as_slice() else {
            return None;
        };
        Some(Self { kind, probe, test, mac: rest.try_into().ok()? })
    }
}

/// The text with all that looks like a token cut down to its kind and probe.
///
/// It goes by the form alone: what is no token of ours is cut as well, and what a peer encoded in some
/// way of its own stays, as that peer knows the token anyway.
pub fn cut(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some(&first) = rest.first() {
        let token = rest.get(..Token::LEN).filter(|token| looks_like_token(token));
        let (kept, taken) = match token {
            Some(token) => {
                out.extend_from_slice(&token[..3]);
                ("…".as_bytes(), Token::LEN)
            }
            None => (std::slice::from_ref(&first), 1),
        };
        out.extend_from_slice(kept);
        rest = &rest[taken..];
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn looks_like_token(text: &[u8]) -> bool {
    Kind::of(text[0]).is_some() && text.iter().copied().all(base32::is_digit)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}…)", &self.0[..3])
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.0[..3])
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({:?}, {:?}, probe {})", self.kind, self.test, self.probe)
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;
    use proptest::prelude::*;

    use super::{Binding, Candidate, Key, Kind, TestId, Token, TokenKeys, cut};

    const NOW: UnixTime = UnixTime(1_000);

    fn key(id: u8) -> Key {
        Key { id, secret: [id; 32] }
    }

    fn keys() -> TokenKeys {
        TokenKeys::new(key(1), vec![])
    }

    fn binding() -> Binding {
        Binding { addr: "192.0.2.1".parse().unwrap(), port: 25, expires_at: UnixTime(2_000) }
    }

    fn mint(kind: Kind, probe: u8) -> Token {
        keys().mint(kind, TestId(0x0123_4567_89ab_cdef), probe, &binding())
    }

    fn read(text: &str) -> Candidate {
        let found = Token::scan(text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_token_is_a_local_part_of_36_letters_and_digits_that_begins_with_a_letter() {
        let token = mint(Kind::Return, 255);
        assert_eq!(token.expose().len(), 36);
        assert!(token.expose().starts_with('r'));
        assert!(
            token.expose().bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
        );
    }

    #[test]
    fn a_token_is_found_in_what_relays_make_of_an_address() {
        let token = mint(Kind::Return, 7);
        let t = token.expose();
        for text in [
            t.to_owned(),
            format!("<{t}@probe.example>"),
            format!("<\"nobody@r12.example, {t}\"@probe.example>"),
            format!("<{}@PROBE.EXAMPLE>", t.to_uppercase()),
            format!("<IMCEASMTP-{t}+40probe+2Eexample@x.example>"),
            format!("<probe.example!{t}>"),
            format!("<SRS0=ab=cd=x.example={t}@y.example>"),
        ] {
            let found = Token::scan(text.as_bytes());
            let good = found.iter().filter(|c| keys().verify(c, &binding(), NOW)).count();
            assert_eq!(good, 1, "{text}");
            assert!(found.iter().any(|c| (c.kind, c.probe) == (Kind::Return, 7)));
        }
    }

    #[test]
    fn a_token_holds_for_its_kind_test_probe_address_port_and_time_only() {
        let good = read(mint(Kind::Return, 7).expose());
        let valid = |c: &Candidate, b: &Binding, now| keys().verify(c, b, now);
        assert!(valid(&good, &binding(), NOW));
        let altered = |change: fn(&mut Candidate)| {
            let mut candidate = good.clone();
            change(&mut candidate);
            candidate
        };
        assert!(!valid(&altered(|c| c.kind = Kind::Bounce), &binding(), NOW));
        assert!(!valid(&altered(|c| c.probe = 8), &binding(), NOW));
        assert!(!valid(&altered(|c| c.test = TestId(1)), &binding(), NOW));
        let b = binding();
        assert!(!valid(&good, &Binding { addr: "192.0.2.2".parse().unwrap(), ..b }, NOW));
        assert!(!valid(&good, &Binding { port: 587, ..b }, NOW));
        assert!(!valid(&good, &Binding { expires_at: UnixTime(3_000), ..b }, NOW));
        assert!(valid(&good, &b, UnixTime(1_999)));
        assert!(!valid(&good, &b, UnixTime(2_000)));
    }

    #[test]
    fn a_truncated_mac_is_no_token() {
        let token = mint(Kind::Return, 7);
        for len in 0..Token::LEN {
            assert_eq!(Token::scan(&token.expose().as_bytes()[..len]), []);
        }
    }

    #[test]
    fn tokens_of_an_old_key_count_until_the_key_is_gone() {
        let old = read(mint(Kind::Return, 7).expose());
        let rotated = TokenKeys::new(key(2), vec![key(1)]);
        assert!(rotated.verify(&old, &binding(), NOW));
        assert!(!TokenKeys::new(key(2), vec![]).verify(&old, &binding(), NOW));
        let same_secret = Key { id: 3, secret: [1; 32] };
        assert!(!TokenKeys::new(same_secret, vec![]).verify(&old, &binding(), NOW));
    }

    #[test]
    fn a_token_and_a_key_show_nothing_of_themselves() {
        let token = mint(Kind::Return, 7);
        let secret = &token.expose()[3..];
        for shown in
            [format!("{token}"), format!("{token:?}"), format!("{:?}", read(token.expose()))]
        {
            assert!(!shown.contains(&secret[13..]), "{shown}");
        }
        let keys = format!("{:?}", TokenKeys::new(Key { id: 9, secret: [0xab; 32] }, vec![]));
        assert_eq!(keys, "TokenKeys { current: Key(9, …), old: [] }");
    }

    #[test]
    fn a_cut_text_holds_no_token() {
        let (t, b) = (mint(Kind::Return, 7), mint(Kind::Bounce, 7));
        let text =
            format!("日本 MAIL FROM:<{b}> 250 <{}@x> {}", t.expose(), b.expose().to_uppercase());
        let shown = cut(&text);
        assert_eq!(Token::scan(shown.as_bytes()), []);
        assert!(shown.starts_with("日本 MAIL FROM:<ba4…"), "{shown}");
        assert!(shown.contains("<ra4…@x>"), "{shown}");
    }

    proptest! {
        #[test]
        fn what_was_minted_is_read_back(probe in any::<u8>(), test in any::<u64>()) {
            for kind in Kind::ALL {
                let token = keys().mint(kind, TestId(test), probe, &binding());
                let found = Token::scan(token.expose().as_bytes());
                prop_assert_eq!(found.len(), 1);
                let c = &found[0];
                prop_assert_eq!((c.kind, c.probe, c.test), (kind, probe, TestId(test)));
                prop_assert!(keys().verify(c, &binding(), NOW));
            }
        }

        #[test]
        fn any_other_character_breaks_a_token(at in 1usize..36, to in "[a-z2-7]") {
            let token = mint(Kind::Return, 7);
            let mut text = token.expose().to_owned();
            text.replace_range(at..=at, &to);
            prop_assume!(text != token.expose());
            for c in Token::scan(text.as_bytes()) {
                prop_assert!(!keys().verify(&c, &binding(), NOW));
            }
        }

        #[test]
        fn any_text_can_be_scanned_and_cut(text in ".{0,200}", junk in "[rbha-z2-7]{0,300}") {
            prop_assert!(Token::scan(junk.as_bytes()).len() <= 8);
            prop_assert_eq!(Token::scan(cut(&text).as_bytes()), []);
            prop_assert_eq!(Token::scan(cut(&junk).as_bytes()), []);
        }
    }
}
