//! Formats and compression, as file names tell them.

use std::path::Path;

/// The format of a file, by its name.
pub(crate) fn guess(file: &Path) -> &'static str {
    let plain = match encoding(file) {
        Some(_) => file.file_stem().map(Path::new),
        None => Some(file),
    };
    match plain.and_then(extension).as_deref() {
        Some("csv") => "csv",
        Some("ndjson" | "jsonl") => "ndjson",
        _ => "plain",
    }
}

/// How a file is compressed, in the words of HTTP.
pub(crate) fn encoding(file: &Path) -> Option<&'static str> {
    match extension(file).as_deref() {
        Some("gz") => Some("gzip"),
        Some("zst") => Some("zstd"),
        _ => None,
    }
}

fn extension(file: &Path) -> Option<String> {
    Some(file.extension()?.to_str()?.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{encoding, guess};

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
}
