//! Paths of the API: each segment percent-encoded, and none that could reach another resource.

use std::fmt::Write;

use anyhow::ensure;
use ipnet::IpNet;

/// The path of a v1 resource.
pub(crate) fn v1(segments: &[&str]) -> String {
    let mut path = "/v1".to_owned();
    for segment in segments {
        path.push('/');
        push_encoded(&mut path, segment);
    }
    path
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

/// Everything but the unreserved characters of RFC 3986 section 2.3 is encoded, and the slash of a
/// prefix is an underscore: some proxies decode `%2F`, and make two segments of one.
fn push_encoded(path: &mut String, segment: &str) {
    if let Ok(net) = segment.parse::<IpNet>() {
        let bits = segment.rsplit_once('/').map_or("", |(_, bits)| bits);
        return push_encoded(path, &format!("{}_{bits}", net.addr()));
    }
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(byte.into());
            }
            _ => write!(path, "%{byte:02X}").expect("a string takes all"),
        }
    }
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
        assert_eq!(path("2001:db8::/32"), format!("{head}/2001%3Adb8%3A%3A_32"));
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
