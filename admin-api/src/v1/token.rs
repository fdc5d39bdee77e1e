//! Tokens: between JSON and the vocabulary.

use admin_api_types as api;
use dnsbl_rights::sources::token_sources;
use dnsbl_store::{TokenRecord, TokenUse};
use dnsbl_types::{MaxPrefix, TokenTerms, UnixTime};

use super::{BodyError, access, parse_all, texts, time};

/// What is asked for of a token, whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedToken {
    /// What it may do, in the order of [`SCOPES`](api::SCOPES); at least one.
    pub scopes: Vec<String>,
    /// The sources that it writes as beside its own name.
    pub sources: Vec<String>,
    /// What else limits it.
    pub terms: TokenTerms,
    /// From when on it counts no more.
    pub expires_at: Option<UnixTime>,
}

impl AskedToken {
    /// Reads what somebody asks for.
    ///
    /// # Errors
    /// It makes no sense; in words.
    pub fn read(body: &api::TokenTermsBody, now: UnixTime) -> Result<Self, String> {
        read(body, now).map_err(BodyError::into_text)
    }
}

/// The same for the API.
pub(crate) fn read(body: &api::TokenTermsBody, now: UnixTime) -> Result<AskedToken, BodyError> {
    let networks = body.networks.iter().map(|text| access::network("networks", text));
    let max_prefix = body.max_prefix.map(|max| MaxPrefix::new(max.ipv4, max.ipv6)).transpose();
    let terms = TokenTerms {
        zones: parse_all("zones", &body.zones)?,
        max_prefix: max_prefix.map_err(BodyError::refused)?,
        networks: networks.collect::<Result<_, _>>()?,
        requests_per_minute: match body.requests_per_minute.map(TryInto::try_into).transpose() {
            Ok(most) => most,
            Err(_) => return Err(BodyError::refused("requests_per_minute: it is at least 1")),
        },
    };
    Ok(AskedToken {
        scopes: scopes(body.role.as_deref(), &body.scopes)?,
        sources: token_sources(&body.sources).map_err(BodyError::Refused)?,
        terms: terms.check().map_err(BodyError::refused)?,
        expires_at: time::expiry(body.expires_at.as_deref(), body.expires_in, now)?,
    })
}

/// Those of the role and the others, each once and in their order.
fn scopes(role: Option<&str>, asked: &[String]) -> Result<Vec<String>, BodyError> {
    let role = role.map(|name| {
        let known = || api::ROLES.iter().map(|role| role.name).collect::<Vec<_>>().join(", ");
        let unknown = || BodyError::refused(format!("role: {name:?} is none of {}", known()));
        api::Role::named(name).ok_or_else(unknown)
    });
    let role = role.transpose()?;
    if let Some(unknown) = asked.iter().find(|scope| !api::SCOPES.contains(&scope.as_str())) {
        let known = api::SCOPES.join(", ");
        return Err(BodyError::refused(format!("scopes: {unknown:?} is none of {known}")));
    }
    let of_role: Vec<&str> = role.into_iter().flat_map(|role| role.scopes()).collect();
    let is_in = |scope: &&str| of_role.contains(scope) || asked.iter().any(|is| is == scope);
    let scopes: Vec<String> = api::SCOPES.iter().copied().filter(is_in).map(String::from).collect();
    match scopes.is_empty() {
        true => Err(BodyError::refused("scopes: a token without any can do nothing")),
        false => Ok(scopes),
    }
}

/// A token as it is shown, without its secrets.
pub(crate) fn write(record: &TokenRecord, used: Option<&TokenUse>, now: UnixTime) -> api::Token {
    let secrets = record.secrets(now).map(|secret| api::TokenSecret {
        created_at: time::write(secret.created_at),
        until: secret.until.map(time::write),
    });
    api::Token {
        id: record.id.clone(),
        name: record.name.clone(),
        role: api::Role::of(&record.scopes).map(|role| role.name.into()),
        scopes: record.scopes.clone(),
        sources: record.sources.clone(),
        terms: write_terms(&record.terms),
        parent: record.parent.clone(),
        created_at: time::write(record.created_at),
        expires_at: record.expires_at.map(time::write),
        secrets: secrets.collect(),
        last_used_at: used.map(|used| time::write(used.at)),
        last_used_from: used.and_then(|used| used.from).map(|from| from.to_string()),
        token: None,
    }
}

/// The terms of a token as they are shown.
pub(crate) fn write_terms(terms: &TokenTerms) -> api::TokenTerms {
    let TokenTerms { zones, max_prefix, networks, requests_per_minute } = terms;
    api::TokenTerms {
        zones: texts(zones),
        max_prefix: max_prefix.map(|max| api::MaxPrefix { ipv4: max.ipv4(), ipv6: max.ipv6() }),
        networks: texts(networks),
        requests_per_minute: requests_per_minute.map(u32::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    fn asked(json: &str) -> Result<AskedToken, BodyError> {
        read(&serde_json::from_str(json).unwrap(), NOW)
    }

    #[test]
    fn a_role_is_a_set_of_scopes_to_which_others_may_be_added() {
        let reader = asked(r#"{"role":"reader"}"#).unwrap();
        assert_eq!(api::Role::of(&reader.scopes).unwrap().name, "reader");
        let more = asked(r#"{"role":"reader","scopes":["audit:read","zones:read"]}"#).unwrap();
        assert_eq!(more.scopes.len(), reader.scopes.len() + 1);
        let all = asked(r#"{"role":"operator"}"#).unwrap();
        assert_eq!(all.scopes, api::SCOPES);
    }

    #[test]
    fn a_family_of_which_nothing_is_said_has_single_addresses() {
        let max = |json: &str| asked(json).unwrap().terms.max_prefix.unwrap();
        let v4 = max(r#"{"role":"reader","max_prefix":{"ipv4":24}}"#);
        assert_eq!((v4.ipv4(), v4.ipv6()), (24, 128));
        let v6 = max(r#"{"role":"reader","max_prefix":{"ipv6":48}}"#);
        assert_eq!((v6.ipv4(), v6.ipv6()), (32, 48));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for json in [
            r#"{}"#,
            r#"{"role":"king"}"#,
            r#"{"scopes":["everything"]}"#,
            r#"{"role":"reader","zones":["a b"]}"#,
            r#"{"role":"reader","networks":["192.0.2.1/24"]}"#,
            r#"{"role":"reader","max_prefix":{"ipv4":33}}"#,
            r#"{"role":"reader","requests_per_minute":0}"#,
            r#"{"role":"reader","expires_in":0}"#,
        ] {
            assert!(asked(json).is_err(), "{json}");
        }
    }
}
