//! `[feeds]` and `[[feed]]`: as typed, and checked.

use std::path::PathBuf;

use dnsbl_feeds::{Feed, FeedError, FeedName, Origin, Share};
use dnsbl_formats::{Format, FormatError};
use dnsbl_types::{Guard, Name, Source};
use serde::Deserialize;
use toml::Spanned;

use super::{
    checked::Feeds,
    refused::{Refused, duration, optional, read, refuse},
};

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// Sources of whose listings other parts of the server are the masters.
const RESERVED: [&str; 3] = [relay_tester::service::SOURCE, Source::LOGINS, Source::REPORTS];

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct FeedsSpec {
    folders: Vec<Spanned<PathBuf>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct FeedSpec {
    name: Spanned<String>,
    zone: Spanned<String>,
    source: Option<Spanned<String>>,
    path: Option<Spanned<PathBuf>>,
    url: Option<Spanned<String>>,
    format: Option<Spanned<String>>,
    dataset: Option<Spanned<String>>,
    field: Option<Spanned<String>>,
    every: Option<Spanned<String>>,
    max_removed: Option<Spanned<f64>>,
    max_rejected: Option<Spanned<f64>>,
    expires_in: Option<Spanned<String>>,
    #[serde(default)]
    r#override: Vec<Spanned<String>>,
    #[serde(default)]
    allow_private: bool,
}

impl FeedsSpec {
    pub(super) fn check(self, feeds: Vec<Spanned<FeedSpec>>) -> Result<Feeds, Refused> {
        if let Some(folder) = self.folders.iter().find(|folder| !folder.get_ref().is_absolute()) {
            return refuse("feeds.folders", folder.span(), "it is absolute");
        }
        let mut configured: Vec<Feed> = Vec::new();
        for spec in feeds {
            let at = spec.span();
            let feed = spec.into_inner().check(at.clone())?;
            for other in &configured {
                if other.name == feed.name {
                    return refuse("feed.name", at, format!("there are two feeds {}", feed.name));
                }
                if (&other.zone, &other.source) == (&feed.zone, &feed.source) {
                    let detail = format!(
                        "{} replaces all that {} lists in {}, so no other feed can",
                        other.name, feed.source, feed.zone
                    );
                    return refuse("feed.source", at, detail);
                }
            }
            configured.push(feed);
        }
        let folders = self.folders.into_iter().map(Spanned::into_inner).collect();
        Ok(Feeds { configured, folders })
    }
}

impl FeedSpec {
    fn check(self, at: std::ops::Range<usize>) -> Result<Feed, Refused> {
        let name: FeedName = read("feed.name", &self.name)?;
        let zone: Name = read("feed.zone", &self.zone)?;
        let source: Source = match optional("feed.source", self.source.as_ref())? {
            Some(source) => source,
            None => read("feed.name", &self.name)?,
        };
        if RESERVED.contains(&source.as_str()) {
            let detail = format!("what {source} lists is the server's own; take another source");
            return refuse("feed.source", self.source.map_or(at, |source| source.span()), detail);
        }
        let origin =
            match (self.path, self.url) {
                (Some(path), None) => {
                    let at = path.span();
                    Origin::path(path.into_inner())
                        .or_else(|err| refuse("feed.path", at, err.to_string()))?
                }
                (None, Some(url)) => {
                    // No message shows what may hold a password.
                    let parsed = url.get_ref().parse();
                    Origin::Url(parsed.or_else(|err: FeedError| {
                        refuse("feed.url", url.span(), err.to_string())
                    })?)
                }
                _ => return refuse("feed.path", at, "a feed has a path or a url"),
            };
        let lifted = self.r#override.iter().map(guard).collect::<Result<_, _>>()?;
        let every = duration("feed.every", self.every.as_ref(), HOUR)?.as_secs();
        let expires_in = match &self.expires_in {
            None => None,
            given => Some(duration("feed.expires-in", given.as_ref(), HOUR)?.as_secs()),
        };
        let feed = Feed {
            name,
            zone,
            source,
            origin,
            format: format(self.format, self.dataset, self.field, &at)?,
            every,
            max_removed: share("feed.max-removed", self.max_removed, Share::FIFTH)?,
            max_rejected: share("feed.max-rejected", self.max_rejected, Share::TWENTIETH)?,
            expires_in,
            lifted,
            allow_private: self.allow_private,
        };
        let (every, expires_in) = (self.every, self.expires_in);
        let span = |text: Option<Spanned<String>>| text.map_or(at.clone(), |text| text.span());
        feed.checked().or_else(|err| match err {
            FeedError::Every => refuse("feed.every", span(every), err.to_string()),
            err => refuse("feed.expires-in", span(expires_in), err.to_string()),
        })
    }
}

fn format(
    name: Option<Spanned<String>>,
    dataset: Option<Spanned<String>>,
    field: Option<Spanned<String>>,
    at: &std::ops::Range<usize>,
) -> Result<Format, Refused> {
    let text = |given: &Option<Spanned<String>>| given.as_ref().map(|text| text.get_ref().clone());
    let (name_text, dataset_text, field_text) = (text(&name), text(&dataset), text(&field));
    let format = Format::new(
        name_text.as_deref().unwrap_or("auto"),
        dataset_text.as_deref(),
        field_text.as_deref(),
    );
    format.or_else(|err| {
        let (key, given) = match &err {
            FormatError::Field(_) => ("feed.field", field),
            FormatError::Dataset(_) => ("feed.dataset", dataset),
            FormatError::Unknown { .. } | FormatError::Mismatch(_) => ("feed.format", name),
        };
        refuse(key, given.map_or(at.clone(), |given| given.span()), err.to_string())
    })
}

fn share(key: &'static str, typed: Option<Spanned<f64>>, usual: Share) -> Result<Share, Refused> {
    let Some(typed) = typed else { return Ok(usual) };
    Share::new(*typed.get_ref()).or_else(|err| refuse(key, typed.span(), err.to_string()))
}

fn guard(typed: &Spanned<String>) -> Result<Guard, Refused> {
    let name = typed.get_ref();
    match Guard::from_name(name) {
        Some(guard) => Ok(guard),
        None => {
            let known = Guard::ALL.map(Guard::as_str).join(", ");
            refuse("feed.override", typed.span(), format!("{name:?} is none of {known}"))
        }
    }
}
