//! Base32 of RFC 4648 section 6 in lower case and without padding.

use data_encoding::BASE32_NOPAD;

/// The text of these octets.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = BASE32_NOPAD.encode(bytes);
    text.make_ascii_lowercase();
    text
}

/// The octets of this text in lower case; `None` where bits are left over that are not 0.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE32_NOPAD.decode(&text.to_ascii_uppercase()).ok()
}

/// Whether it is a character of base32, in either case.
pub(super) fn is_digit(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'2'..=b'7')
}
