//! `dnsblctl listing show`.

use admin_api_types as api;
use clap::Args;
use reqwest::Method;

use super::target::Target;
use crate::{
    client::Client,
    output::{self, Output},
    standing::Standing,
    text::{self, Cell},
};

const NOTES: &str = "\
Shows the return codes that hold for the subject, and what each source says about it, then what DNS
makes of that, what covers the subject, and how to delist it. Where it is not listed itself, the message
names what covers it.

Examples:
  dnsblctl listing show bl.example.org 192.0.2.99
  dnsblctl listing show bl.example.org 192.0.2.0/24 --source honeypot";

/// Shows what is said about a subject
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct ShowListing {
    #[command(flatten)]
    target: Target,
    /// Only the listing of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

impl ShowListing {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let source = self.source.as_deref();
        let request = self.target.request(client, Method::GET, source);
        let found = client.ask(request).await.map_err(|err| self.target.explained(err))?;
        output.document(&found, render)?;
        if output.is_json() {
            return Ok(());
        }
        let told = standing(&self.target, client).await?;
        output::print(&format!("\n{}", told.join("\n")))
    }
}

/// What DNS makes of the subject, what covers it, and what to do about it, a line each.
async fn standing(target: &Target, client: &Client) -> anyhow::Result<Vec<String>> {
    let [zone, subject] = target.canonical();
    let body = api::CheckBody { subjects: vec![subject.clone()], zones: Some(vec![zone.clone()]) };
    let check = client.v1(Method::POST, &["check"]).json(&body);
    let check = client.ask::<api::CheckResults>(check).await?.body;
    let query = [("subject", subject.as_str()), ("match", "covering"), ("limit", "1000")];
    let listings = client.v1(Method::GET, &["zones", &zone, "listings"]).query(&query);
    let listings = client.ask::<api::ListingPage>(listings).await?.body.listings;
    let standing = Standing::of_listings(&zone, &subject, &listings);
    let listed = check.results.first().is_some_and(|result| result.listed);
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

/// The subject, then each listing of it.
fn render(found: &api::Subject) -> String {
    let head = [("return_codes", found.return_codes.cell()), ("subject", found.subject.cell())];
    let head = head.map(|(name, value)| vec![name.to_owned(), value]);
    let listings = found.listings.iter().map(|listing| format!("\n{}", text::members(listing)));
    text::columns(&head) + &listings.collect::<String>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::render;

    #[test]
    fn each_listing_is_a_paragraph() {
        let listing = |source: &str, note: Option<&str>| {
            json!({"subject": "192.0.2.1", "source": source, "return_codes": null, "reason": null,
                "exclusion": false, "tags": [], "note": note, "expires_at": null, "etag": "\"1\"",
                "listed_at": "a", "updated_at": "b", "listed_by": "c"})
        };
        let found = json!({
            "subject": "192.0.2.1",
            "return_codes": ["127.0.0.2", "127.0.0.4"],
            "listings": [listing("a", None), listing("b\n", Some("x"))],
        });
        let shown = render(&serde_json::from_value(found).unwrap());
        let mut paragraphs = shown.split("\n\n");
        let head = "return_codes  127.0.0.2,127.0.0.4\nsubject       192.0.2.1";
        assert_eq!(paragraphs.next(), Some(head));
        let [first, second] = [paragraphs.next().unwrap(), paragraphs.next().unwrap()];
        assert!(first.contains("\nnote          -\n") && first.contains("\nsource        a\n"));
        assert!(
            second.contains("\nnote          x\n") && second.contains("\nsource        b\\n\n")
        );
        assert_eq!(paragraphs.next(), None);
    }
}
