//! `[mail]`: as typed, and checked.

use dnsbl_removals::{Contact, MailSettings};
use serde::Deserialize;
use toml::Spanned;

use super::{
    checked::Web,
    refused::{Refused, read, refuse},
};

/// The longest name of a list, in characters.
const MAX_NAME: usize = 100;
/// The name of a list that has none.
const NAME: &str = "DNS block list";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MailSpec {
    smarthost: Spanned<String>,
    from: Spanned<String>,
    name: Option<Spanned<String>>,
}

impl MailSpec {
    /// What is not said here is as the pages say it.
    pub(super) fn check(self, web: Option<&Web>) -> Result<MailSettings, Refused> {
        let from: Contact = read("mail.from", &self.from)?;
        let smarthost = self.smarthost.get_ref();
        let port = smarthost.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
        if !matches!(port, Some((host, Ok(1..))) if !host.is_empty()) {
            let detail = format!("{smarthost:?} is not HOST:PORT, such as 127.0.0.1:25");
            return refuse("mail.smarthost", self.smarthost.span(), detail);
        }
        let pages = web.map(|web| &web.settings);
        let name = match &self.name {
            Some(name) => {
                let text = name.get_ref().trim();
                let is_short = (1..=MAX_NAME).contains(&text.chars().count());
                if !is_short || text.chars().any(char::is_control) {
                    let detail = format!(
                        "it is 1 to {MAX_NAME} characters, none of them a control character"
                    );
                    return refuse("mail.name", name.span(), detail);
                }
                text.to_owned()
            }
            None => pages.map_or_else(|| NAME.to_owned(), |pages| pages.name.clone()),
        };
        Ok(MailSettings {
            smarthost: smarthost.clone(),
            from,
            name,
            url: pages.and_then(|pages| pages.url.as_ref()).map(ToString::to_string),
        })
    }
}
