//! What of a configuration is about lists.

/// Something about lists, and the line on which it begins (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) about: About,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The value of `postscreen_dnsbl_sites`.
    PostscreenSites(String),
    /// The value of `postscreen_dnsbl_threshold`.
    PostscreenThreshold(String),
    /// `postscreen_dnsbl_reply_map` is set.
    PostscreenReplyMap,
    /// `rbl_reply_maps` is set.
    RblReplyMaps,
    /// A restriction of smtpd, such as `reject_rbl_client`, and its argument.
    Restriction(String, String),
    /// The value of `dnslists`.
    EximLists(String),
}

/// Restrictions of smtpd that ask lists.
const RESTRICTIONS: [&str; 8] = [
    "reject_rbl_client",
    "permit_dnswl_client",
    "reject_rhsbl_client",
    "reject_rhsbl_reverse_client",
    "reject_rhsbl_helo",
    "reject_rhsbl_sender",
    "reject_rhsbl_recipient",
    "permit_rhswl_client",
];

/// Finds everything about lists. A single line may lack the name that says what it is.
pub(super) fn read(text: &str) -> Vec<Line> {
    let lines = logical(text);
    let found: Vec<Line> = lines.iter().flat_map(|(number, line)| about(*number, line)).collect();
    match (found.is_empty(), &lines[..]) {
        (true, [(number, line)]) if !line.contains(" = ") => {
            vec![Line { number: *number, about: guess(line) }]
        }
        _ => found,
    }
}

/// Lines with those joined that continue them: by a backslash behind in Exim, else by a blank in front.
fn logical(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let (mut continued, is_exim) = (false, text.contains("dnslists"));
    for (number, line) in (1..).zip(text.lines()) {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let indented = line.starts_with([' ', '\t']) && !is_exim;
        let end = bare.strip_suffix('\\');
        match lines.last_mut() {
            Some((_, last)) if continued || indented => {
                last.push(' ');
                last.push_str(end.unwrap_or(bare).trim());
            }
            _ => lines.push((number, end.unwrap_or(bare).trim().to_owned())),
        }
        continued = end.is_some();
    }
    lines
}

fn about(number: usize, line: &str) -> Vec<Line> {
    let of = |about| Line { number, about };
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let value = value.trim().to_owned();
    match name.trim() {
        "postscreen_dnsbl_sites" => return vec![of(About::PostscreenSites(value))],
        "postscreen_dnsbl_threshold" => return vec![of(About::PostscreenThreshold(value))],
        "postscreen_dnsbl_reply_map" => return vec![of(About::PostscreenReplyMap)],
        "rbl_reply_maps" => return vec![of(About::RblReplyMaps)],
        _ => {}
    }
    if let Some((_, value)) = line.split_once("dnslists")
        && let Some(value) = value.trim_start().strip_prefix('=')
    {
        return vec![of(About::EximLists(value.trim().to_owned()))];
    }
    let words: Vec<&str> = line.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect();
    let pairs = words.windows(2).filter(|pair| RESTRICTIONS.contains(&pair[0]));
    pairs.map(|pair| of(About::Restriction(pair[0].into(), pair[1].into()))).collect()
}

/// What a line is that does not say so: only Exim's have `!`, `&`, `+` and colons.
fn guess(line: &str) -> About {
    if line.contains(['!', '&', '+', ':', '/']) {
        About::EximLists(line.to_owned())
    } else {
        About::PostscreenSites(line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{About, Line, read};

    fn restriction(number: usize, name: &str, zone: &str) -> Line {
        Line { number, about: About::Restriction(name.into(), zone.into()) }
    }

    #[test]
    fn postfix_continues_lines_with_blanks_in_front() {
        let text = "# comment\nmydomain = example.org\nsmtpd_recipient_restrictions =\n  permit_mynetworks,\n# no end\n  \
                    reject_rbl_client bl.example.org=127.0.0.2,\n\treject_rhsbl_sender dbl.example.org\n";
        assert_eq!(
            read(text),
            [
                restriction(3, "reject_rbl_client", "bl.example.org=127.0.0.2"),
                restriction(3, "reject_rhsbl_sender", "dbl.example.org")
            ]
        );
    }

    #[test]
    fn exim_continues_them_with_a_backslash_behind() {
        let text = "acl_rcpt:\n  deny message = no\n       dnslists = a.example : \\\n                  b.example!=127.0.0.2\n  accept\n";
        let about = About::EximLists("a.example : b.example!=127.0.0.2".into());
        assert_eq!(read(text), [Line { number: 3, about }]);
    }

    #[test]
    fn a_bare_line_is_taken_for_what_it_looks_like() {
        let about = |text: &str| read(text).remove(0).about;
        assert_eq!(
            about("a.example*2 b.example"),
            About::PostscreenSites("a.example*2 b.example".into())
        );
        assert_eq!(about("a.example!&0.0.0.2"), About::EximLists("a.example!&0.0.0.2".into()));
        assert_eq!(read("a = b\nc = d\n"), []);
    }
}
