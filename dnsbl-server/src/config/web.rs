//! `[web]`: as typed, and checked.

use std::{net::SocketAddr, path::PathBuf};

use dnsbl_daemon::{Access, AccessError, Listen};
use dnsbl_types::{AccessAction, AccessRules, Name};
use dnsbl_web::{Colors, Contact, Language, Languages, Limits, Settings, ShownZones};
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::{
    checked::Web,
    refused::{Refused, all, networks, optional, read, refuse, usual},
};

/// The longest name of a list or an operator, in characters.
const MAX_NAME: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct WebSpec {
    listen: Option<Spanned<String>>,
    socket_mode: Spanned<String>,
    socket_group: Option<Spanned<String>>,
    name: Option<Spanned<String>>,
    operator: Option<Spanned<String>>,
    contact: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    languages: Spanned<Vec<Spanned<String>>>,
    zones: Vec<Spanned<String>>,
    resolver: Option<Spanned<String>>,
    removals: bool,
    logo: Option<Spanned<PathBuf>>,
    colors: ColorsSpec,
    imprint: Option<Spanned<String>>,
    pages: Option<Spanned<PathBuf>>,
    incidents: Option<Spanned<PathBuf>>,
    connections: Spanned<usize>,
    connections_per_network: Spanned<usize>,
    requests_per_second: Spanned<u32>,
    forms_per_hour: Spanned<u32>,
    proxies: Vec<Spanned<String>>,
    admin: bool,
    admin_from: Vec<Spanned<String>>,
}

/// `[web.colors]`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ColorsSpec {
    accent: Option<Spanned<String>>,
    accent_dark: Option<Spanned<String>>,
}

impl ColorsSpec {
    fn check(&self) -> Result<Colors, Refused> {
        let mut colors = Colors::default();
        if let Some(typed) = &self.accent {
            let set = colors.set_accent(read("web.colors.accent", typed)?);
            set.or_else(|err| refuse("web.colors.accent", typed.span(), err.to_string()))?;
        }
        if let Some(typed) = &self.accent_dark {
            let set = colors.set_accent_dark(read("web.colors.accent-dark", typed)?);
            set.or_else(|err| refuse("web.colors.accent-dark", typed.span(), err.to_string()))?;
        }
        Ok(colors)
    }
}

impl Default for WebSpec {
    fn default() -> Self {
        let languages = Language::ALL.map(|language| usual(language.code().to_owned()));
        Self {
            listen: None,
            socket_mode: usual("0660".into()),
            socket_group: None,
            name: None,
            operator: None,
            contact: None,
            url: None,
            languages: usual(languages.into()),
            zones: Vec::new(),
            resolver: None,
            removals: true,
            logo: None,
            colors: ColorsSpec::default(),
            imprint: None,
            pages: None,
            incidents: None,
            connections: usual(512),
            connections_per_network: usual(16),
            requests_per_second: usual(5),
            forms_per_hour: usual(20),
            proxies: Vec::new(),
            admin: false,
            admin_from: vec![usual("127.0.0.0/8".into()), usual("::1/128".into())],
        }
    }
}

