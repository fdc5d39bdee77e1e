//! Tokens: who may do what, and the end of one.

use dnsbl_rights::{rights::ZoneRights, scopes::TOKENS_ADMIN};
use dnsbl_store::{ChangeError, Operation, TokenRecord, TokenUse};
use maud::{Markup, html};

use super::{
    asked::{Answer, Asked},
    frame::{fact, fact_time, form, hidden},
    refused::Refused,
};

/// Tokens of a page.
const PAGE: usize = 15;

/// Shows those that the token may see.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require(TOKENS_ADMIN)?;
    let (mut records, uses) =
        asked.read(|reader| Ok((reader.tokens()?, reader.token_uses()?))).await?;
    records.retain(|record| is_seen(&asked, record));
    records.sort_by(|a, b| a.name.cmp(&b.name));
    let page: usize = asked.fields.parse_optional("page")?.unwrap_or(0);
    let shown = records.chunks(PAGE).nth(page).unwrap_or_default();
    let is_last = records.len() <= PAGE.saturating_mul(page.saturating_add(1));
    let meters = asked.console()?.tokens.meters();
    let main = html! {
        @for record in shown {
            @let kept = uses.iter().find(|used| used.token == record.id).cloned();
            (one(&asked, record, meters.last(&record.id).or(kept).as_ref()))
        }
        @if !is_last {
            (super::frame::next(&asked, "tokens", &[("page", &(page + 1).to_string())]))
        }
    };
    Ok(Answer::Page { title: asked.text("admin-menu-tokens"), main })
}

/// Who may see all zones sees all tokens, others their own and those that may do no more.
fn is_seen(asked: &Asked, token: &TokenRecord) -> bool {
    matches!(asked.holder.rights().zones(), ZoneRights::All) || may_revoke(asked, token)
}

fn may_revoke(asked: &Asked, token: &TokenRecord) -> bool {
    token.id == asked.holder.token().id || asked.holder.rights().cover(token).is_ok()
}

fn one(asked: &Asked, token: &TokenRecord, last: Option<&TokenUse>) -> Markup {
    let list = |all: Vec<String>| Some(all.join(", ")).filter(|text| !text.is_empty());
    let texts = |all: &[String]| list(all.to_vec());
    let terms = &token.terms;
    html! {
        section.zone {
            h2 { (token.name) }
            dl {
                (fact(asked, "admin-token-id", Some(&token.id)))
                @if !token.is_live(asked.now) {
                    dt { (asked.text("admin-state")) }
                    dd { (asked.text("admin-expired")) }
                }
                (fact(asked, "admin-scopes", texts(&token.scopes)))
                (fact(asked, "admin-sources", texts(&token.sources)))
                (fact(asked, "admin-zones", list(terms.zones.iter().map(ToString::to_string).collect())))
                (fact(asked, "admin-networks", list(terms.networks.iter().map(ToString::to_string).collect())))
                (fact(asked, "admin-max-prefix", terms.max_prefix))
                (fact(asked, "admin-per-minute", terms.requests_per_minute))
                (fact(asked, "admin-parent", token.parent.as_ref()))
                (fact_time(asked, "admin-since", Some(token.created_at)))
                (fact_time(asked, "admin-expires", token.expires_at))
                (fact_time(asked, "admin-last-used", last.map(|used| used.at)))
                (fact(asked, "admin-network", last.and_then(|used| used.from)))
            }
            @if may_revoke(asked, token) {
                (form(asked, "tokens/revoke", "admin-revoke", &hidden("id", &token.id)))
            }
        }
    }
}

/// Revokes a token, and those that were made with it; not the last one that may make tokens.
pub(super) async fn revoke(asked: Asked) -> Result<Answer, Refused> {
    asked.require(TOKENS_ADMIN)?;
    let id = asked.fields.need("id")?.to_owned();
    let of = id.clone();
    let token = asked.read(move |reader| reader.token(&of)).await?.ok_or(ChangeError::NoToken)?;
    let delete = Operation::DeleteToken { id, keep: Some(TOKENS_ADMIN) };
    let rights = asked.holder.rights();
    let permitted = rights.permit_for_token(asked.holder.actor(), &token, delete)?;
    asked.change(permitted).await?;
    Ok(asked.done("tokens", "admin-revoked"))
}
