//! CSV: one listing a row, so that an import reads it back and a spreadsheet computes nothing.

use csv::WriterBuilder;
use dnsbl_types::Listing;

use crate::v1::listing::ListingOut;

/// The first line.
pub(super) const HEADER: &str = "subject,source,return_codes,reason,exclusion,tags,note,expires_at,listed_at,updated_at,listed_by\n";

/// Writes a listing.
pub(super) fn add(out: &mut Vec<u8>, listing: &Listing) -> std::io::Result<()> {
    let listing = ListingOut::from(listing);
    let tags: Vec<String> = listing.tags.iter().map(|tag| escape(tag)).collect();
    let row = [
        listing.subject,
        listing.source,
        listing.return_codes.unwrap_or_default().join(";"),
        guard(listing.reason.unwrap_or_default()),
        listing.exclusion.to_string(),
        guard(tags.join(";")),
        guard(listing.note.unwrap_or_default()),
        listing.expires_at.unwrap_or_default(),
        listing.listed_at,
        listing.updated_at,
        guard(listing.listed_by),
    ];
    let mut writer = WriterBuilder::new().buffer_capacity(256).from_writer(out);
    writer.write_record(row)?;
    writer.flush()
}

fn escape(tag: &str) -> String {
    tag.replace('\\', "\\\\").replace(';', "\\;")
}

/// Puts a `'` before free text that a spreadsheet would take for a formula.
fn guard(text: String) -> String {
    if is_formula(&text) { format!("'{text}") } else { text }
}

/// Undoes [`guard`].
pub(crate) fn unguard(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest.to_owned(),
        _ => text,
    }
}

/// Quotes before the sign count as part of it, so that guarding twice is undone twice.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_guarded_and_read_back() {
        for text in ["=1+1", "'=1", "''@x", "-", "plain", "'quoted'", ""] {
            let guarded = guard(text.into());
            assert!(!guarded.starts_with(['=', '+', '-', '@']), "{guarded}");
            assert_eq!(unguard(guarded), text);
        }
    }
}
