//! What a body seems to be, where it is not what it was said to be.

use std::fmt;

use dnsbl_types::Subject;

/// Something else than a list in one of our formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seems {
    /// A web page.
    Page,
    /// Text of two bytes a character.
    Utf16,
    /// Compressed, or packed.
    Packed(&'static str),
    /// No text.
    Binary(&'static str),
    /// JSON that is not one listing a line.
    Json,
    /// Columns.
    Csv,
    /// For a resolver or `/etc/hosts`.
    Hosts,
    /// With values, directives, or names that begin with a dot.
    Rbldnsd,
    /// First and last addresses.
    Ranges,
    /// First address, last address, bits.
    Dshield,
    /// Netmasks, or prefixes cut short.
    Netmasks,
    /// Records.
    ZoneFile,
    /// For an ad blocker.
    AdBlock,
    /// For dnsmasq or unbound.
    Resolver,
    /// URLs.
    Urls,
    /// Mail addresses.
    Mailboxes,
}

impl Seems {
    /// Its name in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Utf16 => "utf-16",
            Self::Packed(_) => "compressed",
            Self::Binary(_) => "binary",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Hosts => "hosts",
            Self::Rbldnsd => "rbldnsd",
            Self::Ranges => "ranges",
            Self::Dshield => "dshield",
            Self::Netmasks => "netmasks",
            Self::ZoneFile => "zone-file",
            Self::AdBlock => "ad-block",
            Self::Resolver => "resolver-config",
            Self::Urls => "urls",
            Self::Mailboxes => "mailboxes",
        }
    }

    /// What begins so is no list, whatever lines in it might pass for rows.
    pub(crate) fn of_head(head: &[u8]) -> Option<Self> {
        let packed = PACKED.iter().find(|(magic, _)| head.starts_with(magic));
        if let Some((_, name)) = packed {
            return Some(Self::Packed(name));
        }
        let binary = BINARY.iter().find(|(magic, _)| head.starts_with(magic));
        if let Some((_, name)) = binary {
            return Some(Self::Binary(name));
        }
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || is_wide(head) {
            return Some(Self::Utf16);
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        text.trim_ascii_start().starts_with(b"<").then_some(Self::Page)
    }
}

/// The type of rbldnsd's data set that such a subject stands in most likely.
pub(super) fn dataset_for(subject: &Subject) -> &'static str {
    match subject {
        Subject::V6(_) => "ip6trie",
        Subject::Domain(_) => "dnset",
        Subject::V4(_) => "ip4set",
    }
}

const PACKED: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7-zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress"),
    (b"LZIP", "lzip"),
];

const BINARY: [(&[u8], &str); 3] = [
    (b"%PDF-", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7fELF", "a program"),
];

/// Whether about every second byte is zero.
fn is_wide(head: &[u8]) -> bool {
    let head = &head[..head.len().min(512)];
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    zeros >= 4 && zeros * 3 >= head.len()
}

/// What it is, and what to do about it.
impl fmt::Display for Seems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed(name @ ("gzip" | "zstd")) => write!(
                f,
                "{name} data (once too often, or without Content-Encoding: {name}): unpack it first"
            ),
            Self::Packed(name) => write!(
                f,
                "{name} data, which the server does not unpack: unpack it first, or pack it with gzip or zstd"
            ),
            Self::Binary(name) => f.write_str(name),
            _ => f.write_str(self.text()),
        }
    }
}

impl Seems {
    fn text(self) -> &'static str {
        match self {
            Self::Page => "an HTML page or XML document, such as a notice that the list has moved",
            Self::Utf16 => "UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)",
            Self::Json => {
                "JSON of another shape: format=ndjson has an object a line, with `subject` and not `cidr` or `ip` (jq -c '.[] | {subject: .cidr}')"
            }
            Self::Csv => "CSV: format=csv reads it, under a header that names `subject`",
            Self::Hosts => {
                "a hosts file: for a domain zone, keep the names alone (awk '{print $2}')"
            }
            Self::Rbldnsd => {
                "data of rbldnsd: plain would lose its values; format=rbldnsd reads them, with dataset=ip4set, ip4trie, ip6trie or dnset"
            }
            Self::Ranges => {
                "a list of ranges: write their prefixes; format=rbldnsd&dataset=ip4set reads ranges of IPv4 addresses that are written without blanks"
            }
            Self::Dshield => {
                "a DShield block list: write its first and third column as a prefix (awk '{print $1 \"/\" $3}')"
            }
            Self::Netmasks => "a list with netmasks or short prefixes: write them as address/bits",
            Self::ZoneFile => "a zone file: keep the names or addresses alone",
            Self::AdBlock => "a list for an ad blocker (||domain^): keep the domains alone",
            Self::Resolver => "configuration of dnsmasq or unbound: keep the domains alone",
            Self::Urls => "a list of URLs: keep the hosts alone",
            Self::Mailboxes => "a list of mail addresses: keep the domains alone",
            Self::Packed(_) | Self::Binary(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_what_can_be_no_list() {
        for (head, word) in [
            (&b"<!doctype html>\n<html>"[..], "page"),
            (b"\xef\xbb\xbf\r\n  <?xml version='1.0'?>", "page"),
            (b"\xff\xfe1\x009\x002\0", "utf-16"),
            (b"\xfe\xff\x001\x009", "utf-16"),
            (b"1\x009\x002\0.\x000\0", "utf-16"),
            (b"\x1f\x8b\x08\0", "compressed"),
            (b"BZh91AY", "compressed"),
            (b"PK\x03\x04", "compressed"),
            (b"%PDF-1.4", "binary"),
        ] {
            assert_eq!(Seems::of_head(head).map(Seems::as_str), Some(word), "{head:?}");
        }
        for head in [&b""[..], b"192.0.2.1\n", b"# <a>\n", b"{\"subject\":1}", b"\xef\xbb\xbf1"] {
            assert_eq!(Seems::of_head(head), None, "{head:?}");
        }
    }
}
