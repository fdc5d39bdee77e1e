//! `dnsbl report` with real files and a server of the test's own.

mod end;
mod posting;

use jiff::Timestamp;

use crate::mail_log::{Follower, Reply, Server};

/// Follows a log in which these lines are already.
async fn follow(server: &str, lines: &str, words: &'static [&'static str]) -> Follower {
    Follower::start("report", server, lines, words).await
}

/// Lines of a Postfix that refuses so many recipients, each another one, since now.
fn harvest(client: &str, recipients: std::ops::Range<u32>) -> String {
    recipients.map(|n| refused_at(Timestamp::now(), client, "a@b.example", n)).collect()
}

/// Lines of a Postfix that refuses so many bounces to one recipient.
fn bounces(client: &str, count: u32) -> String {
    (0..count).map(|_| refused_at(Timestamp::now(), client, "", 7)).collect()
}

fn refused_at(at: Timestamp, client: &str, sender: &str, recipient: u32) -> String {
    format!(
        "{at} mail postfix/smtpd[4711]: NOQUEUE: reject: RCPT from unknown[{client}]: 550 5.1.1 \
         <user{recipient}@example.org>: Recipient address rejected: User unknown in local recipient table; \
         from=<{sender}> to=<user{recipient}@example.org> proto=ESMTP helo=<host.example>\n"
    )
}
