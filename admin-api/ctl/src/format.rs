//! Formats and compression, as file names tell them.

use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser};

/// The format of a file, by its name.
pub(crate) fn guess(file: &Path) -> &'static str {
    match unpacked(file).and_then(extension).as_deref() {
        Some("csv") => "csv",
        Some("ndjson" | "jsonl") => "ndjson",
        _ => "plain",
    }
}

/// The formats that are read, for `--format`.
pub(crate) fn reads() -> PossibleValuesParser {
    PossibleValuesParser::new([
        "plain", "ndjson", "csv", "rbldnsd", "json", "ranges", "netmask", "netset", "hosts", "rpz",
        "adblock", "auto",
    ])
}

/// The formats that are written, for `--format`.
pub(crate) fn writes() -> PossibleValuesParser {
    shown_and_hidden(&["plain", "ndjson", "csv"], &["rbldnsd", "bind"])
}

/// The types of rbldnsd's data sets, for `--dataset`.
pub(crate) fn datasets() -> PossibleValuesParser {
    let shown = &["ip4set", "ip4tset", "ip4trie", "ip6tset", "ip6trie", "dnset"];
    shown_and_hidden(shown, &["generic", "combined", "acl"])
}

/// Values of which some are known and hidden, since the server says that they are not built yet.
fn shown_and_hidden(
    shown: &'static [&'static str],
    hidden: &'static [&'static str],
) -> PossibleValuesParser {
    let shown = shown.iter().map(|name| PossibleValue::new(*name));
    let hidden = hidden.iter().map(|name| PossibleValue::new(*name).hide(true));
    PossibleValuesParser::new(shown.chain(hidden))
}

/// How much of a file [`packing`] wants to see, in bytes.
pub(crate) const HEAD: usize = 4;

/// How what begins so is compressed, in the words of HTTP, whatever its file is called. What else it may be
/// packed with is the server's to say.
pub(crate) fn packing(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}

/// How a file is compressed, by its name, in the words of HTTP.
pub(crate) fn encoding(file: &Path) -> Option<&'static str> {
    match extension(file).as_deref() {
        Some("gz") => Some("gzip"),
        Some("zst") => Some("zstd"),
        _ => None,
    }
}

/// The name without what says how it is packed.
fn unpacked(file: &Path) -> Option<&Path> {
    match extension(file).as_deref() {
        Some("gz" | "zst" | "bz2" | "xz" | "zip" | "lz4") => file.file_stem().map(Path::new),
        _ => Some(file),
    }
}

fn extension(file: &Path) -> Option<String> {
    Some(file.extension()?.to_str()?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{encoding, guess, packing};

    #[test]
    fn the_name_tells_format_and_compression() {
        let read = |name| (guess(Path::new(name)), encoding(Path::new(name)));
        assert_eq!(read("a/listings.csv"), ("csv", None));
        assert_eq!(read("listings.CSV.gz"), ("csv", Some("gzip")));
        assert_eq!(read("x.jsonl.zst"), ("ndjson", Some("zstd")));
        assert_eq!(read("x.ndjson"), ("ndjson", None));
        assert_eq!(read("x.txt"), ("plain", None));
        assert_eq!(read("csv.gz"), ("plain", Some("gzip")));
        assert_eq!(read("-"), ("plain", None));
    }

    /// Newcomer A1: a gzip file of another name was read as text.
    #[test]
    fn the_first_bytes_tell_how_a_file_is_packed_whatever_its_name() {
        assert_eq!(packing(b"\x1f\x8b\x08\0"), Some("gzip"));
        assert_eq!(packing(b"\x28\xb5\x2f\xfd"), Some("zstd"));
        assert_eq!(packing(b"192."), None);
        assert_eq!(packing(b""), None);
    }
}
