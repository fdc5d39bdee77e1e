//! Why a line says nothing.

use dnsbl_types::SubjectError;

/// The reason why nothing is taken of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// There is no subject where one should be.
    #[error("{0}")]
    Subject(#[from] SubjectError),
    /// There is no address where one should be.
    #[error("{0:?} is not an address")]
    Address(String),
    /// The last address of a range lies before the first, or is of another family.
    #[error("{0:?} is not a range: its last address does not follow the first")]
    Backwards(String),
    /// It is hardly a range.
    #[error("{0:?} looks like an address and a netmask, which the format netmask reads")]
    Netmask(String),
    /// The mask is none.
    #[error("{0:?} is not a netmask or a number of bits")]
    Mask(String),
    /// The address has bits behind the mask.
    #[error("{given} has host bits set; the prefix is {prefix}")]
    HostBits {
        /// As typed.
        given: String,
        /// The same prefix without host bits.
        prefix: String,
    },
    /// There is more in the line, and it can't be told what it says.
    #[error("{0:?} stands behind the subject, and is not understood")]
    Rest(String),
    /// A hosts file leads the name somewhere.
    #[error("the line leads names to {0}, which lists nothing")]
    Leads(String),
    /// The rule is about something else than a domain, or holds only sometimes.
    #[error("{0:?} is no rule for a whole domain (||example.com^)")]
    Rule(String),
    /// The record of a policy zone does something else than denying the name.
    #[error("{0:?} is no record that denies its name (CNAME . or CNAME *.)")]
    Record(String),
    /// The record is triggered by something else than a name or an address in an answer.
    #[error("{0:?} is about who asks or who answers, which no listing can say")]
    Trigger(String),
    /// The name lies outside of the policy zone, or the zone's own name is not known.
    #[error("{0:?} is not below the zone's own name")]
    Outside(String),
}
