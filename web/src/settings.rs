//! The settings of the pages.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use dnsbl_types::Name;
use ipnet::IpNet;
use url::Url;

use crate::{Colors, Languages};

/// The settings of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name of the list, as people say it.
    pub name: String,
    /// Who runs it.
    pub operator: Option<String>,
    /// Where the operator can be reached.
    pub contact: Option<Contact>,
    /// Where the pages are found from outside, such as `https://bl.example.org/`. Links to other languages
    /// and those of feeds are relative without it.
    pub url: Option<Url>,
    /// The languages that there are pages in.
    pub languages: Languages,
    /// The zones that are shown.
    pub zones: ShownZones,
    /// Where the names of hosts are looked up; `None`: they are not, and nothing leaves the machine.
    pub resolver: Option<SocketAddr>,
    /// Whether anybody may ask for removal.
    pub takes_removals: bool,
    /// A drawing in SVG that stands beside the name.
    pub logo: Option<PathBuf>,
    /// Colours in place of the usual ones.
    pub colors: Colors,
    /// Where it is told who is answerable for the pages.
    pub imprint: Option<Url>,
    /// Where pages of the operator's own are.
    pub pages: Option<PathBuf>,
    /// Where the operator's notes of incidents are; read again when they change.
    pub incidents: Option<PathBuf>,
    /// What visitors may cost.
    pub limits: Limits,
}

/// The zones that are shown, those of grants never among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ShownZones {
    /// Those that anybody may ask over DNS.
    #[default]
    Public,
    /// These.
    These(Vec<Name>),
}

/// The most that visitors may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one network: an IPv4 address, an IPv6 /64.
    pub connections_per_network: usize,
    /// Requests a second of one network, of which 20 seconds' may come at once; 0: all.
    pub requests_per_second: u32,
    /// Forms an hour of one network, of which half an hour's may come at once; 0: all.
    pub forms_per_hour: u32,
    /// Proxies in front of the pages: limits of networks don't hold for them, and their `X-Forwarded-For`
    /// tells who asks.
    pub proxies: Vec<IpNet>,
}

/// Where an operator can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// By mail.
    Mail(String),
    /// By a page.
    Page(Url),
}

/// A text that is no contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactError;

impl fmt::Display for ContactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is neither a mail address nor a URL with http or https")
    }
}

impl FromStr for Contact {
    type Err = ContactError;

    fn from_str(text: &str) -> Result<Self, ContactError> {
        if let Some(url) = text.parse::<Url>().ok().filter(is_web) {
            return Ok(Self::Page(url));
        }
        let plain = |c: u8| c.is_ascii_alphanumeric() || b".!#$*+/=^_`{|}~-".contains(&c);
        match text.split_once('@') {
            Some((local, domain))
                if !local.is_empty()
                    && local.len() <= 64
                    && local.bytes().all(plain)
                    && domain.parse::<Name>().is_ok_and(|name| !name.is_root()) =>
            {
                Ok(Self::Mail(text.into()))
            }
            _ => Err(ContactError),
        }
    }
}

impl Contact {
    /// The target of a link to it.
    pub(crate) fn href(&self) -> String {
        match self {
            Self::Mail(address) => format!("mailto:{address}"),
            Self::Page(url) => url.to_string(),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(address) => f.write_str(address),
            Self::Page(url) => f.write_str(url.as_str()),
        }
    }
}

impl Settings {
    /// The address of a page from outside; relative where the settings have none.
    pub(crate) fn link(&self, path: &str) -> String {
        match &self.url {
            Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
            None => path.to_owned(),
        }
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

#[cfg(test)]
mod tests {
    use super::Contact;

    #[test]
    fn a_contact_is_a_mail_address_or_a_page_and_nothing_that_runs() {
        assert!(matches!("abuse@example.org".parse(), Ok(Contact::Mail(_))));
        assert!(matches!("https://example.org/contact".parse(), Ok(Contact::Page(_))));
        for text in ["", "nobody", "javascript:alert(1)", "a b@example.org", "a@", "@b", "a@b?c"] {
            assert!(text.parse::<Contact>().is_err(), "{text}");
        }
    }
}
