//! Why somebody is not let in, or may not do something. The texts are those that every face shows; what is about one face
//! only is added there.

use std::{fmt::Display, time::Duration};

use dnsbl_store::StoreError;
use dnsbl_types::{MaxPrefix, Name, Source, Subject, TokenTextError};

use crate::scopes::SOURCES_ALL;

/// Why a text lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum NotAuthenticated {
    /// Too many texts from one network were none. It holds how long until there is another try.
    #[error(
        "too many tokens from this address were no good; a good one is taken again in a moment"
    )]
    TooManyTries(Duration),
    /// It is no token, or not a whole one.
    #[error(transparent)]
    Mistyped(TokenTextError),
    /// The token has expired.
    #[error("this token, or one that it was made with, has expired")]
    Expired,
    /// There is no such token, or not any more.
    #[error(
        "this token is none of this server's: it was revoked, rotated, or is for another server"
    )]
    Unknown,
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server is going down.
    #[error(transparent)]
    Stopping(#[from] Stopping),
}

/// The server is going down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server is stopping")]
pub struct Stopping;

/// Why a change is not undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UndoError {
    /// The token may not undo.
    #[error(transparent)]
    NotPermitted(#[from] NotPermitted),
    /// The server is going down.
    #[error(transparent)]
    Stopping(#[from] Stopping),
}

/// A token has made all the requests that it may make in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this token, or one that it was made with, may make {most} requests a minute")]
pub struct TooManyAMinute {
    /// How many these are.
    pub most: u32,
    /// How long until there is another one.
    pub wait: Duration,
}

/// Why the holder of a token may not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    /// It needs a scope.
    #[error("this needs a token with the scope {0}")]
    Scope(String),
    /// The token is for other networks.
    #[error("this token is not for use from this address")]
    Network,
    /// It is about all zones, and the token is for these.
    #[error("{what} is about all zones, and this token is for {} alone", list(.zones))]
    ServerWide {
        /// What is asked for.
        what: String,
        /// The token's.
        zones: Vec<Name>,
    },
    /// The token is for other zones.
    #[error("this token is for the zones {} and not for {zone}", list(.zones))]
    Zone {
        /// The one that is asked for.
        zone: Name,
        /// The token's.
        zones: Vec<Name>,
    },
    /// It acts on prefixes of any size.
    #[error("{what} acts on prefixes of any size, and this token on none larger than {max}")]
    AnyPrefix {
        /// What is asked for.
        what: String,
        /// The token's largest.
        max: MaxPrefix,
    },
    /// The prefix is too large.
    #[error("this token changes nothing larger than {max}, and {subject} is")]
    Prefix {
        /// The one that is asked for.
        subject: Subject,
        /// The token's largest.
        max: MaxPrefix,
    },
    /// Another token may do more.
    #[error("the token {name} may do more than this one, whose {term} is {own}")]
    Beyond {
        /// That token's name.
        name: String,
        /// By which of its terms.
        term: &'static str,
        /// What this token has there.
        own: String,
    },
    /// The token does not speak for a source.
    #[error("this needs a token with {}; this one speaks for {}", needed(.of, *.is_of_a_part), .own.join(", "))]
    Source {
        /// The one that is asked for.
        of: Source,
        /// Whether it is the source of a part of the server.
        is_of_a_part: bool,
        /// The token's.
        own: Vec<String>,
    },
    /// Another token speaks for a source that this one does not speak for.
    #[error(
        "the token {name} speaks for {of}, which needs the scope {} here; this one speaks for {}",
        SOURCES_ALL,
        .own.join(", ")
    )]
    BeyondSource {
        /// That token's name.
        name: String,
        /// Its source.
        of: String,
        /// The token's.
        own: Vec<String>,
    },
    /// What a source says is that of a part of the server alone.
    #[error("what {of} says is {whose}'s alone; write it as another source")]
    SourceOfAPart {
        /// The source.
        of: Source,
        /// The part of the server.
        whose: &'static str,
    },
    /// What logins grant comes and goes by logins.
    #[error("what logins grant is changed by logins alone")]
    SourceOfLogins(Source),
    /// Nobody does it but the server.
    #[error("only the server does this")]
    ServersOwn,
}

fn list<T: Display>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn needed(source: &Source, is_of_a_part: bool) -> String {
    match is_of_a_part {
        true => format!("the scope {SOURCES_ALL}"),
        false => format!("the scope {SOURCES_ALL}, or one that was made for the source {source}"),
    }
}
