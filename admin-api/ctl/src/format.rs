//! Formats and compression, as file names tell them.

use std::path::Path;

use clap::builder::PossibleValuesParser;

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
    PossibleValuesParser::new(["plain", "ndjson", "csv", "rbldnsd", "bind", "rpz"])
}

/// The types of rbldnsd's data sets that are written, for `--dataset`.
pub(crate) fn written_datasets() -> PossibleValuesParser {
    PossibleValuesParser::new(["ip4set", "ip4trie", "ip6trie", "dnset", "combined"])
}

/// A type of rbldnsd's data sets, for `--dataset`; of a combined file with the name of a part behind it.
pub(crate) fn dataset(text: &str) -> Result<String, String> {
    const TYPES: [&str; 10] = [
        "ip4set", "ip4tset", "ip4trie", "ip6tset", "ip6trie", "dnset", "dnhash", "generic",
        "combined", "acl",
    ];
    if TYPES.contains(&text) || text.starts_with("combined:") {
        return Ok(text.to_owned());
    }
    Err(format!("it is none of {}, combined:SUB", TYPES.join(", ")))
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
