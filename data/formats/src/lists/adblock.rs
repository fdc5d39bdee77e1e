//! The rules of ad blockers, as far as they are about a domain and all below it.

use dnsbl_types::Subject;

use super::{entry::Entry, error::ListError, words::shown};

/// Options with which a rule says the same.
const WITHOUT_EFFECT: [&str; 2] = ["important", "all"];

/// `||example.com^`, or with `@@` before it an exception.
pub(super) fn line(line: &str) -> Result<Option<Entry>, ListError> {
    let text = line.trim();
    if text.is_empty() || text.starts_with(['!', '[']) || is_comment(text) {
        return Ok(None);
    }
    let other = || ListError::Rule(shown(text));
    let (exclusion, rule) = match text.strip_prefix("@@") {
        Some(rule) => (true, rule),
        None => (false, text),
    };
    let (host, options) =
        rule.strip_prefix("||").and_then(|rule| rule.split_once('^')).ok_or_else(other)?;
    let holds_always = match options.strip_prefix('$') {
        Some(options) => options.split(',').all(|option| WITHOUT_EFFECT.contains(&option)),
        None => options.is_empty(),
    };
    if !holds_always {
        return Err(other());
    }
    let subjects = match host.parse()? {
        Subject::Domain(domain) if domain.is_wildcard() => vec![Subject::Domain(domain)],
        Subject::Domain(domain) => {
            let below = format!("*.{}", domain.name()).parse()?;
            vec![Subject::Domain(domain), below]
        }
        address if address.net().is_some_and(|net| net.prefix_len() == net.max_prefix_len()) => {
            vec![address]
        }
        _ => return Err(other()),
    };
    Ok(Some(Entry { subjects, exclusion }))
}

/// `#` begins a comment, but for `##` and the like, which hide parts of pages.
fn is_comment(text: &str) -> bool {
    text == "#" || text.starts_with("# ") || text.starts_with("#\t")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_for_a_domain_lists_it_and_all_below() {
        let entry = line("||bad.example.com^").unwrap().unwrap();
        let shown: Vec<String> = entry.subjects.iter().map(ToString::to_string).collect();
        assert_eq!(
            (shown.join(" ").as_str(), entry.exclusion),
            ("bad.example.com *.bad.example.com", false)
        );
        assert!(line("@@||good.example.com^$important").unwrap().unwrap().exclusion);
        assert_eq!(line("||*.example.com^").unwrap().unwrap().subjects.len(), 1);
        assert_eq!(line("||192.0.2.1^").unwrap().unwrap().subjects[0].to_string(), "192.0.2.1");
        for nothing in ["! Title: x", "[Adblock Plus 2.0]", "", "# x"] {
            assert_eq!(line(nothing), Ok(None), "{nothing}");
        }
    }

    #[test]
    fn a_rule_that_holds_only_sometimes_lists_nothing() {
        for text in [
            "||example.com^$third-party",
            "||example.com^$domain=example.net",
            "||example.com^$badfilter",
            "||example.com/ads/*",
            "||example.com",
            "|https://example.com^",
            "example.com##.ad",
            "##.ad",
            "/banner/*/img^",
            "example.com",
            "||example.com^x",
            "||192.0.2.0/24^",
        ] {
            assert!(line(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_read_in_part(text in "[|@]{0,4}[a-z0-9.*/^$,=#-]{0,20}") {
            if let Ok(Some(entry)) = line(&text) {
                let rule = text.trim().trim_start_matches("@@");
                let host = rule.trim_start_matches("||").split('^').next().unwrap();
                prop_assert!(rule.starts_with("||") && rule.contains('^'), "{}", text);
                prop_assert_eq!(&entry.subjects[0], &host.parse::<Subject>().unwrap());
            }
        }
    }
}
