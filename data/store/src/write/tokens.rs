//! Changes of tokens.

use std::collections::BTreeMap;

use crate::{
    ChangeError, Op,
    format::{schema, token::TokenRecord, usage},
    read::tokens::MAX_DEPTH,
    write::{
        operation::OperationResult,
        transaction::{Tokens, Transaction},
    },
};

/// Adds a token, or writes it in the place of the one that it was made from.
pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    mut token: TokenRecord,
) -> Result<OperationResult, ChangeError> {
    let now = transaction.now;
    let mut tokens = transaction.tokens()?;
    let before = tokens.get(&token.id);
    match before {
        Some(before) if before == &token => {
            return Ok(OperationResult::Token(Box::new(token)));
        }
        Some(before) if before.revision != token.revision => return Err(ChangeError::Precondition),
        None if token.revision != 0 => return Err(ChangeError::NoToken),
        _ => {}
    }
    let is_live = |id: &String| tokens.get(id).is_some_and(|token| token.is_live(now));
    if before.is_none() && !token.parent.as_ref().is_none_or(is_live) {
        return Err(ChangeError::NoParent);
    }
    if depth(&tokens, &token) > MAX_DEPTH {
        return Err(ChangeError::TokenDepth(MAX_DEPTH));
    }
    let same = |other: &&TokenRecord| {
        // Whoever reads an audit record takes `Admin` for `admin`.
        other.name.eq_ignore_ascii_case(&token.name) && other.id != token.id
    };
    if let Some(other) = tokens.values().filter(|other| other.is_live(now)).find(same) {
        return Err(ChangeError::TokenName { name: other.name.clone(), id: other.id.clone() });
    }
    let is_rotated = before.is_some_and(|before| !before.has_same_secrets(&token));
    token.revision = transaction.seq();
    tokens.insert(token.id.clone(), token.clone());
    transaction.set_tokens(tokens);
    transaction.put(schema::TOKENS, token.id.as_bytes(), token.encode());
    transaction.log(match is_rotated {
        true => Op::RotateToken {
            id: token.id.clone(),
            name: token.name.clone(),
            until: token.overlap_until(),
        },
        false => Op::put_token(&token),
    });
    Ok(OperationResult::Token(Box::new(token)))
}

/// How many tokens stand above one.
fn depth(tokens: &Tokens, token: &TokenRecord) -> usize {
    let parent = |token: &TokenRecord| token.parent.as_ref().and_then(|id| tokens.get(id));
    std::iter::successors(parent(token), |token| parent(token)).take(MAX_DEPTH + 1).count()
}

/// Revokes a token and all that came from it.
pub(crate) fn delete(
    transaction: &mut Transaction<'_>,
    id: &str,
    keep: Option<&'static str>,
) -> Result<OperationResult, ChangeError> {
    let now = transaction.now;
    let mut tokens = transaction.tokens()?;
    if !tokens.contains_key(id) {
        return Err(ChangeError::NoToken);
    }
    let gone = descent(&tokens, id);
    let mut left = tokens.values().filter(|token| !gone.contains(&token.id));
    let mut lost = gone.iter().filter_map(|id| tokens.get(id));
    if let Some(scope) = keep
        && lost.any(|token| token.is_live(now) && token.has(scope))
        && !left.any(|token| token.is_live(now) && token.has(scope))
    {
        return Err(ChangeError::LastToken(scope));
    }
    let gone: Vec<TokenRecord> = gone.iter().filter_map(|id| tokens.remove(id)).collect();
    transaction.set_tokens(tokens);
    let count = gone.len() as u64;
    for TokenRecord { id, name, .. } in gone {
        transaction.delete(schema::TOKENS, id.as_bytes());
        transaction.delete(schema::USAGE, usage::token_key(&id));
        transaction.log(Op::DeleteToken { id, name });
    }
    Ok(OperationResult::Count(count))
}

/// A token, those that were made with it, those that were made with these, and so on.
fn descent(tokens: &Tokens, id: &str) -> Vec<String> {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for token in tokens.values() {
        if let Some(parent) = &token.parent {
            children.entry(parent).or_default().push(&token.id);
        }
    }
    let mut found = vec![id];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        found.extend(children.remove(parent).unwrap_or_default());
        at += 1;
    }
    found.into_iter().map(String::from).collect()
}
