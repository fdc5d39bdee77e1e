//! `dnsblctl listing`: what one source says about one subject.

mod list;
mod put;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::{client::Client, output::Output, path::parse_segment, text};

const SHOW_NOTES: &str = "\
Shows the return codes that hold for the subject, and what each source says about it. Where it is
not listed itself, the message names the listing that covers it.

Examples:
  dnsblctl listing show bl.example.org 192.0.2.99
  dnsblctl listing show bl.example.org 192.0.2.0/24 --source honeypot";

const DELETE_NOTES: &str = "\
Examples:
  dnsblctl listing delete bl.example.org 192.0.2.99
  dnsblctl listing delete bl.example.org 192.0.2.99 --source '*'
  dnsblctl listing delete dbl.example.org '*.example.com' --if-match 17";

/// Lists, shows, puts and deletes listings
#[derive(Subcommand)]
pub(crate) enum ListingCommand {
    Put(put::Put),
    Show(Show),
    Delete(Delete),
    List(list::List),
}

/// Zone and subject.
#[derive(Args)]
struct Target {
    /// The zone's name
    #[arg(value_parser = parse_segment)]
    zone: String,
    /// Address, prefix or domain (*.example.com: the names below it)
    #[arg(value_parser = parse_segment)]
    subject: String,
}

/// Shows what is said about a subject
#[derive(Args)]
#[command(after_help = SHOW_NOTES)]
pub(crate) struct Show {
    #[command(flatten)]
    target: Target,
    /// Only the listing of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// Deletes the listing of one source, or of all
#[derive(Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct Delete {
    #[command(flatten)]
    target: Target,
    /// Whose listing; the name of the token unless given, '*' for all
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only if the listing still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl ListingCommand {
    /// Does it.
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Put(put) => put.run(client, output).await?,
            Self::Show(show) => show.run(client, output).await?,
            Self::Delete(delete) => delete.run(client, output).await?,
            Self::List(list) => list.run(client, output).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Target {
    fn request(&self, client: &Client, method: Method, source: Option<&str>) -> RequestBuilder {
        let path = ["zones", &self.zone, "listings", &self.subject];
        let source = source.map(|source| ("source", source));
        client.v1(method, &path).query(source.as_slice())
    }
}

impl Show {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let source = self.source.as_deref();
        let request = self.target.request(client, Method::GET, source);
        output.document(&client.ask(request).await?, render)
    }
}

impl Delete {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let Target { zone, subject } = &self.target;
        let source = self.source.as_deref();
        let mut request = self.target.request(client, Method::DELETE, source);
        if let Some(etag) = &self.if_match {
            request = request.header("if-match", quote(etag));
        }
        let gone = client.ask(request).await?;
        output.deletion(&gone, &["deleted", zone, subject])
    }
}

/// An entity tag as headers carry it, however it was copied.
fn quote(etag: &str) -> String {
    match etag == "*" || etag.starts_with(['"', 'W']) {
        true => etag.to_owned(),
        false => format!("\"{etag}\""),
    }
}

/// The subject, then each listing of it.
fn render(found: &Value) -> String {
    let mut head = found.clone();
    let listings = head.as_object_mut().and_then(|head| head.remove("listings"));
    let listings = listings.iter().filter_map(Value::as_array).flatten();
    let listings = listings.map(|listing| format!("\n{}", text::members(listing)));
    text::members(&head) + &listings.collect::<String>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{quote, render};

    #[test]
    fn entity_tags_are_quoted_once() {
        assert_eq!(quote("17"), "\"17\"");
        assert_eq!(quote("\"17\""), "\"17\"");
        assert_eq!(quote("*"), "*");
    }

    #[test]
    fn each_listing_is_a_paragraph() {
        let found = json!({
            "subject": "192.0.2.1",
            "return_codes": ["127.0.0.2", "127.0.0.4"],
            "listings": [{"source": "a", "note": null}, {"source": "b\n"}],
        });
        assert_eq!(
            render(&found),
            "return_codes  127.0.0.2,127.0.0.4\nsubject       192.0.2.1\n\n\
             note    -\nsource  a\n\nsource  b\\n\n"
        );
    }
}
