//! `dnsblctl listing put`.

use admin_api_types as api;
use clap::Args;
use reqwest::Method;

use super::target::{Target, advise, quote};
use crate::{
    args::{Overrides, parse_duration, parse_time},
    client::Client,
    output::{self, Output},
    standing::Standing,
    text,
};

const NOTES: &str = "\
Puts what one source says about the subject, in place of what it said before. What is left out means
the zone's value at the time somebody asks.

example.com lists that name alone, not www.example.com; *.example.com lists all names below it, not the
name itself. An address in a listed prefix is taken out by an exclusion.

Examples:
  dnsblctl listing put bl.example.org 192.0.2.99 --reason 'spam run' --expires-in 7d
  dnsblctl listing put bl.example.org 192.0.2.0/24 --code 127.0.0.2 --code 127.0.0.4 --tag abuse
  dnsblctl listing put bl.example.org 192.0.2.25 --exclusion --note 'their mail server'
  dnsblctl listing put dbl.example.org '*.example.com' --source feed --if-absent
  dnsblctl listing put bl.example.org 10.0.0.0/8 --override special-use";

/// Lists a subject, or excludes it
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct PutListing {
    #[command(flatten)]
    target: Target,
    /// Who says so; the name of the token unless given
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    body: ListingArgs,
    #[command(flatten)]
    overrides: Overrides,
    /// Only if the listing still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    /// Only if the source does not list the subject yet
    #[arg(long, conflicts_with = "if_match")]
    if_absent: bool,
}

/// What the source says.
#[derive(Args)]
struct ListingArgs {
    /// Return code, 127.0.0.2 and the like; may be given several times
    #[arg(long = "code", value_name = "CODE", value_delimiter = ',')]
    return_codes: Vec<String>,
    /// The text that a lookup shows; $ stands for the subject asked for
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// A hole in what is listed, not a listing
    #[arg(long, visible_alias = "exclude")]
    exclusion: bool,
    /// A word to search by; may be given several times
    #[arg(long = "tag", value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// A note for operators
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// How long it stays, such as 90m, 36h or 7d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<u64>,
    /// Until when it stays, such as 2030-01-31 or 2030-01-31T12:00:00Z (UTC)
    #[arg(long, value_name = "TIME", conflicts_with = "expires_in", value_parser = parse_time)]
    expires_at: Option<String>,
}

impl PutListing {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let [zone, subject] = self.target.canonical();
        let source = self.source.as_deref();
        let mut request = self.target.request(client, Method::PUT, source);
        request = request.query(self.overrides.query().as_slice());
        if let Some(etag) = &self.if_match {
            request = request.header("if-match", quote(etag));
        }
        if self.if_absent {
            request = request.header("if-none-match", "*");
        }
        let body = api::ListingBody::from(self.body);
        let put = client.ask::<api::Warned<api::Listing>>(request.json(&body)).await?;
        let verb = if put.created { "created" } else { "updated" };
        // Without its quotation marks, as --if-match takes it from a shell.
        let etag = text::visible(&put.body.resource.etag);
        let etag = format!("etag {}", etag.trim_matches('"'));
        output.document(&put, |_| put.outcome(&[verb, &zone, &subject, &etag]))?;
        if let Some(header) = put.header("dnsbl-excluded") {
            let standing = Standing::of_header(&zone, &subject, &header, true);
            let excluded = standing.excluded().unwrap_or_default();
            output.remark(&format!("but DNS does not list it: excluded {excluded}"))?;
            advise("to end the exclusion", &standing.readmitting());
        }
        output::warnings(&put.body.warnings, output);
        Ok(())
    }
}

impl From<ListingArgs> for api::ListingBody {
    fn from(body: ListingArgs) -> Self {
        let some = |texts: Vec<String>| (!texts.is_empty()).then_some(texts);
        Self {
            return_codes: some(body.return_codes),
            reason: body.reason,
            exclusion: body.exclusion.then_some(true),
            tags: some(body.tags),
            note: body.note,
            expires_in: body.expires_in,
            expires_at: body.expires_at,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::{PutListing, api};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        put: PutListing,
    }

    fn body(line: &str) -> Result<Value, clap::Error> {
        let words = ["put", "bl.example.org", "192.0.2.1"];
        let line = Line::try_parse_from(words.into_iter().chain(line.split_whitespace()))?;
        Ok(serde_json::to_value(api::ListingBody::from(line.put.body)).unwrap())
    }

    #[test]
    fn only_what_is_said_is_sent() {
        assert_eq!(body("").unwrap(), json!({}));
        let line = "--code 127.0.0.2,127.0.0.4 --code 127.0.0.9 --tag a --expires-in 2m";
        let codes = ["127.0.0.2", "127.0.0.4", "127.0.0.9"];
        let sent = json!({"return_codes": codes, "tags": ["a"], "expires_in": 120});
        assert_eq!(body(line).unwrap(), sent);
    }

    #[test]
    fn contradictions_are_bad_usage() {
        assert!(body("--expires-in 1d --expires-at 2030-01-31T12:00:00Z").is_err());
        assert!(body("--if-match 7 --if-absent").is_err());
        assert!(body("--override everything").is_err());
        assert!(body("--expires-at tomorrow").is_err());
    }

    #[test]
    fn a_date_is_its_first_second_in_utc() {
        let sent = json!({"expires_at": "2030-01-31T00:00:00Z"});
        assert_eq!(body("--expires-at 2030-01-31").unwrap(), sent);
        let sent = json!({"expires_at": "2030-01-31T12:00:00+01:00"});
        assert_eq!(body("--expires-at 2030-01-31T12:00:00+01:00").unwrap(), sent);
        assert_eq!(body("--exclude").unwrap(), json!({"exclusion": true}));
    }
}
