//! `dnsbl logins` with real files and a server of the test's own.

mod end;
mod following;
mod posting;

use jiff::Timestamp;

use crate::mail_log::{Follower, Reply, Server};

/// Follows a log in which these lines are already.
async fn follow(server: &str, lines: &str, words: &'static [&'static str]) -> Follower {
    Follower::start("logins", server, lines, words).await
}

/// The line of a login that is of now.
fn login(user: &str) -> String {
    login_at(user, Timestamp::now())
}

fn login_at(user: &str, at: Timestamp) -> String {
    format!(
        "{at} mail dovecot[834]: imap-login: Login: user=<{user}>, method=PLAIN, rip=192.0.2.55, \
         lip=203.0.113.25, mpid=836, TLS, session=<QR0Dsmthp8bAAAI3>\n"
    )
}
