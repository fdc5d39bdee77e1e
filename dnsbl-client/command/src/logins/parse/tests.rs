//! Lines as the programs write them, and lines that others would like to be taken for such.

use proptest::prelude::*;

use super::{Format, Login};
use crate::mail_log::LogLine;

fn login(line: &str) -> Option<Login> {
    Format::Auto.login(&LogLine::parse(line)?)
}

/// Address, user, service, TLS and session.
type Told = (String, String, &'static str, Option<bool>, Option<String>);

fn told(line: &str) -> Option<Told> {
    let Login { address, user, service, tls, session } = login(line)?;
    Some((address.to_string(), user.as_str().to_owned(), service.as_str(), tls, session))
}

#[track_caller]
fn assert_told(
    line: &str,
    address: &str,
    user: &str,
    service: &'static str,
    tls: Option<bool>,
    session: &str,
) {
    let session = (!session.is_empty()).then(|| session.to_owned());
    assert_eq!(told(line), Some((address.into(), user.into(), service, tls, session)), "{line}");
}

const TLS: Option<bool> = Some(true);
const PLAIN: Option<bool> = Some(false);

#[test]
fn logins_of_dovecot_are_read() {
    // 2.3 over syslog, by rsyslog and by the journal; 2.4; without syslog; older ones without `mpid` or `session`.
    for (line, address, user, service, tls, session) in [
        (
            "Mar 25 14:35:00 mail dovecot: imap-login: Login: user=<user@example.com>, method=PLAIN, rip=192.0.2.10, lip=203.0.113.5, mpid=1234, TLS, session=<RvV0BITVsNqsFYMy>",
            "192.0.2.10",
            "user@example.com",
            "imap",
            TLS,
            "RvV0BITVsNqsFYMy",
        ),
        (
            "2026-11-29T15:10:36.207500+00:00 vm dovecot[834]: pop3-login: Login: user=<taro@example.test>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25, mpid=836, session=<QR0Dsmthp8bAAAI3>",
            "192.0.2.55",
            "taro@example.test",
            "pop3",
            None,
            "QR0Dsmthp8bAAAI3",
        ),
        (
            "2026-11-29T15:10:36+0000 vm dovecot[834]: imap-login: Login: user=<taro>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid=836, secured, session=<e5MLrgYvcMZ/AAAB>",
            "127.0.0.1",
            "taro",
            "imap",
            None,
            "e5MLrgYvcMZ/AAAB",
        ),
        (
            "Aug 15 17:06:02 mail dovecot[2749896]: imap-login: Logged in: user=<tom@example.com>, method=XOAUTH2, rip=2001:db8::99, lip=2001:db8::25, TLS, session=<82m0smthu4wgAQ24AAAAAAAAAAAAAACZ>",
            "2001:db8::99",
            "tom@example.com",
            "imap",
            TLS,
            "82m0smthu4wgAQ24AAAAAAAAAAAAAACZ",
        ),
        (
            "Dec 16 15:19:23 imap-login: Info: Logged in: user=<hosain>, method=CRAM-MD5, rip=192.0.2.164, lip=203.0.113.121, mpid=15, session=<E8uwQBNG4pTBiMOk>",
            "192.0.2.164",
            "hosain",
            "imap",
            None,
            "E8uwQBNG4pTBiMOk",
        ),
        (
            "2012-06-09 09:45:08 imap-login: Info: Login: user=<marione>, method=PLAIN, rip=192.0.2.240, lip=203.0.113.1, mpid=16183, TLS",
            "192.0.2.240",
            "marione",
            "imap",
            TLS,
            "",
        ),
        (
            "Jan 21 19:06:28 <mail.info> xyz dovecot: imap-login: Login: user=<user3>, method=PLAIN, rip=192.0.2.3, lip=203.0.113.3, TLS, TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits), session=<tyio4fp/vgBVHf60>",
            "192.0.2.3",
            "user3",
            "imap",
            TLS,
            "tyio4fp/vgBVHf60",
        ),
        (
            "imap-login: Info: Logged in: user=<user1>, method=PLAIN, rip=::ffff:192.0.2.1, lip=::ffff:203.0.113.23, TLS, session=<jQQuO/tL5KWsEwAB>",
            "192.0.2.1",
            "user1",
            "imap",
            TLS,
            "jQQuO/tL5KWsEwAB",
        ),
    ] {
        assert_told(line, address, user, service, tls, session);
    }
}

#[test]
fn logins_of_courier_are_read() {
    for (line, address, user, service, tls) in [
        (
            "Mar 27 15:07:15 debian imapd: LOGIN, user=winrid, ip=[::ffff:127.0.0.1], protocol=IMAP",
            "127.0.0.1",
            "winrid",
            "imap",
            None,
        ),
        (
            "Mar 17 03:25:54 mail imapd: LOGIN, user=bob, ip=[::ffff:192.0.2.205], port=[64109], protocol=IMAP",
            "192.0.2.205",
            "bob",
            "imap",
            None,
        ),
        (
            "Sep  2 11:01:59 web-server imapd-ssl: LOGIN, user=hana@example.org, ip=[2001:db8::1], port=[48801], protocol=IMAP",
            "2001:db8::1",
            "hana@example.org",
            "imap",
            TLS,
        ),
        (
            "Nov 16 01:33:25 mail pop3d-ssl: LOGIN, user=usernm, ip=[::ffff:192.0.2.44], port=[50111]",
            "192.0.2.44",
            "usernm",
            "pop3",
            TLS,
        ),
        (
            "Dec  1 18:29:53 golf764 pop3d: LOGIN, user=usernm@example.net, ip=[::ffff:192.0.2.195], port=[56089]",
            "192.0.2.195",
            "usernm@example.net",
            "pop3",
            None,
        ),
        (
            "Nov 29 15:10:36 mail pop3d[77]: LOGIN, user=taro, ip=[::ffff:192.0.2.55], port=[50111], protocol=POP3, stls=1",
            "192.0.2.55",
            "taro",
            "pop3",
            TLS,
        ),
        (
            "Oct  2 02:07:36 www courierpop3login: LOGIN, user=user@example.org, ip=[::ffff:192.0.2.7]",
            "192.0.2.7",
            "user@example.org",
            "pop3",
            None,
        ),
        (
            "pop3d: INFO: LOGIN, user=taro, ip=[192.0.2.55], port=[50111], protocol=POP3, stls=0",
            "192.0.2.55",
            "taro",
            "pop3",
            None,
        ),
    ] {
        assert_told(line, address, user, service, tls, "");
    }
}

#[test]
fn logins_of_cyrus_are_read() {
    for (line, address, user, service, tls, session) in [
        (
            "2015-12-22T00:05:46.534634-05:00 imap30 sloti30t15/imap[4101108]: login: frontend1.example.net [192.0.2.160] robntest plaintext User logged in SESSIONID=<sloti30t15-4101108-1450760746-1-6931901653674999381>",
            "192.0.2.160",
            "robntest",
            "imap",
            PLAIN,
            "sloti30t15-4101108-1450760746-1-6931901653674999381",
        ),
        (
            "Apr 29 16:55:12 mail cyrus/pop3[27783]: login: [172.16.48.101] andrew plaintext User logged in",
            "172.16.48.101",
            "andrew",
            "pop3",
            PLAIN,
            "",
        ),
        (
            "Nov 29 15:10:36 mail imaps[22164]: login: host.example [2001:db8::55] john.doe@example.org PLAIN+TLS User logged in SESSIONID=<mail.example-22164-1300000000-1>",
            "2001:db8::55",
            "john.doe@example.org",
            "imap",
            TLS,
            "mail.example-22164-1300000000-1",
        ),
        (
            "Nov 29 15:10:36 mail cyrus/pop3s[7]: login: localhost[127.0.0.1] taro APOP+TLS User logged in SESSIONID=<cyrus-18-1432282885-1>",
            "127.0.0.1",
            "taro",
            "pop3",
            TLS,
            "cyrus-18-1432282885-1",
        ),
        (
            "Nov 29 15:10:36 mail cyrus/imap[7]: event=login.good r.sessionid=cyrus-7-1723150181-1 r.clienthost=\"host.example [192.0.2.55]\" u.username=taro login.mech=PLAIN login.tls=1",
            "192.0.2.55",
            "taro",
            "imap",
            TLS,
            "cyrus-7-1723150181-1",
        ),
        (
            "Nov 29 15:10:36 mail cyrus/imap[7]: event=login.good r.clienthost=[192.0.2.55] u.username=taro login.mech=PLAIN login.tls=0 login.magic=\"\"",
            "192.0.2.55",
            "taro",
            "imap",
            PLAIN,
            "",
        ),
    ] {
        assert_told(line, address, user, service, tls, session);
    }
}

#[test]
fn logins_of_qpopper_are_read() {
    for (line, address, user) in [
        (
            "Mar  8 12:53:46 localhost in.qpopper[7597]: (v4.0.9) POP login by user \"nick\" at (out.example.com) 192.0.2.35 [pop_log.c:244]",
            "192.0.2.35",
            "nick",
        ),
        (
            "Nov 29 15:10:36 mail popper[8]: (v4.0.19) POP login by user \"taro\" at (192.0.2.55) 192.0.2.55",
            "192.0.2.55",
            "taro",
        ),
    ] {
        assert_told(line, address, user, "pop3", None, "");
    }
}

#[test]
fn what_is_no_successful_login_grants_nothing() {
    for line in [
        "Nov 29 15:10:36 mail dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<taro>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25, TLS, session=<a>",
        "Nov 29 15:10:36 mail dovecot: imap-login: Aborted login (no auth attempts): rip=192.0.2.55, lip=203.0.113.25",
        "Nov 29 15:10:36 mail dovecot: imap-login: Login aborted: Logged out (auth failed, 1 attempts in 2 secs): user=<x> imap-login: Logged in: user=<victim>, method=PLAIN, rip=203.0.113.99, lip=10.0.0.1>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25",
        "Nov 29 15:10:36 mail dovecot: imap-login: Disconnected: Too many invalid commands: Login: user=<a>, rip=192.0.2.1, lip=192.0.2.2",
        "Nov 29 15:10:36 mail dovecot: imap(taro)<12><a>: Logged out in=54 out=768",
        "Nov 29 15:10:36 mail dovecot: submission-login: Login: user=<taro>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25, session=<a>",
        "Nov 29 15:10:36 mail dovecot: imap-login: proxy(taro): started proxying to 192.0.2.9:143: user=<taro>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25",
        "Nov 29 15:10:36 mail dovecot: imap-login: Login: user=<>, method=PLAIN, rip=192.0.2.55, lip=203.0.113.25",
        "Nov 29 15:10:36 mail dovecot: imap-login: Login: user=<taro>, method=PLAIN, lip=203.0.113.25, session=<a>",
        "Nov 29 15:10:36 mail dovecot: imap-login: Login: user=<taro>, method=PLAIN, rip=, lip=203.0.113.25",
        "Nov 29 15:10:36 mail imapd: LOGIN FAILED, user=taro, ip=[::ffff:192.0.2.55]",
        "Nov 29 15:10:36 mail imapd: LOGOUT, user=taro, ip=[::ffff:192.0.2.55], headers=0, body=0, rcvd=38, sent=387, time=47",
        "Nov 29 15:10:36 mail pop3d: Connection, ip=[::ffff:192.0.2.55]",
        "Nov 29 15:10:36 mail pop3d: LOGIN, user=taro",
        "Nov 29 15:10:36 mail cyrus/imap[7]: badlogin: host.example [192.0.2.55] plain [SASL(-13): authentication failure: Password verification failed]",
        "Nov 29 15:10:36 mail cyrus/pop3[7]: accepted connection",
        "Nov 29 15:10:36 mail cyrus/imap[7]: login: host.example [192.0.2.55] anonymous",
        "Nov 29 15:10:36 mail cyrus/sieve[7]: login: host.example [192.0.2.55] taro PLAIN User logged in",
        "Nov 29 15:10:36 mail cyrus/imap[7]: event=login.bad r.clienthost=[192.0.2.55] u.username=taro error=x",
        "Nov 29 15:10:36 mail cyrus/imap[7]: event=login.good r.clienthost=[192.0.2.55] login.anonymous=1",
        "Nov 29 15:10:36 mail popper[8]: taro at host.example (192.0.2.55): -ERR [AUTH] Password supplied for \"taro\" is incorrect. [pop_pass.c:1290]",
        "Nov 29 15:10:36 mail popper[8]: (v4.0.19) Servicing request from \"host.example\" at 192.0.2.55 [pop_init.c:1408]",
    ] {
        assert_eq!(told(line), None, "{line}");
    }
}

#[test]
fn another_program_that_quotes_a_login_grants_nothing() {
    let quoted =
        "dovecot: imap-login: Login: user=<x>, method=PLAIN, rip=192.0.2.66, lip=203.0.113.25";
    assert!(told(quoted).is_some());
    for head in [
        "Nov 29 15:10:36 mail postfix/smtpd[4]: warning: ",
        "Nov 29 15:10:36 mail postfix/smtpd[4]: NOQUEUE: reject: HELO ",
        "Nov 29 15:10:36 mail dovecot: auth: ",
        "Nov 29 15:10:36 mail dovecot: imap-login: ",
        "Nov 29 15:10:36 mail sendmail[4]: x, ",
        "Nov 29 15:10:36 mail dovecot: imap-login: Login: user=<a>, method=PLAIN, ",
        "from=<",
        " ",
    ] {
        assert_eq!(told(&format!("{head}{quoted}")), None, "{head}");
    }
}

#[test]
fn a_format_reads_its_own_lines_only() {
    let dovecot =
        "dovecot: imap-login: Login: user=<x>, method=PLAIN, rip=192.0.2.66, lip=203.0.113.25";
    let line = LogLine::parse(dovecot).unwrap();
    for (name, format) in Format::ALL {
        let reads = matches!(format, Format::Auto | Format::Dovecot);
        assert_eq!(format.login(&line).is_some(), reads, "{name}");
    }
}

/// The address that the mail server saw.
const TRUE: &str = "192.0.2.55";

/// Pieces of which a stranger would make a name.
const PIECES: [&str; 34] = [
    "taro",
    "@",
    ">",
    "<",
    ", ",
    ",",
    " ",
    "\"",
    "[",
    "]",
    "(",
    ")",
    "=",
    "\\",
    "rip=6.6.6.6",
    "lip=6.6.6.6",
    "ip=[6.6.6.6]",
    "6.6.6.6",
    "[6.6.6.6]",
    "method=PLAIN",
    "session=<a>",
    "user=<b>",
    "Login: ",
    "LOGIN, ",
    "User logged in",
    "SESSIONID=<c>",
    "plain",
    "protocol=IMAP",
    "port=[1]",
    "POP login by user ",
    "at (",
    "[pop_log.c:244]",
    "r.clienthost=6.6.6.6",
    "u.username=b",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,4}",
        1 => any::<char>().prop_filter("syslog writes no line ends", |c| *c != '\n').prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// All lines in which somebody else's choice of a user or host may stand.
fn lines(user: &str, host: &str) -> Vec<String> {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let head = "Nov 29 15:10:36 mail ";
    [
        format!("dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={TRUE}, lip=203.0.113.25, mpid=1, TLS, session=<abc>"),
        format!("dovecot: pop3-login: Logged in: user=<{user}>, method=PLAIN, rip={TRUE}, lip=203.0.113.25"),
        format!("imapd: LOGIN, user={user}, ip=[{TRUE}], port=[50111], protocol=IMAP"),
        format!("pop3d: LOGIN, user={user}, ip=[{TRUE}]"),
        format!("cyrus/imap[1]: login: {host} [{TRUE}] {user} plain User logged in SESSIONID=<abc>"),
        format!("cyrus/pop3[1]: login: {host} [{TRUE}] {user} plain User logged in"),
        format!(
            "cyrus/imap[1]: event=login.good r.clienthost=\"{} [{TRUE}]\" u.username=\"{}\" login.tls=1",
            escaped(host), escaped(user)
        ),
        format!("popper[8]: (v4.0.19) POP login by user \"{user}\" at ({host}) {TRUE} [pop_log.c:244]"),
        format!("popper[8]: (v4.0.19) POP login by user \"{user}\" at ({host}) {TRUE}"),
    ]
    .map(|message| format!("{head}{message}"))
    .into()
}

/// Lines of failures and of other programs.
fn failures(user: &str) -> Vec<String> {
    let head = "Nov 29 15:10:36 mail ";
    [
        format!("dovecot: imap-login: Login aborted: Logged out (auth failed, 1 attempts in 2 secs): user=<{user}>, method=PLAIN, rip={TRUE}, lip=203.0.113.25"),
        format!("dovecot: imap-login: Disconnected (auth failed): user=<{user}>, method=PLAIN, rip={TRUE}, lip=203.0.113.25"),
        format!("dovecot: auth: passwd-file({user},{TRUE}): unknown user"),
        format!("imapd: LOGIN FAILED, user={user}, ip=[{TRUE}]"),
        format!("cyrus/imap[1]: badlogin: {user} [{TRUE}] plain [SASL(-13): authentication failure]"),
        format!("popper[8]: {user} at {user} ({TRUE}): -ERR [AUTH] Password supplied for \"{user}\" is incorrect."),
        format!("postfix/smtpd[4]: NOQUEUE: reject: RCPT from {user}[{TRUE}]: 554 5.7.1 <{user}>: helo=<{user}>"),
    ]
    .map(|message| format!("{head}{message}"))
    .into()
}

#[test]
fn names_that_end_their_field_and_go_on_grant_nothing() {
    for user in [
        "x>, method=PLAIN, rip=6.6.6.6, lip=6.6.6.6",
        "x>, method=PLAIN, rip=6.6.6.6, lip=6.6.6.6, session=<y",
        "x, ip=[6.6.6.6], port=[1], protocol=IMAP",
        "x plain User logged in SESSIONID=<y>",
        "x\" at (h) 6.6.6.6 [pop_log.c:244]",
        "x\" r.clienthost=\"[6.6.6.6]",
    ] {
        for line in lines(user, "host.example") {
            let found = login(&line).map(|login| login.address.to_string());
            assert!(found.is_none(), "{line}: {found:?}");
        }
    }
}

#[test]
fn hosts_that_end_their_field_and_go_on_grant_nothing() {
    for host in [
        "evil [6.6.6.6] root plain User logged in",
        "evil [6.6.6.6] root plain User logged in SESSIONID=<",
        "evil [6.6.6.6]",
        "[6.6.6.6]",
        "evil) 6.6.6.6",
        "evil) 6.6.6.6 [pop_log.c:244]",
        "evil\" u.username=\"root",
    ] {
        for line in lines("taro", host).into_iter().filter(|line| line.contains(host)) {
            let found = login(&line).map(|login| login.address.to_string());
            assert!(found.is_none(), "{line}: {found:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whoever_is_named_gets_the_true_address_or_nothing(user in hostile(), host in hostile()) {
        for line in lines(&user, &host) {
            let found = login(&line).map(|login| login.address.to_string());
            prop_assert!(found.as_deref().is_none_or(|address| address == TRUE), "{line}: {found:?}");
        }
    }

    #[test]
    fn no_failure_is_a_login_whoever_is_named(user in hostile()) {
        for line in failures(&user) {
            prop_assert_eq!(login(&line), None, "{}", line);
        }
    }

    #[test]
    fn no_line_panics(line in "\\PC{0,200}", pieces in hostile()) {
        let _ = login(&line);
        let _ = login(&pieces);
        let _ = login(&format!("Nov 29 15:10:36 {pieces}"));
        let _ = login(&format!("<22>1 2026-11-29T15:10:36Z {pieces}"));
    }
}
