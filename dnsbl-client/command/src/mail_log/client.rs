//! Clients, as mail servers name them.

use std::net::IpAddr;

/// Reads an address, plain or mapped into IPv6.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether this may be the name of a host, or an address in its place.
pub(crate) fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for text in ["192.0.2.55", "::ffff:192.0.2.55", "::ffff:c000:237"] {
            assert_eq!(address(text), Some([192, 0, 2, 55].into()), "{text}");
        }
        assert_eq!(address("2001:DB8::1").unwrap().to_string(), "2001:db8::1");
        for text in ["", "192.0.2", "192.0.2.055", "192.0.2.55/32", "fe80::1%eth0", " ::1", "[::1]"]
        {
            assert_eq!(address(text), None, "{text:?}");
        }
    }
}
