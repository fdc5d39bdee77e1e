//! A log over its rotation, and what in it is no login.

use std::fs;

use jiff::{SignedDuration, Timestamp};

use super::{Server, follow, login, login_at};
use crate::mail_log::append;

#[tokio::test]
async fn a_log_is_followed_over_its_rotation() {
    let server = Server::start([]).await;
    let follower = follow(&server.url, &login("before"), &[]).await;
    follower.write(login("one"));
    server.requests(1).await;
    // Moved away and made anew, its writer late.
    let moved = follower.dir.path().join("mail.log.1");
    fs::rename(follower.log(), &moved).unwrap();
    append(&moved, login("two"));
    server.requests(2).await;
    // The log that takes its place will be shorter, however many digits a time has.
    follower.write("Nov 30 08:00:00 mail other[1]: nothing to do with logins\n".repeat(4));
    follower.write(login("three"));
    server.requests(3).await;
    // Emptied in place.
    fs::write(follower.log(), "").unwrap();
    follower.write(login("four"));
    assert_eq!(server.users(4).await, ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_was() {
    let server = Server::start([]).await;
    let words = &["--state-file", "place"];
    let mut follower = follow(&server.url, &login("before"), words).await;
    follower.write(login("one"));
    server.requests(1).await;
    follower.stop().await;
    follower.write(login("two"));
    follower.restart().await;
    server.requests(2).await;
    follower.write(login("three"));
    assert_eq!(server.users(3).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn what_was_not_posted_when_it_was_killed_is_posted_after_a_restart() {
    let server = Server::start([]).await;
    let words = &["--state-file", "place"];
    let mut follower = follow(&server.url, "", words).await;
    follower.write(login("one"));
    server.requests(1).await;
    follower.stop().await;
    server.close();
    follower.write(login("two"));
    follower.restart().await;
    server.requests(2).await;
    follower.kill().await;
    server.open();
    follower.restart().await;
    assert_eq!(server.users(3).await, ["one", "two", "two"]);
}

#[tokio::test]
async fn what_is_old_or_in_doubt_is_not_posted() {
    let server = Server::start([]).await;
    let mut follower = follow(&server.url, "", &["--from-start"]).await;
    let ago = |seconds| Timestamp::now() - SignedDuration::from_secs(seconds);
    follower.write(login_at("old", ago(61)));
    follower.write(login_at("to-come", ago(-120)));
    follower.write(login("x>, method=PLAIN, rip=6.6.6.6, lip=6.6.6.6, session=<y"));
    follower.write(login("failed").replace("Login: ", "Disconnected (auth failed, 1 attempts): "));
    follower.write(login("quoted").replace("dovecot[834]: ", "postfix/smtpd[1]: dovecot: "));
    follower.write(login("no-time").split_once(" mail ").unwrap().1);
    follower.write([b"\xff\xfe ", login("latin").as_bytes()].concat());
    follower.write("x".repeat(100_000) + &login("long"));
    follower.write(login_at("late", ago(30)));
    assert_eq!(server.users(1).await, ["late"]);
    follower.stderr.find(&["WARN", "older than --max-age", "count="]).await;
    follower.stop().await;
    assert_eq!(server.users(1).await, ["late"]);
}

#[tokio::test]
async fn a_log_that_comes_later_is_followed_from_its_start() {
    let server = Server::start([]).await;
    let follower = follow(&server.url, "", &[]).await;
    fs::remove_file(follower.log()).unwrap();
    follower.write(login("one"));
    assert_eq!(server.users(1).await, ["one"]);
}
