//! How to have a mail server ask the list. The files are those that the tests run with the real ones.

use dnsbl_types::Zone;
use maud::{Markup, html};

use super::frame::{Frame, View};

/// The zone that the files are written with.
const WRITTEN_WITH: &str = "bl.example.org";
/// Where its pages are.
const WRITTEN_WITH_PAGES: &str = "https://bl.example.org/";

/// A file of the folder `deploy`.
struct File {
    /// What it is for.
    heading: &'static str,
    /// Its name there.
    name: &'static str,
    text: &'static str,
}

const FILES: [File; 8] = [
    File {
        heading: "Postfix: smtpd",
        name: "postfix/main.cf.smtpd",
        text: include_str!("../../../deploy/postfix/main.cf.smtpd"),
    },
    File {
        heading: "Postfix: postscreen",
        name: "postfix/main.cf.postscreen",
        text: include_str!("../../../deploy/postfix/main.cf.postscreen"),
    },
    File {
        heading: "Exim",
        name: "exim/dnslists.acl",
        text: include_str!("../../../deploy/exim/dnslists.acl"),
    },
    File {
        heading: "Sendmail",
        name: "sendmail/dnsbl.mc",
        text: include_str!("../../../deploy/sendmail/dnsbl.mc"),
    },
    File {
        heading: "SpamAssassin",
        name: "spamassassin/dnsbl.cf",
        text: include_str!("../../../deploy/spamassassin/dnsbl.cf"),
    },
    File {
        heading: "rspamd",
        name: "rspamd/rbl.conf",
        text: include_str!("../../../deploy/rspamd/rbl.conf"),
    },
    File {
        heading: "Postfix: dnsbl policy",
        name: "postfix/main.cf.policy",
        text: include_str!("../../../deploy/postfix/main.cf.policy"),
    },
    File {
        heading: "dnsbl policy",
        name: "dnsbl-policy.toml",
        text: include_str!("../../../deploy/dnsbl-policy.toml"),
    },
];

/// The page, for the first of the zones of addresses.
pub(crate) fn how_to_use(view: View<'_>, zones: &[&Zone]) -> Markup {
    let title = view.text("menu-use");
    let zone = zones.iter().find(|zone| zone.kind.has_addresses());
    let origin = zone.map_or_else(|| WRITTEN_WITH.to_owned(), |zone| zone.origin.to_string());
    let main = html! {
        h1 { (title) }
        (view.paragraphs("use-intro"))
        h2 { (view.text("use-try")) }
        pre { "dig +short 2.0.0.127." (origin) " A\ndig +short 1.0.0.127." (origin) " A" }
        p { (view.text("use-try-text")) }
        h2 { (view.text("use-rules")) }
        (view.paragraphs("use-rules-text"))
        h2 { (view.text("use-resolver")) }
        (view.paragraphs("use-resolver-text"))
        @for file in &FILES {
            h2 { (file.heading) }
            p.quiet { code { "deploy/" (file.name) } }
            pre lang="en" { (for_list(view, file.text, &origin)) }
        }
    };
    Frame { view, place: "use", title, is_private: false }.around(&main)
}

/// A file with the name of the list, and the place of its pages, filled in.
fn for_list(view: View<'_>, text: &str, origin: &str) -> String {
    let pages = match &view.settings.url {
        Some(url) => format!("{}/", url.as_str().trim_end_matches('/')),
        None => format!("https://{origin}/"),
    };
    let parts = text.split(WRITTEN_WITH_PAGES).map(|part| part.replace(WRITTEN_WITH, origin));
    parts.collect::<Vec<_>>().join(&pages)
}
