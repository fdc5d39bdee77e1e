//! Return codes: the A values that say "listed".

use std::{fmt, net::Ipv4Addr, str::FromStr};

/// The A value of a listing, inside 127.0.0.0/8, never 127.0.0.1 nor inside 127.255.255.0/24 (RFC 5782 sections 2.1
/// and 2.3).
///
/// 127.0.0.1 is not a return code: lists have used it for "blocked" and "testing", and clients
/// that know that would not take it for a listing. 127.255.255.0/24 says that the list refuses whoever
/// asks: a client that met it at one address would take the whole list for gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReturnCode([u8; 3]);

/// An address that is no return code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnCodeError {
    /// It is not inside 127.0.0.0/8.
    #[error("return code {0} is not inside 127.0.0.0/8")]
    OutsideLoopback(Ipv4Addr),
    /// It is 127.0.0.1.
    #[error("127.0.0.1 is not a return code: clients take it for an error of the list")]
    Localhost,
    /// It lies in 127.255.255.0/24.
    #[error(
        "{0} is not a return code: 127.255.255.0/24 tells clients that the list refuses them, and they stop to use it"
    )]
    Refusal(Ipv4Addr),
    /// It is no IPv4 address at all.
    #[error("return code {0:?} is not an IPv4 address")]
    NotAnAddress(String),
}

impl ReturnCode {
    /// 127.0.0.2, the conventional value.
    pub const LISTED: Self = Self([0, 0, 2]);
    /// 127.0.0.10, by which an allow zone says that an address has a grant.
    pub const GRANTED: Self = Self([0, 0, 10]);

    /// The A value.
    pub const fn addr(self) -> Ipv4Addr {
        let [b, c, d] = self.0;
        Ipv4Addr::new(127, b, c, d)
    }

    /// A value as it was stored. Releases before 0.2 took 127.255.255.0/24, which is shown to operators as
    /// it stands and [never answered](Self::is_answered).
    ///
    /// # Errors
    /// It is not inside 127.0.0.0/8, or it is 127.0.0.1.
    pub fn stored(addr: Ipv4Addr) -> Result<Self, ReturnCodeError> {
        match Self::try_from(addr) {
            Err(ReturnCodeError::Refusal(_)) => {
                let [_, b, c, d] = addr.octets();
                Ok(Self([b, c, d]))
            }
            code => code,
        }
    }

    /// Whether it may be answered: false for what only [`stored`](Self::stored) takes.
    pub const fn is_answered(self) -> bool {
        !matches!(self.0, [255, 255, _])
    }
}

impl TryFrom<Ipv4Addr> for ReturnCode {
    type Error = ReturnCodeError;

    fn try_from(addr: Ipv4Addr) -> Result<Self, ReturnCodeError> {
        match addr.octets() {
            [127, 0, 0, 1] => Err(ReturnCodeError::Localhost),
            [127, 255, 255, _] => Err(ReturnCodeError::Refusal(addr)),
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
    use std::net::Ipv4Addr;

    use super::{ReturnCode, ReturnCodeError};

    #[test]
    fn only_loopback_addresses_except_localhost_are_return_codes() {
        assert_eq!("127.0.0.2".parse(), Ok(ReturnCode::LISTED));
        for text in ["127.255.254.255", "127.254.255.254", "127.0.255.255"] {
            assert_eq!(text.parse::<ReturnCode>().unwrap().to_string(), text);
        }
        assert_eq!("127.0.0.1".parse::<ReturnCode>(), Err(ReturnCodeError::Localhost));
        for text in ["128.0.0.2", "10.0.0.1", "127.0.0", "::1", ""] {
            assert!(text.parse::<ReturnCode>().is_err(), "{text}");
        }
    }

    /// Security M4: one such code turned the list off at its clients.
    #[test]
    fn what_says_that_a_list_refuses_is_no_return_code() {
        for last in [0, 1, 2, 252, 254, 255] {
            let addr = Ipv4Addr::new(127, 255, 255, last);
            assert_eq!(ReturnCode::try_from(addr), Err(ReturnCodeError::Refusal(addr)));
            let stored = ReturnCode::stored(addr).unwrap();
            assert!(stored.addr() == addr && !stored.is_answered());
        }
        assert!(ReturnCode::LISTED.is_answered());
        assert!(ReturnCode::stored(Ipv4Addr::new(127, 0, 0, 1)).is_err());
    }
}
