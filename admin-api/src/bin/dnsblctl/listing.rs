//! `dnsblctl listing`: what one source says about one subject.

mod list;
mod put;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use dnsbl_types::{Name, Subject};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    client::Client,
    failure::Refusal,
    output::{self, Output},
    path::parse_segment,
    standing::Standing,
    text,
};

const SHOW_NOTES: &str = "\
Shows the return codes that hold for the subject, and what each source says about it, then what DNS
makes of that, what covers the subject, and how to delist it. Where it is not listed itself, the message
names what covers it.

Examples:
  dnsblctl listing show bl.example.org 192.0.2.99
  dnsblctl listing show bl.example.org 192.0.2.0/24 --source honeypot";

const DELETE_NOTES: &str = "\
Deletes what one source says: the token's own name unless --source names another, which needs a token
made for it, or with sources:all. Where DNS goes on listing the subject, or something inside it, the
command says what does and how to end that; it has deleted what it was told to, and exits 0.

An address inside a listed prefix is not deleted but excluded: `listing put ZONE ADDRESS --exclusion`.

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

    /// Zone and subject as the server writes them.
    fn canonical(&self) -> [String; 2] {
        let zone = self.zone.parse::<Name>().map_or_else(|_| self.zone.clone(), |z| z.to_string());
        let subject = self.subject.parse::<Subject>();
        [zone, subject.map_or_else(|_| self.subject.clone(), |subject| subject.to_string())]
    }

    /// A refusal with the commands that would do what was meant, where the server says what lists the
    /// subject.
    fn advise(&self, err: anyhow::Error) -> anyhow::Error {
        match err.downcast::<Refusal>() {
            Ok(mut refusal) => {
                let [zone, subject] = self.canonical();
                let standing = Standing::of_problem(&zone, &subject, &refusal.problem());
                let command = |command: String| format!("to delist it: {command}");
                refusal.advice.extend(standing.delisting().into_iter().map(command));
                refusal.into()
            }
            Err(err) => err,
        }
    }

    /// What DNS makes of the subject, what covers it, and what to do about it, a line each.
    async fn standing(&self, client: &Client) -> anyhow::Result<Vec<String>> {
        let [zone, subject] = self.canonical();
        let body = json!({"subjects": [&subject], "zones": [&zone]});
        let check = client.ask(client.v1(Method::POST, &["check"]).json(&body)).await?;
        let query = [("subject", subject.as_str()), ("match", "covering"), ("limit", "1000")];
        let listings = client.v1(Method::GET, &["zones", &zone, "listings"]).query(&query);
        let listings = client.ask(listings).await?;
        let standing = Standing::of_listings(&zone, &subject, &listings.value["listings"]);
        let row = &check.value["results"][0];
        let listed = row["listed"] == true;
        let mut told = vec![match (listed, standing.excluded()) {
            (true, _) => format!("DNS lists it: {}", standing.listed().unwrap_or_default()),
            (false, Some(excluded)) => format!("DNS does not list it: excluded {excluded}"),
            (false, None) => "DNS does not list it".to_owned(),
        }];
        let commands = if listed { standing.delisting() } else { standing.readmitting() };
        let what = if listed { "to delist it" } else { "to end the exclusion" };
        told.extend(commands.iter().map(|command| format!("{what}: {command}")));
        told.push(String::new());
        Ok(told)
    }
}

impl Show {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let source = self.source.as_deref();
        let request = self.target.request(client, Method::GET, source);
        let found = client.ask(request).await.map_err(|err| self.target.advise(err))?;
        output.document(&found, render)?;
        if output.is_json() {
            return Ok(());
        }
        let told = self.target.standing(client).await?;
        output::print(&format!("\n{}", told.join("\n")))
    }
}

impl Delete {
    async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let [zone, subject] = self.target.canonical();
        let source = self.source.as_deref();
        let mut request = self.target.request(client, Method::DELETE, source);
        if let Some(etag) = &self.if_match {
            request = request.header("if-match", quote(etag));
        }
        let gone = client.ask(request).await.map_err(|err| self.target.advise(err))?;
        output.deletion(&gone, &["deleted", &zone, &subject])?;
        for (header, word) in [("dnsbl-still-listed", "still"), ("dnsbl-now-listed", "now")] {
            if let Some(header) = gone.header(header) {
                let standing = Standing::of_header(&zone, &subject, &header, false);
                let listed = standing.listed().unwrap_or_default();
                output.remark(&format!("{word} listed {listed}"))?;
                advise("to delist it", &standing.delisting());
            }
        }
        Ok(())
    }
}

/// Says which commands would do what was meant.
fn advise(what: &str, commands: &[String]) {
    for command in commands {
        output::note(format_args!("{what}: {command}"));
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
