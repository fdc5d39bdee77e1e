//! Exim: its configuration, or a part of it.

use std::collections::HashMap;

use super::{statement::Statement, text::Text};

/// Macros of Debian's configuration that are lists; they may be set in a file of their own.
const LIST_MACROS: [&str; 2] = ["CHECK_RCPT_IP_DNSBLS", "CHECK_RCPT_DOMAIN_DNSBLS"];
/// The words with which a statement of an ACL begins.
const VERBS: [&str; 7] = ["accept", "defer", "deny", "discard", "drop", "require", "warn"];

type Macros = HashMap<String, Text>;

/// Whether it says `dnslists =` or anything else that only Exim has.
pub(super) fn is(text: &str) -> bool {
    let mut code = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
    code.any(|line| {
        condition(line).is_some()
            || line.contains("${readsocket")
            || LIST_MACROS.iter().any(|name| line.starts_with(name))
    })
}

/// The values of all `dnslists` in a text, or all of the text if there are none.
pub(super) fn values(text: &str) -> Vec<Statement> {
    if is(text) {
        return read(text);
    }
    let mut whole = Text::default();
    for line in logical(text) {
        whole.append(&line);
        whole.push(line.line(), " ");
    }
    lists(whole.trim(), false)
}

/// Whether a line without a name in front is a value of `dnslists`: only these have `!`, `&`, `+`, `/`
/// and colons.
pub(super) fn looks_like_lists(line: &str) -> bool {
    line.contains(['!', '&', '+', ':', '/'])
}

pub(super) fn read(text: &str) -> Vec<Statement> {
    let mut macros = Macros::new();
    let (mut found, mut lines) = (Vec::new(), Vec::new());
    for line in logical(text) {
        let Some((name, value)) = definition(&line) else {
            lines.push(expand(&line, &macros));
            continue;
        };
        let value = expand(&value, &macros);
        if LIST_MACROS.contains(&name.as_str()) {
            found.extend(lists(value.clone(), false));
        }
        macros.insert(name, value);
    }
    for (i, line) in lines.iter().enumerate() {
        if let Some(at) = line.as_str().find("${readsocket") {
            found.push(Statement::ReadSocket(line.part(at..line.as_str().len())));
        }
        if let Some(start) = condition(line.as_str()) {
            let looks_at_codes = statement(&lines, i).any(|line| {
                ["$dnslist_value", "${dnslist_value}"].iter().any(|it| line.contains(it))
            });
            found.extend(lists(line.part(start..line.as_str().len()), looks_at_codes));
        }
    }
    found
}

/// A value of `dnslists`, without the names in it that stand for something that is not set.
pub(super) fn lists(value: Text, looks_at_codes: bool) -> Vec<Statement> {
    let is_macro = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_unset = |word: &Text| {
        let word = word.as_str().trim();
        is_macro(word) || word.starts_with('$')
    };
    let words = value.words(|c| c == ':' || c == ';');
    let (unset, set): (Vec<Text>, Vec<Text>) = words.into_iter().partition(is_unset);
    if unset.is_empty() {
        return vec![Statement::EximLists(value, looks_at_codes)];
    }
    let mut found: Vec<Statement> =
        unset.into_iter().map(|word| Statement::Unset(word.trim())).collect();
    let mut rest = Text::default();
    for word in set.iter().filter(|word| !["", "<"].contains(&word.as_str().trim())) {
        rest.append(word);
        rest.push(word.line(), " : ");
    }
    if !rest.as_str().is_empty() {
        found.push(Statement::EximLists(rest, looks_at_codes));
    }
    found
}

/// Lines with those joined that continue them: by a backslash at their end, blanks in front left out.
fn logical(text: &str) -> Vec<Text> {
    let mut lines: Vec<Text> = Vec::new();
    let mut continued = false;
    for (number, line) in (1..).zip(text.lines()) {
        let bare = line.trim();
        if bare.starts_with('#') {
            continue;
        }
        let end = bare.strip_suffix('\\');
        let part = end.unwrap_or(bare);
        match lines.last_mut() {
            Some(last) if continued => last.push(number, part),
            _ if bare.is_empty() => {}
            _ => lines.push(Text::on(number, part)),
        }
        continued = end.is_some();
    }
    lines
}

/// `NAME = value` or `NAME == value`: names of macros begin with a capital, those of options do not.
fn definition(line: &Text) -> Option<(String, Text)> {
    let (name, rest) = line.as_str().split_once('=')?;
    let start = line.as_str().len() - rest.strip_prefix('=').unwrap_or(rest).len();
    let name = name.trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), line.part(start..line.as_str().len()).trim()))
}

/// With the names of macros replaced, wherever they stand, as Exim does; the longest name counts.
fn expand(line: &Text, macros: &Macros) -> Text {
    let whole = line.as_str();
    let mut expanded = Text::default();
    let (mut at, mut from) = (0, 0);
    while at < whole.len() {
        let here = &whole[at..];
        let longest = here
            .starts_with(|c: char| c.is_ascii_uppercase())
            .then(|| {
                macros.keys().filter(|name| here.starts_with(*name)).max_by_key(|name| name.len())
            })
            .flatten();
        match longest {
            Some(name) => {
                expanded.append(&line.part(from..at));
                expanded.append(&macros[name]);
                at += name.len();
                from = at;
            }
            None => at += here.chars().next().map_or(1, char::len_utf8),
        }
    }
    expanded.append(&line.part(from..whole.len()));
    expanded
}

/// Where the value of `dnslists =` begins.
fn condition(line: &str) -> Option<usize> {
    let at = line.find("dnslists")?;
    let is_word = !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let value = line[at + "dnslists".len()..].trim_start().strip_prefix('=')?;
    is_word.then(|| line.len() - value.trim_start().len())
}

/// The lines of a statement of an ACL of which one is line `i`.
fn statement(lines: &[Text], i: usize) -> impl Iterator<Item = &str> {
    let begins = |line: &Text| {
        let word = line.as_str().split([' ', '\t', '\n']).next().unwrap_or_default();
        VERBS.contains(&word) || word.ends_with(':')
    };
    let first = (0..=i).rev().find(|i| begins(&lines[*i])).unwrap_or(0);
    let after = (i + 1..lines.len()).find(|i| begins(&lines[*i])).unwrap_or(lines.len());
    lines[first..after].iter().map(Text::as_str)
}
