//! `If-Match` and `If-None-Match` (RFC 9110 section 13.1), for one (subject, source), one subscriber or one allow entry.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use dnsbl_store::Precondition;

use crate::error::Problem;

/// The entity tag of what change `seq` wrote.
pub(crate) fn etag(seq: u64) -> String {
    format!("\"{seq}\"")
}

/// The condition that a request for one listing carries.
pub(crate) fn read(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let tags = list(headers, &header::IF_MATCH)?;
    let absent = list(headers, &header::IF_NONE_MATCH)?;
    match (tags, absent) {
        (None, None) => Ok(Precondition::None),
        (Some(tags), None) if tags == ["*"] => Ok(Precondition::Matches(Vec::new())),
        (Some(tags), None) => Ok(Precondition::Matches(tags.iter().map(|tag| seq(tag)).collect())),
        (None, Some(tags)) if tags == ["*"] => Ok(Precondition::Absent),
        (None, Some(_)) => Err(Problem::malformed("If-None-Match: only * is understood")),
        (Some(_), Some(_)) => Err(Problem::malformed("If-Match and If-None-Match can't both hold")),
    }
}

/// Whether a client that reads has what carries this tag already (RFC 9110 section 13.1.2).
pub(crate) fn has(headers: &HeaderMap, etag: &str) -> Result<bool, Problem> {
    let tags = list(headers, &header::IF_NONE_MATCH)?.unwrap_or_default();
    // Weak comparison: the same tag, whichever of the two is weak.
    Ok(tags.iter().any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag))
}

/// Refuses conditions where there is nothing that they could be about.
pub(crate) fn refuse(headers: &HeaderMap, why: &str) -> Result<(), Problem> {
    match read(headers)? {
        Precondition::None => Ok(()),
        _ => Err(Problem::malformed(format!(
            "If-Match and If-None-Match are understood for a listing of one source, a subscriber, and an allow entry: {why}"
        ))),
    }
}

fn list(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Vec<String>>, Problem> {
    let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
    if values.is_empty() {
        return Ok(None);
    }
    let mut tags = Vec::new();
    for value in values {
        let text =
            value.to_str().map_err(|_| Problem::malformed(format!("{name}: not readable")))?;
        let parts = text.split(',').map(str::trim);
        tags.extend(parts.filter(|tag| !tag.is_empty()).map(String::from));
    }
    if tags.is_empty() {
        return Err(Problem::malformed(format!("{name}: no entity tag")));
    }
    Ok(Some(tags))
}

/// The change that a tag stands for. Weak and foreign tags stand for none; 0 is never a change.
fn seq(tag: &str) -> u64 {
    tag.trim_matches('"').parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &'static str)]) -> Result<Precondition, Problem> {
        let pairs = pairs
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        read(&pairs.collect())
    }

    #[test]
    fn a_list_of_tags_is_read_and_foreign_tags_match_nothing() {
        let tags = of(&[("if-match", "\"12\", \"x\", W/\"13\"")]).unwrap();
        assert_eq!(tags, Precondition::Matches(vec![12, 0, 0]));
        assert!(!tags.holds(Some(13)));
        let any = of(&[("if-match", "*")]).unwrap();
        assert!(any.holds(Some(7)) && !any.holds(None));
    }

    #[test]
    fn what_a_client_has_is_told_by_weak_comparison() {
        let knows = |value: &'static str| {
            let pair = (header::IF_NONE_MATCH, HeaderValue::from_static(value));
            has(&HeaderMap::from_iter([pair]), "\"12\"").unwrap()
        };
        assert!(knows("\"12\"") && knows("\"1\", W/\"12\"") && knows("*"));
        assert!(!knows("\"1\", 12") && !has(&HeaderMap::new(), "\"12\"").unwrap());
    }

    #[test]
    fn absence_is_asked_for_with_a_star() {
        let absent = of(&[("if-none-match", "*")]).unwrap();
        assert_eq!(absent, Precondition::Absent);
        assert!(of(&[("if-none-match", "\"1\"")]).is_err());
        assert!(of(&[("if-match", "\"1\""), ("if-none-match", "*")]).is_err());
        assert!(of(&[("if-match", " , ")]).is_err());
    }
}
