//! The A value that says "listed".

use std::{fmt, net::Ipv4Addr, str::FromStr};

/// An A value inside 127.0.0.0/8, never 127.0.0.1 (RFC 5782 sections 2.1 and 2.3).
///
/// 127.0.0.1 is not a return code: lists have used it for "blocked" and "testing", and clients
/// that know that would not take it for a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReturnCode([u8; 3]);

/// Why an address is no return code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnCodeError {
    /// It is not inside 127.0.0.0/8.
    #[error("return code {0} is not inside 127.0.0.0/8")]
    OutsideLoopback(Ipv4Addr),
    /// It is 127.0.0.1.
    #[error("127.0.0.1 is not a return code: clients take it for an error of the list")]
    Localhost,
    /// It is no IPv4 address at all.
    #[error("return code {0:?} is not an IPv4 address")]
    NotAnAddress(String),
}

impl ReturnCode {
    /// 127.0.0.2, the conventional value.
    pub const LISTED: Self = Self([0, 0, 2]);

    /// The A value.
    pub const fn addr(self) -> Ipv4Addr {
        let [b, c, d] = self.0;
        Ipv4Addr::new(127, b, c, d)
    }
}

impl TryFrom<Ipv4Addr> for ReturnCode {
    type Error = ReturnCodeError;

    fn try_from(addr: Ipv4Addr) -> Result<Self, ReturnCodeError> {
        match addr.octets() {
            [127, 0, 0, 1] => Err(ReturnCodeError::Localhost),
            [127, b, c, d] => Ok(Self([b, c, d])),
            _ => Err(ReturnCodeError::OutsideLoopback(addr)),
        }
    }
}

impl FromStr for ReturnCode {
    type Err = ReturnCodeError;

    fn from_str(text: &str) -> Result<Self, ReturnCodeError> {
        let addr = text.parse::<Ipv4Addr>();
        addr.map_err(|_| ReturnCodeError::NotAnAddress(text.chars().take(40).collect()))?.try_into()
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{ReturnCode, ReturnCodeError};

    #[test]
    fn only_loopback_addresses_except_localhost_are_return_codes() {
        assert_eq!("127.0.0.2".parse(), Ok(ReturnCode::LISTED));
        assert_eq!("127.255.255.254".parse::<ReturnCode>().unwrap().to_string(), "127.255.255.254");
        assert_eq!("127.0.0.1".parse::<ReturnCode>(), Err(ReturnCodeError::Localhost));
        for text in ["128.0.0.2", "10.0.0.1", "127.0.0", "::1", ""] {
            assert!(text.parse::<ReturnCode>().is_err(), "{text}");
        }
    }
}
