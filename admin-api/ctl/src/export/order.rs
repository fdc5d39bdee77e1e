//! What one file is made of.

use reqwest::{Method, RequestBuilder};

use crate::client::Client;

/// A zone in a format.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) zone: String,
    pub(super) format: String,
    pub(super) data_set: Option<String>,
    pub(super) trigger: Option<String>,
    pub(super) ipv6_forms: bool,
    pub(super) max_names: Option<u64>,
    pub(super) source: Option<String>,
    pub(super) tag: Option<String>,
}

impl Order {
    /// The request for it.
    pub(super) fn request(&self, client: &Client) -> RequestBuilder {
        let max_names = self.max_names.map(|names| names.to_string());
        let options = [
            ("format", Some(self.format.as_str())),
            ("dataset", self.data_set.as_deref()),
            ("trigger", self.trigger.as_deref()),
            ("ipv6_forms", self.ipv6_forms.then_some("1")),
            ("max_names", max_names.as_deref()),
            ("source", self.source.as_deref()),
            ("tag", self.tag.as_deref()),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query: Vec<(&str, &str)> = given.collect();
        client.v1(Method::GET, &["zones", &self.zone, "export"]).query(&query)
    }

    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        let end = match (self.format.as_str(), &self.data_set) {
            ("rbldnsd", Some(data_set)) => data_set,
            ("plain", _) => "txt",
            ("bind", _) => "zone",
            (other, _) => other,
        };
        let zone = self.zone.trim_end_matches('.').to_ascii_lowercase();
        // What can't be in a name of a zone must not lead out of the folder.
        format!("{}.{end}", zone.replace(['/', '\\'], "_"))
    }

    /// Whether the tail of a file shows that it is whole; that of rows does not tell.
    pub(super) fn is_end(&self, tail: &[u8]) -> bool {
        let mark = match self.format.as_str() {
            "rbldnsd" => "# end of ",
            "bind" | "rpz" => "; end of ",
            _ => return true,
        };
        let text = String::from_utf8_lossy(tail);
        let last = text.strip_suffix('\n').and_then(|text| text.lines().last());
        last.is_some_and(|line| line.starts_with(mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(zone: &str, format: &str, data_set: Option<&str>) -> Order {
        Order {
            zone: zone.into(),
            format: format.into(),
            data_set: data_set.map(Into::into),
            trigger: None,
            ipv6_forms: false,
            max_names: None,
            source: None,
            tag: None,
        }
    }

    #[test]
    fn each_zone_format_and_data_set_has_a_file_of_its_own() {
        assert_eq!(order("BL.example.org.", "plain", None).file_name(), "bl.example.org.txt");
        assert_eq!(order("bl.example.org", "bind", None).file_name(), "bl.example.org.zone");
        assert_eq!(order("a", "rbldnsd", Some("ip6trie")).file_name(), "a.ip6trie");
        assert_eq!(order("a", "rbldnsd", None).file_name(), "a.rbldnsd");
        assert_eq!(order("../a", "rpz", None).file_name(), ".._a.rpz");
    }

    #[test]
    fn a_file_without_its_last_line_is_not_whole() {
        let file = order("a", "rbldnsd", None);
        assert!(file.is_end(b"x\n# end of a, serial 7\n"));
        assert!(!file.is_end(b"x\n# end of a, serial 7"));
        assert!(!file.is_end(b"# end of a, serial 7\nx\n") && !file.is_end(b""));
        assert!(order("a", "plain", None).is_end(b""));
    }
}
