//! Postfix: `main.cf`, `master.cf`, or lines of these.

use std::collections::HashMap;

use super::{statement::Statement, text::Text};

/// Restrictions of smtpd that ask lists.
const RESTRICTIONS: [&str; 8] = [
    "reject_rbl_client",
    "permit_dnswl_client",
    "reject_rhsbl_client",
    "reject_rhsbl_reverse_client",
    "reject_rhsbl_helo",
    "reject_rhsbl_sender",
    "reject_rhsbl_recipient",
    "permit_rhswl_client",
];
/// Names stand for names; none of them for itself in the end.
const MAX_DEPTH: usize = 16;
/// How many names are replaced in one value.
const MAX_NAMES: usize = 4096;

type Parameters = HashMap<String, Text>;

pub(super) fn read(text: &str) -> Vec<Statement> {
    let lines = logical(text);
    let parameters: Parameters = lines.iter().filter_map(parameter).collect();
    let mut found = Vec::new();
    for line in &lines {
        match parameter(line) {
            Some((name, value)) => {
                let value = expand(&value, &parameters);
                found.extend(of_parameter(&name, value));
            }
            None => found.extend(restrictions(&expand(line, &parameters))),
        }
    }
    found
}

/// The value of `postscreen_dnsbl_sites` in a text, or all of the text if it has no names, and the
/// threshold.
pub(super) fn sites(text: &str) -> (Vec<Text>, Option<Text>) {
    let (mut sites, mut threshold) = (Vec::new(), None);
    for statement in read(text) {
        match statement {
            Statement::PostscreenSites(value) => sites.push(value),
            Statement::PostscreenThreshold(value) => threshold = Some(value),
            _ => {}
        }
    }
    if sites.is_empty() && !logical(text).iter().any(|line| parameter(line).is_some()) {
        sites = logical(text);
    }
    (sites, threshold)
}

/// The only logical line, if it looks like lists without a name in front.
pub(super) fn bare(text: &str) -> Option<Text> {
    let lines = logical(text);
    let [line] = &lines[..] else { return None };
    let first = line.as_str().split(|c: char| "=*&!,/".contains(c) || c.is_whitespace()).next();
    first.is_some_and(|word| word.contains('.') || word.starts_with('+')).then(|| line.clone())
}

/// Lines with those joined that continue them, which have a blank in front.
fn logical(text: &str) -> Vec<Text> {
    let mut lines: Vec<Text> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push(number, &format!(" {bare}")),
            _ => lines.push(Text::on(number, bare)),
        }
    }
    lines
}

/// The name and value of `name = value`.
fn parameter(line: &Text) -> Option<(String, Text)> {
    let (name, _) = line.as_str().split_once('=')?;
    let value = line.part(name.len() + 1..line.as_str().len());
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name.to_owned(), value.trim()))
}

fn of_parameter(name: &str, value: Text) -> Vec<Statement> {
    match name {
        "postscreen_dnsbl_sites" => vec![Statement::PostscreenSites(value)],
        "postscreen_dnsbl_threshold" => vec![Statement::PostscreenThreshold(value)],
        "postscreen_dnsbl_reply_map" => vec![Statement::PostscreenReplyMap],
        "rbl_reply_maps" => vec![Statement::RblReplyMaps],
        "smtpd_policy_service_default_action" => vec![Statement::PolicyDefaultAction(value)],
        "maps_rbl_domains" => {
            value.words(separates).into_iter().map(Statement::MapsRblDomain).collect()
        }
        _ => restrictions(&value),
    }
}

