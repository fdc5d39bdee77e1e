//! Paths of the API: each segment percent-encoded, and none that could reach another resource.

use anyhow::ensure;
use ipnet::IpNet;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is encoded: everything but the unreserved characters of RFC 3986 section 2.3, and the colon, which a segment may
/// have (section 3.3): it stands before what is done with a collection, as in `removal-requests:find`.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The path of a v1 resource.
pub(crate) fn v1(segments: &[&str]) -> String {
    let encoded = segments.iter().map(|segment| format!("/{}", encoded(segment)));
    format!("/v1{}", encoded.collect::<String>())
}

/// Reads a word of the command line that becomes a segment.
///
/// URLs drop the segments `.` and `..` even where they are encoded, and an empty one names the
/// collection: deleting such a listing would reach the zone.
pub(crate) fn parse_segment(text: &str) -> anyhow::Result<String> {
    ensure!(!text.is_empty(), "it is empty");
    ensure!(!matches!(text, "." | ".."), "it names nothing");
    Ok(text.to_owned())
}

/// A segment as it stands in a path. The slash of a prefix is an underscore: some proxies decode `%2F`,
/// and make two segments of one.
fn encoded(segment: &str) -> String {
    let net = segment.parse::<IpNet>().ok().zip(segment.rsplit_once('/'));
    let prefix = net.map(|(net, (_, bits))| format!("{}_{bits}", net.addr()));
    utf8_percent_encode(prefix.as_deref().unwrap_or(segment), ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{parse_segment, v1};

    #[test]
    fn segments_are_encoded() {
        let path = |subject| v1(&["zones", "bl.example.org", "listings", subject]);
        let head = "/v1/zones/bl.example.org/listings";
        assert_eq!(path("192.0.2.0/24"), format!("{head}/192.0.2.0_24"));
        assert_eq!(path("*.example.com"), format!("{head}/%2A.example.com"));
        assert_eq!(path("2001:db8::/32"), format!("{head}/2001:db8::_32"));
        assert_eq!(v1(&["removal-requests:find"]), "/v1/removal-requests:find");
        assert_eq!(path("192.0.2.0/x"), format!("{head}/192.0.2.0%2Fx"));
        assert_eq!(path("é %?#"), format!("{head}/%C3%A9%20%25%3F%23"));
    }

    #[test]
    fn no_segment_reaches_another_resource() {
        for subject in ["", ".", ".."] {
            assert!(parse_segment(subject).is_err(), "{subject:?}");
        }
        for subject in ["%2e%2e", "../..", "a/../../..", "...", "\\..\\", "?", "#", "\n"] {
            let subject = parse_segment(subject).unwrap();
            let path = v1(&["zones", "z", "listings", &subject]);
            let url = Url::parse(&format!("http://localhost{path}")).unwrap();
            assert_eq!(url.path(), path);
            assert_eq!(url.path_segments().unwrap().count(), 5, "{subject:?}");
        }
    }
}