impl WebSpec {
    /// `of_server`: who may ask the server over DNS.
    pub(super) fn check(self, of_server: &AccessRules) -> Result<Option<Web>, Refused> {
        for (key, count) in [
            ("web.connections", &self.connections),
            ("web.connections-per-network", &self.connections_per_network),
        ] {
            if !(1..=100_000).contains(count.get_ref()) {
                return refuse(key, count.span(), "it is 1 to 100000");
            }
        }
        if *self.requests_per_second.get_ref() > 1_000_000 {
            let at = self.requests_per_second.span();
            return refuse("web.requests-per-second", at, "it is 0 to 1000000; 0 is off");
        }
        if *self.forms_per_hour.get_ref() > 1_000_000 {
            let at = self.forms_per_hour.span();
            return refuse("web.forms-per-hour", at, "it is 0 to 1000000; 0 is off");
        }
        let limits = Limits {
            connections: *self.connections.get_ref(),
            connections_per_network: *self.connections_per_network.get_ref(),
            requests_per_second: *self.requests_per_second.get_ref(),
            forms_per_hour: *self.forms_per_hour.get_ref(),
            proxies: networks("web.proxies", &self.proxies)?,
        };
        let name = text("web.name", self.name.as_ref())?;
        let settings = Settings {
            name: name.unwrap_or_else(|| "DNS block list".into()),
            operator: text("web.operator", self.operator.as_ref())?,
            contact: optional::<Contact>("web.contact", self.contact.as_ref())?,
            url: self.url()?,
            languages: self.languages()?,
            zones: shown_zones(&self.zones, of_server)?,
            resolver: optional::<SocketAddr>("web.resolver", self.resolver.as_ref())?,
            takes_removals: self.removals,
            logo: path(self.logo.as_ref()),
            colors: self.colors.check()?,
            imprint: self.imprint()?,
            pages: path(self.pages.as_ref()),
            incidents: path(self.incidents.as_ref()),
            limits,
        };
        let access = self.access()?;
        let from = networks("web.admin-from", &self.admin_from)?;
        let admin_from = self.admin.then_some(from);
        let Some(listen) = &self.listen else { return Ok(None) };
        let Some(listen) = Listen::parse(listen.get_ref()) else {
            let detail = "it is neither ADDRESS:PORT, such as 127.0.0.1:8081, nor unix:/path";
            return refuse("web.listen", listen.span(), detail);
        };
        Ok(Some(Web { listen, access, settings, admin_from }))
    }

    fn url(&self) -> Result<Option<Url>, Refused> {
        let Some(typed) = &self.url else { return Ok(None) };
        let url: Url = read("web.url", typed)?;
        let is_plain = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain {
            return Ok(Some(url));
        }
        refuse("web.url", typed.span(), "it is not such as https://bl.example.org/")
    }

    fn imprint(&self) -> Result<Option<Url>, Refused> {
        let Some(typed) = &self.imprint else { return Ok(None) };
        let place: Contact = read("web.imprint", typed)?;
        match place {
            Contact::Page(url) => Ok(Some(url)),
            Contact::Mail(_) => {
                refuse("web.imprint", typed.span(), "it is not such as https://example.org/imprint")
            }
        }
    }

    fn languages(&self) -> Result<Languages, Refused> {
        let languages: Vec<Language> = all("web.languages", self.languages.get_ref())?;
        match Languages::new(languages) {
            Some(languages) => Ok(languages),
            None => {
                let detail = "it names at least one language, and none twice";
                refuse("web.languages", self.languages.span(), detail)
            }
        }
    }

    fn access(&self) -> Result<Access, Refused> {
        let group = self.socket_group.as_ref();
        let name = group.map(|group| group.get_ref().as_str());
        Access::parse(self.socket_mode.get_ref(), name).or_else(|err| {
            let (key, at) = match err {
                AccessError::Mode(_) => ("web.socket-mode", self.socket_mode.span()),
                AccessError::Group(_) => {
                    ("web.socket-group", group.map(Spanned::span).unwrap_or_default())
                }
            };
            refuse(key, at, err.to_string())
        })
    }
}

/// Where a server does not answer everybody none of its zones is public, unless the operator names it.
fn shown_zones(typed: &[Spanned<String>], of_server: &AccessRules) -> Result<ShownZones, Refused> {
    let named: Vec<Name> = all("web.zones", typed)?;
    let is_open = *of_server.default_action() == AccessAction::Pass;
    Ok(if named.is_empty() && is_open { ShownZones::Public } else { ShownZones::These(named) })
}

/// A short text that people read.
fn text(key: &'static str, typed: Option<&Spanned<String>>) -> Result<Option<String>, Refused> {
    let Some(typed) = typed else { return Ok(None) };
    let text = typed.get_ref().trim();
    let is_good =
        (1..=MAX_NAME).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !is_good {
        let detail = format!("it is 1 to {MAX_NAME} characters, none of them a control character");
        return refuse(key, typed.span(), detail);
    }
    Ok(Some(text.to_owned()))
}

fn path(typed: Option<&Spanned<PathBuf>>) -> Option<PathBuf> {
    typed.map(|path| path.get_ref().clone())
}
