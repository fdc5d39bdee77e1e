//! Qpopper 4: `popper[8]: (v4.0.19) POP login by user "taro" at (host.example) 192.0.2.55 [pop_log.c:244]`.
//!
//! The name of the host comes from DNS, and its owner chose it.

use super::login::{Login, Service, User};
use crate::mail_log::{self, LogLine};

/// The login that a line tells of.
pub(super) fn login(line: &LogLine<'_>) -> Option<Login> {
    if !matches!(line.program, "popper" | "qpopper" | "in.popper" | "in.qpopper") {
        return None;
    }
    let (version, rest) = line.message.strip_prefix("(v")?.split_once(") POP login by user \"")?;
    let (user, rest) = rest.split_once("\" at (")?;
    let (host, rest) = rest.split_once(") ")?;
    let address = match rest.split_once(' ') {
        None => rest,
        Some((address, place)) if is_place(place) => address,
        Some(_) => return None,
    };
    let is_plain = mail_log::is_host(version) && mail_log::is_host(host);
    let user = is_plain.then(|| User::parse(user))??;
    let address = mail_log::address(address)?;
    Some(Login { address, user, service: Service::Pop3, tls: None, session: None })
}

/// Whether this is the place in the source, such as `[pop_log.c:244]`.
fn is_place(text: &str) -> bool {
    let place = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    place.and_then(|place| place.split_once(':')).is_some_and(|(file, line)| {
        mail_log::is_host(file)
            && !line.is_empty()
            && line.bytes().all(|byte| byte.is_ascii_digit())
    })
}
