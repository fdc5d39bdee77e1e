//! CSV: one listing a row, so that an import reads it back and a spreadsheet computes nothing.

use csv::WriterBuilder;
use dnsbl_types::Listing;

use crate::v1::listing;

/// The first line.
pub(super) const HEADER: &str = "subject,source,return_codes,reason,exclusion,tags,note,expires_at,listed_at,updated_at,listed_by\n";

/// Writes a listing.
pub(super) fn add(out: &mut Vec<u8>, listing: &Listing) -> std::io::Result<()> {
    let listing = listing::write(listing);
    let tags: Vec<String> = listing.tags.iter().map(|tag| escape(tag)).collect();
    let row = [
        listing.subject,
        listing.source,
        listing.return_codes.unwrap_or_default().join(";"),
        guard(&listing.reason.unwrap_or_default()),
        listing.exclusion.to_string(),
        guard(&tags.join(";")),
        guard(&listing.note.unwrap_or_default()),
        listing.expires_at.unwrap_or_default(),
        listing.listed_at,
        listing.updated_at,
        guard(&listing.listed_by),
    ];
    let mut writer = WriterBuilder::new().buffer_capacity(256).from_writer(out);
    writer.write_record(row)?;
    writer.flush()
}

fn escape(tag: &str) -> String {
    tag.replace('\\', "\\\\").replace(';', "\\;")
}

/// Puts a `'` before free text that a spreadsheet would take for a formula, and before each part that
/// would be a cell of its own where `;` separates columns.
fn guard(text: &str) -> String {
    each_part(text, |part| if is_formula(part) { format!("'{part}") } else { part.into() })
}

/// Undoes [`guard`].
pub(crate) fn unguard(text: &str) -> String {
    each_part(text, |part| match part.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest.into(),
        _ => part.into(),
    })
}

fn each_part(text: &str, change: impl Fn(&str) -> String) -> String {
    let parts: Vec<String> = text.split(';').map(change).collect();
    parts.join(";")
}

/// Quotes before the sign count as part of it, so that guarding twice is undone twice. Blanks before it
/// do too: some programs drop them.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches(['\'', ' ']);
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security L10: where `;` separates columns, what follows one is a cell of its own.
    #[test]
    fn formulas_are_guarded_and_read_back() {
        let signs = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
        for text in [
            "=1+1",
            "'=1",
            "''@x",
            "-",
            "plain",
            "'quoted'",
            "",
            "a;=cmd|' /C calc'!A0",
            "x;'=1;y",
            ";=",
            "\n=1",
            "＝1+1",
            " =1",
            "a; =1",
            "a;b",
            ";;",
            "'",
            "';'",
        ] {
            let guarded = guard(text);
            for part in guarded.split(';') {
                assert!(!part.trim_start_matches(' ').starts_with(signs), "{guarded}");
            }
            assert_eq!(unguard(&guarded), text);
        }
    }
}
