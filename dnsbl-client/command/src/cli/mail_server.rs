//! What the configuration of a mail server says about lists: that of Postfix and of Exim.

mod exim;
mod postfix;
mod statement;
mod text;

pub(super) use self::{statement::Statement, text::Text};

/// What is read, for those whose file is something else.
pub(super) const READ: &str = "of Postfix (main.cf, master.cf) postscreen_dnsbl_sites, reject_rbl_client and its kin, \
     maps_rbl_domains and check_policy_service, of Exim dnslists and the macros in it";

/// Finds everything about lists. A single line may lack the name that says what it is.
pub(super) fn read(text: &str) -> Vec<Statement> {
    let is_exim = exim::is(text);
    let found = if is_exim { exim::read(text) } else { postfix::read(text) };
    if !found.is_empty() {
        return found;
    }
    match postfix::bare(text) {
        Some(line) if is_exim || exim::looks_like_lists(line.as_str()) => exim::lists(line, false),
        Some(line) => vec![Statement::PostscreenSites(line)],
        None => Vec::new(),
    }
}

/// The values of `postscreen_dnsbl_sites` in a text, or the text itself if it is one, and the threshold.
pub(super) fn postscreen_sites(text: &str) -> (Vec<Text>, Option<Text>) {
    postfix::sites(text)
}

/// What a text says of `dnslists`; the text itself if it is the value of one.
pub(super) fn exim_lists(text: &str) -> Vec<Statement> {
    exim::values(text)
}

/// The name in a word that is not set; never the rest of it, which may hold a key.
pub(super) fn unset_name(word: &str) -> &str {
    let start = word.find('$').unwrap_or(0);
    let name = &word[start..];
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_${}()".contains(c);
    &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())]
}

/// Whose configuration it is that nothing was found in, where that can be seen.
pub(super) fn foreign(text: &str) -> Option<&'static str> {
    let has = |word: &str| text.contains(word);
    let zones = || {
        text.lines().any(|line| {
            line.trim_start()
                .strip_prefix("zones")
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        })
    };
    if has("FEATURE(") || has("OSTYPE(") || has("define(`conf") {
        Some("Sendmail (FEATURE(`dnsbl') and FEATURE(`enhdnsbl'))")
    } else if has("check_rbl") || has("urirhssub") || has("uridnsbl ") {
        Some("SpamAssassin")
    } else if has("rbls {") || has("returncodes") || has("symbol =") {
        Some("rspamd")
    } else if has("[[zone]]") {
        Some("our own policy service, which dnsbl check-config checks")
    } else if zones() {
        Some("Haraka (dnsbl.ini)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
