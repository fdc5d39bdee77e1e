//! NDJSON: one listing a line, as it reads back.

use dnsbl_types::Listing;

use crate::v1::listing;

/// Writes a listing.
pub(super) fn add(out: &mut Vec<u8>, listing: &Listing) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, &listing::write(listing))?;
    out.push(b'\n');
    Ok(())
}
