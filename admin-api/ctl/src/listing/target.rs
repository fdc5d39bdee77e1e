//! The zone and the subject that a command is about.

use admin_api_types::NotListedProblem;
use clap::Args;
use dnsbl_types::{Name, Subject};
use reqwest::{Method, RequestBuilder};

use crate::{client::Client, failure::Refusal, output, path::parse_segment, standing::Standing};

/// Zone and subject.
#[derive(Args)]
pub(super) struct Target {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// Address, prefix or domain (*.example.com: the names below it)
    #[arg(value_parser = parse_segment)]
    subject: String,
}

impl Target {
    /// A request about the listing of a source, or of those that the server takes unless one is named.
    pub(super) fn request(
        &self,
        client: &Client,
        method: Method,
        source: Option<&str>,
    ) -> RequestBuilder {
        let path = ["zones", &self.zone, "listings", &self.subject];
        let source = source.map(|source| ("source", source));
        client.v1(method, &path).query(source.as_slice())
    }

    /// Zone and subject as the server writes them.
    pub(super) fn canonical(&self) -> [String; 2] {
        let zone = self.zone.parse::<Name>().map_or_else(|_| self.zone.clone(), |z| z.to_string());
        let subject = self.subject.parse::<Subject>();
        [zone, subject.map_or_else(|_| self.subject.clone(), |subject| subject.to_string())]
    }

    /// A refusal with the commands that would do what was meant, where the server says what lists the
    /// subject.
    pub(super) fn explained(&self, err: anyhow::Error) -> anyhow::Error {
        match err.downcast::<Refusal>() {
            Ok(mut refusal) => {
                if let Some(facts) = refusal.facts::<NotListedProblem>() {
                    let [zone, subject] = self.canonical();
                    let standing = Standing::of_problem(&zone, &subject, facts);
                    let command = |command: String| format!("to delist it: {command}");
                    refusal.advice.extend(standing.delisting().into_iter().map(command));
                }
                refusal.into()
            }
            Err(err) => err,
        }
    }
}

/// Says which commands would do what was meant.
pub(super) fn advise(what: &str, commands: &[String]) {
    for command in commands {
        output::note(format_args!("{what}: {command}"));
    }
}

/// An entity tag as headers carry it, however it was copied.
pub(super) fn quote(etag: &str) -> String {
    match etag == "*" || etag.starts_with(['"', 'W']) {
        true => etag.to_owned(),
        false => format!("\"{etag}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn entity_tags_are_quoted_once() {
        assert_eq!(quote("17"), "\"17\"");
        assert_eq!(quote("\"17\""), "\"17\"");
        assert_eq!(quote("*"), "*");
    }
}
