//! `dnsblctl listing delete`.

use clap::Args;
use reqwest::Method;

use super::target::{Target, advise, quote};
use crate::{client::Client, document::Deletion, output::Output, standing::Standing};

const NOTES: &str = "\
Deletes what one source says: the token's own name unless --source names another, which needs a token
made for it, or with sources:all. Where DNS goes on listing the subject, or something inside it, the
command says what does and how to end that; it has deleted what it was told to, and exits 0.

An address inside a listed prefix is not deleted but excluded: `listing put ZONE ADDRESS --exclusion`.

Examples:
  dnsblctl listing delete bl.example.org 192.0.2.99
  dnsblctl listing delete bl.example.org 192.0.2.99 --source '*'
  dnsblctl listing delete dbl.example.org '*.example.com' --if-match 17";

/// Deletes the listing of one source, or of all
#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct DeleteListing {
    #[command(flatten)]
    target: Target,
    /// Whose listing; the name of the token unless given, '*' for all
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only if the listing still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl DeleteListing {
    /// Does it.
    pub(super) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let [zone, subject] = self.target.canonical();
        let source = self.source.as_deref();
        let mut request = self.target.request(client, Method::DELETE, source);
        if let Some(etag) = &self.if_match {
            request = request.header("if-match", quote(etag));
        }
        let gone: Deletion = client.ask(request).await.map_err(|err| self.target.explained(err))?;
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
