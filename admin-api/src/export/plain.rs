//! Plain text: each subject once, with `!` where it is excluded.

use dnsbl_types::{Listing, Subject};

/// Joins the listings of a subject, which come one after another.
#[derive(Default)]
pub(super) struct Plain {
    subject: Option<Subject>,
    exclusion: bool,
}

impl Plain {
    /// Takes a listing; writes the subject before it once that is complete.
    pub(super) fn add(&mut self, out: &mut Vec<u8>, listing: &Listing) {
        if self.subject.as_ref() != Some(&listing.subject) {
            self.end(out);
            self.subject = Some(listing.subject.clone());
            self.exclusion = false;
        }
        self.exclusion |= listing.body.exclusion;
    }

    /// Writes the last subject.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(subject) = self.subject.take() {
            let mark = if self.exclusion { "!" } else { "" };
            out.extend_from_slice(format!("{mark}{subject}\n").as_bytes());
        }
    }
}
