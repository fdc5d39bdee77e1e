//! What is wrong with a line, and with a whole file.

use std::net::Ipv4Addr;

use dnsbl_types::{ReasonError, ReturnCode, ReturnCodeError};
use ipnet::IpNet;

use super::trap::Trap;

/// The reason for which a line says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It begins with nothing that the data set lists.
    #[error("{given:?} is not {expected}")]
    Subject {
        /// The beginning of the line.
        given: String,
        /// What would have been.
        expected: &'static str,
    },
    /// Bits behind the prefix length are set.
    #[error("{given:?} has host bits set; the prefix is {prefix}")]
    HostBits {
        /// As written.
        given: String,
        /// The same prefix without host bits.
        prefix: IpNet,
    },
    /// The whole address space.
    #[error("0/0 is not taken by ip4set")]
    Everything,
    /// More addresses than `$MAXRANGE4` allows.
    #[error("{count} addresses are more than the {max} of $MAXRANGE4")]
    TooWide {
        /// Addresses of the entry.
        count: u64,
        /// The most.
        max: u64,
    },
    /// No A value where one must stand.
    #[error("{0:?} is not an A value of one to four octets, which follows a colon without a blank")]
    Code(String),
    /// Something between an A value and its text.
    #[error("{0:?} follows an A value: a second colon comes before the text")]
    AfterCode(String),
    /// A directive that means nothing.
    #[error("{0:?} is not a directive, or not with such arguments")]
    Directive(String),
    /// No record.
    #[error("{0:?} is not a record: NAME [TTL] [IN] A, TXT or MX and its data")]
    Record(String),
    /// For which rbldnsd does not load the file.
    #[error("{0}, for which rbldnsd does not load the file")]
    Fatal(&'static str),
    /// A part of a combined file that is for no name.
    #[error("$DATASET names no zone for its data, which are ignored")]
    NoSub,
    /// Parameters of an entry, which only rspamd's fork has.
    #[error(
        "{0:?} ends with parameters of rspamd's fork, which can't be told here: delay and ts hold an entry back, key asks for a key"
    )]
    Parameters(String),
    /// No action of an access list.
    #[error("{0:?} is none of =ignore, =refuse, =empty and =pass")]
    Action(String),
    /// Half a value where there is no default value to take the other half from.
    #[error("write :A:TXT whole: the default is an action, and rbldnsd crashes here")]
    HalfValue,
    /// An A value that is no return code.
    #[error("{error}{from}", from = from_default(*.default))]
    ReturnCode {
        /// Why it is none.
        error: ReturnCodeError,
        /// The line of the default value that has it.
        default: Option<u64>,
    },
    /// A text that can't be a reason.
    #[error("the text can't be a reason: {error}{from}", from = from_default(*.default))]
    Text {
        /// Why not.
        error: TextError,
        /// The line of the default value that has it.
        default: Option<u64>,
    },
    /// A name that rbldnsd takes and that no query has.
    #[error("{name:?} is listed by rbldnsd as it stands and can't be here: {why}")]
    Name {
        /// As written.
        name: String,
        /// What is wrong with it.
        why: NameFault,
    },
    /// An address that rbldnsd reads in a way of its own.
    #[error("{0:?} may be read in several ways: write :: once, or eight groups")]
    Doubtful(String),
    /// What rbldnsd reads otherwise than it looks.
    #[error("{0}")]
    Trap(Trap),
    /// The file has more to say than is kept at once.
    #[error(
        "the file is too large to be read at once: its entries and texts take more than {0} bytes"
    )]
    TooMuch(usize),
}

/// Where a fault comes from.
fn from_default(line: Option<u64>) -> String {
    line.map_or(String::new(), |line| format!(" (the default value of line {line})"))
}

/// The reason for which a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is not UTF-8.
    #[error("byte {0} of it is not UTF-8")]
    Encoding(usize),
    /// The subject, and a dollar that stands for itself behind it.
    #[error("a dollar stands right behind the subject")]
    DollarBehindSubject,
    /// It is no reason.
    #[error("{0}")]
    Reason(#[from] ReasonError),
}

/// The reason for which a name can't be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// A comment without a blank before it.
    #[error("a comment needs a blank before it, else it is part of the name")]
    Comment,
    /// A value without a blank before it.
    #[error("a value needs a blank before it, else it is part of the name")]
    Value,
    /// A URL.
    #[error("it is part of a URL; write the domain alone")]
    Url,
    /// Bytes that queries have as A-labels.
    #[error("queries have international names as A-labels (xn--…); write that")]
    Encoding,
    /// A star that is no wildcard.
    #[error("a star is a wildcard only as the first label, once")]
    Star,
    /// An address.
    #[error("it is an address or ends in a number, which is no domain")]
    Address,
    /// Another character.
    #[error("a name is made of letters, digits, '-' and '_'")]
    Character,
}

impl LineError {
    /// Whether rbldnsd takes the line, so that it answers otherwise.
    pub fn differs(&self) -> bool {
        match self {
            Self::Subject { .. }
            | Self::HostBits { .. }
            | Self::Everything
            | Self::TooWide { .. }
            | Self::Code(_)
            | Self::AfterCode(_)
            | Self::Record(_)
            | Self::NoSub
            | Self::Action(_)
            | Self::Directive(_) => false,
            Self::ReturnCode { .. }
            | Self::Fatal(_)
            | Self::HalfValue
            | Self::Parameters(_)
            | Self::Text { .. }
            | Self::Name { .. }
            | Self::Doubtful(_)
            | Self::Trap(_)
            | Self::TooMuch(_) => true,
        }
    }

    /// Checks that an A value can be answered, which may be that of a default value.
    pub(super) fn check_code(addr: Ipv4Addr, default: Option<u64>) -> Result<(), Self> {
        let code = ReturnCode::try_from(addr);
        code.map(drop).map_err(|error| Self::ReturnCode { error, default })
    }
}

/// The reason for which a file is not served at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is of another type.
    #[error(
        "line {line}: $DATASET begins a part of a combined data set: import it with dataset=combined, which says what to do"
    )]
    Combined {
        /// The line of the first `$DATASET`.
        line: u64,
    },
    /// rbldnsd would not load it.
    #[error("line {line}: {why}; rbldnsd does not load such a file")]
    NotLoaded {
        /// The line that is to blame.
        line: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `$TIMESTAMP` is ahead of the clock.
    #[error(
        "line {line}: $TIMESTAMP lies {ahead} seconds in the future; rbldnsd does not load such a file"
    )]
    FromTheFuture {
        /// The line of the directive.
        line: u64,
        /// By how many seconds.
        ahead: u64,
    },
    /// The file has expired.
    #[error(
        "line {line}: the file expired {ago} seconds ago by its $TIMESTAMP; rbldnsd does not serve it"
    )]
    Expired {
        /// The line of the directive.
        line: u64,
        /// Seconds since.
        ago: u64,
    },
}

/// The first bytes of a text, as messages show them.
pub(super) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned()
}
