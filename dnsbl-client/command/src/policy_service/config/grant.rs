//! A zone of grants as typed.

use std::{fmt::Display, str::FromStr};

use dnsbl_client::GrantCode;
use serde::Deserialize;
use toml::Spanned;

use super::{
    GrantSource,
    value::{Refused, refuse, server},
};

/// The longest context, in octets.
const MAX_CONTEXT: usize = 255;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GrantSpec {
    zone: Spanned<String>,
    code: Option<Spanned<String>>,
    context: Option<Spanned<String>>,
    #[serde(default)]
    servers: Vec<Spanned<String>>,
}

/// The zones, none of which is there twice for the same requests.
pub(super) fn grants(specs: Vec<GrantSpec>) -> Result<Vec<GrantSource>, Refused> {
    let mut grants: Vec<GrantSource> = Vec::with_capacity(specs.len());
    for spec in specs {
        let at = spec.zone.span();
        let grant = spec.check()?;
        let is_same = |other: &GrantSource| {
            other.name.secret() == grant.name.secret() && other.context == grant.context
        };
        if grants.iter().any(is_same) {
            return refuse(at, format!("{} is there already", grant.name));
        }
        grants.push(grant);
    }
    Ok(grants)
}

impl GrantSpec {
    fn check(self) -> Result<GrantSource, Refused> {
        Ok(GrantSource {
            name: parsed(&self.zone)?,
            code: self.code.as_ref().map_or(Ok(GrantCode::DEFAULT), parsed)?,
            context: self.context.map(context).transpose()?,
            servers: self.servers.iter().map(server).collect::<Result<_, _>>()?,
        })
    }
}

fn parsed<T: FromStr<Err: Display>>(text: &Spanned<String>) -> Result<T, Refused> {
    let parsed = text.get_ref().parse();
    parsed.map_err(|err: T::Err| Refused { at: text.span(), detail: err.to_string() })
}

fn context(text: Spanned<String>) -> Result<String, Refused> {
    let is_printable = text.get_ref().bytes().all(|octet| (0x20..0x7f).contains(&octet));
    if !is_printable || !(1..=MAX_CONTEXT).contains(&text.get_ref().len()) {
        return refuse(
            text.span(),
            format!("it is 1 to {MAX_CONTEXT} characters of printable ASCII"),
        );
    }
    Ok(text.into_inner())
}
