//! Lists that the server gives in pages.

use admin_api_types as api;
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    client::Client,
    output::{self, Output},
};

/// The most of a page.
const PAGE: u64 = 1000;

/// A list of the server.
pub(crate) struct List<'a, Q> {
    /// The segments of its path below `/v1/`.
    pub(crate) path: &'a [&'a str],
    /// What is asked for; what is `None` is not.
    pub(crate) query: &'a Q,
    /// At most so many; all if it is `None`.
    pub(crate) limit: Option<u64>,
}

impl<Q: Serialize> List<'_, Q> {
    /// Prints it page by page, each as a table or as it came.
    ///
    /// # Errors
    /// A page is refused, or can't be printed.
    pub(crate) async fn print<P: Page, const N: usize>(
        &self,
        client: &Client,
        output: Output,
        columns: [&str; N],
        row: impl Fn(&P::Item) -> [String; N],
    ) -> anyhow::Result<()> {
        let (mut cursor, mut left) = (None, self.limit.unwrap_or(u64::MAX));
        while left > 0 {
            let request = client.v1(Method::GET, self.path).query(self.query);
            let request = request.query(&[("limit", left.min(PAGE))]);
            let page = client.ask::<P>(request.query(&[("cursor", &cursor)])).await?;
            let (items, next) = (page.body.items(), page.body.next());
            // The server may have looked for long enough without having found anything.
            let says_nothing = items.is_empty() && next.is_some() && !output.is_json();
            if !says_nothing {
                output.table(&page, columns, items, &row)?;
            }
            let Some(next) = next else { return Ok(()) };
            left = left.saturating_sub(items.len() as u64);
            cursor = Some(next.to_owned());
        }
        // Not every list looks ahead.
        output::note("there may be more");
        Ok(())
    }
}

/// A page of a list.
pub(crate) trait Page: DeserializeOwned {
    /// What it lists.
    type Item;

    /// What is on the page.
    fn items(&self) -> &[Self::Item];

    /// Where the list goes on, if it does.
    fn next(&self) -> Option<&str>;
}

macro_rules! pages {
    ($($page:ident { $items:ident: $item:ident }),* $(,)?) => {$(
        impl Page for api::$page {
            type Item = api::$item;

            fn items(&self) -> &[api::$item] {
                &self.$items
            }

            fn next(&self) -> Option<&str> {
                self.next.as_deref()
            }
        }
    )*};
}

pages! {
    AllowEntryPage { entries: AllowEntry },
    GrantPage { grants: Grant },
    ListingPage { listings: Listing },
    RelayTests { relay_tests: RelayTest },
    RemovalPage { removal_requests: RemovalRequest },
    ReportPage { reports: Report },
    ReporterPage { reporters: Reporter },
    ReviewPage { items: ReviewItem },
    SearchPage { listings: FoundListing },
    SubscriberPage { subscribers: Subscriber },
}