fn separates(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

/// Restrictions among words; one may stand behind `name=`, as `-o` in `master.cf` has it.
fn restrictions(text: &Text) -> Vec<Statement> {
    let words = text.words_at(|c| separates(c) || c == '{' || c == '}');
    let mut found = Vec::new();
    for (i, (_, word)) in words.iter().enumerate() {
        let word = word.as_str();
        let name = word.rsplit_once('=').map_or(word, |(_, name)| name);
        let Some((at, argument)) = words.get(i + 1) else { continue };
        if let Some(known) = RESTRICTIONS.iter().find(|known| **known == name) {
            found.push(Statement::Restriction(known, argument.clone()));
        } else if name == "check_policy_service" {
            // Settings stand in braces; without these the next restriction follows.
            let braces = text.as_str()[..*at].trim_end().ends_with('{');
            let end = text.as_str()[*at..].find('}').filter(|_| braces).map_or(0, |end| at + end);
            let settings: Vec<&Text> = words[i + 1..]
                .iter()
                .take_while(|(start, _)| *start < end)
                .map(|(_, word)| word)
                .collect();
            found.push(Statement::PolicyService(argument.clone(), default_action(&settings)));
        }
    }
    found
}

/// What stands behind `default_action =`.
fn default_action(settings: &[&Text]) -> Option<Text> {
    settings.iter().enumerate().find_map(|(i, word)| {
        let rest = word.as_str().strip_prefix("default_action")?;
        match rest.strip_prefix('=') {
            Some("") => settings.get(i + 1).map(|word| (*word).clone()),
            Some(value) => Some(Text::on(word.line(), value)),
            None if rest.is_empty() => settings.get(i + 2).map(|word| (*word).clone()),
            None => None,
        }
    })
}

/// With `$name`, `${name}` and `$(name)` replaced by what the text sets them to; others stay.
fn expand(text: &Text, parameters: &Parameters) -> Text {
    Expansion { parameters, names_left: MAX_NAMES }.of(text, 0)
}

struct Expansion<'a> {
    parameters: &'a Parameters,
    names_left: usize,
}

impl Expansion<'_> {
    fn of(&mut self, text: &Text, depth: usize) -> Text {
        let whole = text.as_str();
        let mut expanded = Text::default();
        let mut at = 0;
        while let Some(dollar) = whole[at..].find('$').map(|found| at + found) {
            expanded.append(&text.part(at..dollar));
            let (end, value) = self.reference(text, dollar, depth);
            match value {
                Some(value) => expanded.append(&value),
                None => {
                    // Without braces, which else would end a word.
                    let raw = &whole[dollar..end];
                    let name = raw[1..].trim_start_matches(['{', '(']).trim_end_matches(['}', ')']);
                    expanded.push(text.line_at(dollar), &format!("${name}"));
                }
            }
            at = end;
        }
        expanded.append(&text.part(at..whole.len()));
        expanded
    }

    fn value(&mut self, name: &str, depth: usize) -> Option<Text> {
        let value = self.parameters.get(name).filter(|_| depth < MAX_DEPTH)?;
        self.names_left = self.names_left.checked_sub(1)?;
        Some(self.of(value, depth + 1))
    }

    /// Where a reference that begins at a dollar ends, and what it stands for, if that is set.
    fn reference(&mut self, text: &Text, dollar: usize, depth: usize) -> (usize, Option<Text>) {
        let rest = &text.as_str()[dollar + 1..];
        let closing = match rest.chars().next() {
            Some('{') => '}',
            Some('(') => ')',
            Some('$') => return (dollar + 2, None),
            _ => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
                return (dollar + 1 + name.len(), self.value(name, depth));
            }
        };
        let Some(inside) = rest[1..].find(closing).map(|end| &rest[1..=end]) else {
            return (text.as_str().len(), None);
        };
        let (start, end) = (dollar + 2, dollar + 3 + inside.len());
        // `${name?value}` where it is set, `${name:value}` where it is not.
        let value = match inside.find(['?', ':']) {
            None => self.value(inside, depth),
            Some(at) => {
                let other = text.part(start + at + 1..start + inside.len());
                match (self.value(&inside[..at], depth), inside.as_bytes()[at]) {
                    (Some(value), b':') => Some(value),
                    _ => Some(self.of(&other, depth + 1)),
                }
            }
        };
        (end, value)
    }
}
