//! What can be wrong with how lists are asked.

use std::net::Ipv4Addr;

use dnsbl_client::{
    Asks, Quantifier, ReplyFilter, Rule, Score, Zone, ZoneName,
    dialect::{
        self,
        exim::{self, Item, Unknown},
        postscreen,
    },
};

use super::{
    super::mail_server::{self, Statement, Text},
    dead,
    finding::{Finding, Severity},
    known::{Known, takes_refusals},
};

/// The answer of a parked domain.
const PARKED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// Stands for a key, which is never shown.
const KEY: &str = "your-key";
/// More codes than this are not named one by one in an advice.
const MAX_NAMED: usize = 16;

/// In whose syntax something is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Postfix,
    Exim,
}

/// What an answer of a list does to a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Rejects,
    Permits,
    /// Exim's statement decides, which is not looked into.
    Either,
}

/// A list as it is asked.
struct Asked<'a> {
    zone: &'a Zone,
    dialect: Dialect,
    role: Role,
    /// Behind the `/` of an item of Exim.
    keys: Option<&'a str>,
    asks_domains: bool,
    /// The key in its name is kept out of what is said, or its codes are looked at elsewhere.
    hides_name: bool,
    looks_at_codes: bool,
}

/// What was looked at, and what is wrong with it.
#[derive(Default)]
pub(super) struct Checked {
    /// In the order of the lines.
    pub(super) findings: Vec<Finding>,
    /// How many lists and policy services are asked.
    pub(super) asked: usize,
}

/// Everything that is wrong.
pub(super) fn check(statements: &[Statement]) -> Checked {
    let has = |wanted: &Statement| statements.contains(wanted);
    let screen_hides = has(&Statement::PostscreenReplyMap);
    let smtpd_hides = has(&Statement::RblReplyMaps);
    let mut checked = Checked::default();
    for statement in statements {
        match statement {
            Statement::PostscreenSites(sites) => {
                checked.postscreen_sites(sites, threshold(statements), screen_hides);
            }
            Statement::PostscreenThreshold(value) => checked.postscreen_threshold(value),
            Statement::Restriction(name, argument) => {
                checked.restriction(name, argument, smtpd_hides);
            }
            Statement::MapsRblDomain(zone) => {
                checked.restriction("reject_rbl_client", zone, smtpd_hides);
                let text = "maps_rbl_domains is gone since Postfix 2.1, and with it reject_maps_rbl: use reject_rbl_client";
                checked.find(zone.line(), None, "obsolete", Severity::Warning, text);
            }
            Statement::EximLists(value, looks_at_codes) => {
                checked.exim_lists(value, *looks_at_codes);
            }
            Statement::PolicyService(server, action) => {
                checked.policy_service(server, action.as_ref(), default_action(statements));
            }
            Statement::ReadSocket(call) => checked.read_socket(call),
            Statement::Unset(name) => checked.unset(name),
            Statement::PostscreenReplyMap
            | Statement::RblReplyMaps
            | Statement::PolicyDefaultAction(_) => {}
        }
    }
    checked.findings.sort_by_key(|finding| finding.line);
    // What a name stands for is found where the name is set, and wherever it is used.
    let mut seen = Vec::new();
    checked.findings.retain(|finding| {
        let new = !seen.contains(finding);
        if new {
            seen.push(finding.clone());
        }
        new
    });
    checked
}

/// The threshold of postscreen; 1 unless set.
fn threshold(statements: &[Statement]) -> Score {
    let set = statements.iter().rev().find_map(|statement| match statement {
        Statement::PostscreenThreshold(value) => value.as_str().parse().ok(),
        _ => None,
    });
    set.unwrap_or(Score::ONE)
}

/// What Postfix does while a policy service is away, where that is set for all of them.
fn default_action(statements: &[Statement]) -> Option<&Text> {
    statements.iter().rev().find_map(|statement| match statement {
        Statement::PolicyDefaultAction(value) => Some(value),
        _ => None,
    })
}

impl Checked {
    fn find(
        &mut self,
        line: usize,
        zone: Option<&ZoneName>,
        rule: &'static str,
        severity: Severity,
        text: impl Into<String>,
    ) {
        let zone = zone.map(ToString::to_string);
        self.findings.push(Finding { line, zone, rule, severity, text: text.into() });
    }

    fn postscreen_sites(&mut self, sites: &Text, threshold: Score, hides_name: bool) {
        let mut most = Score::ZERO;
        let mut readable = true;
        for word in sites.words(|c| c == ',' || c.is_whitespace()) {
            if word.as_str().contains('$') {
                self.unset(&word);
                readable = false;
                continue;
            }
            match postscreen::parse(word.as_str()) {
                Ok(zones) => {
                    for zone in &zones {
                        most = zone
                            .rules
                            .iter()
                            .fold(most, |most, rule| most.plus(rule.weight.max(Score::ZERO)));
                        let permits = zone.rules.iter().all(|rule| rule.weight < Score::ZERO);
                        let role = if permits { Role::Permits } else { Role::Rejects };
                        self.list(word.line(), &Asked::by_postfix(zone, role, false, hides_name));
                    }
                }
                Err(err) => {
                    self.unreadable(&word, err.to_string());
                    readable = false;
                }
            }
        }
        if most < threshold && readable {
            let text = format!(
                "all lists together reach {most}, less than the threshold {threshold}: nothing is ever rejected"
            );
            self.find(sites.line(), None, "threshold-out-of-reach", Severity::Warning, text);
        }
    }

    fn postscreen_threshold(&mut self, value: &Text) {
        match value.as_str().parse::<Score>() {
            Ok(threshold) if threshold >= Score::ONE => {}
            Ok(_) => {
                let text = "a threshold below 1 rejects clients that no list has; Postfix refuses it or crashes";
                self.find(value.line(), None, "threshold-below-one", Severity::Error, text);
            }
            Err(_) if value.as_str().contains('$') => self.unset(value),
            Err(_) => {
                let text = "postscreen_dnsbl_threshold is no whole number";
                self.find(value.line(), None, "unreadable", Severity::Error, text);
            }
        }
    }

    fn restriction(&mut self, name: &str, argument: &Text, hides_name: bool) {
        if argument.as_str().contains('$') {
            return self.unset(argument);
        }
        match postscreen::parse(argument.as_str()) {
            Ok(zones) => {
                let role = if name.starts_with("permit") { Role::Permits } else { Role::Rejects };
                let asks_domains = name.contains("_rhs");
                for zone in &zones {
                    let asked = Asked::by_postfix(zone, role, asks_domains, hides_name);
                    self.list(argument.line(), &asked);
                }
            }
            Err(err) => self.unreadable(argument, format!("{name}: {err}")),
        }
    }

    fn exim_lists(&mut self, value: &Text, looks_at_codes: bool) {
        for item in exim::parse_each(value.as_str()) {
            match item {
                Ok(item) => self.exim_item(value.line_at(item.at), &item, looks_at_codes),
                Err(err) => {
                    let line = value.line_at(err.at);
                    self.find(line, None, "unreadable", Severity::Error, err.to_string());
                }
            }
        }
    }

    fn exim_item(&mut self, line: usize, item: &Item, looks_at_codes: bool) {
        let keys = item.keys.as_deref();
        let of_domains = ["domain", "helo", "host_name"];
        self.list(
            line,
            &Asked {
                zone: &item.zone,
                dialect: Dialect::Exim,
                role: Role::Either,
                keys,
                asks_domains: keys
                    .is_some_and(|keys| of_domains.iter().any(|it| keys.contains(it))),
                hides_name: false,
                looks_at_codes,
            },
        );
        if item.unknown == Unknown::Include {
            let text = "+include_unknown: when the list can't be reached every client is listed";
            let name = Some(&item.zone.name);
            self.find(line, name, "unknown-is-listed", Severity::Error, text);
        }
    }

    fn list(&mut self, line: usize, asked: &Asked<'_>) {
        self.asked += 1;
        let name = &asked.zone.name;
        if let Some(end) = dead::end_of(name.public()) {
            let (rule, severity) = match end {
                dead::End::Dead(_) => ("dead-list", Severity::Error),
                dead::End::Replaced(_) => ("replaced-list", Severity::Warning),
            };
            self.find(line, Some(name), rule, severity, end.to_string());
            // Nothing else matters about a list that is to be removed.
            if matches!(end, dead::End::Dead(_)) {
                return;
            }
        }
        let known = Known::find(name);
        if let Some((rule, severity, text)) = asked.wrong_use(known.as_ref()) {
            self.find(line, Some(name), rule, severity, text);
        } else {
            for rule in &asked.zone.rules {
                if let Some((word, severity, text)) = asked.filter_mistake(rule, known.as_ref()) {
                    let text = format!("{text}; {}", asked.advice(known.as_ref()));
                    self.find(line, Some(name), word, severity, text);
                }
            }
        }
        if asked.is_keyed() && !asked.hides_name {
            let text = match asked.dialect {
                Dialect::Postfix => {
                    "the key in its name gets into rejections and logs: map the name in rbl_reply_maps or postscreen_dnsbl_reply_map"
                }
                Dialect::Exim => {
                    "the key in its name is in $dnslist_domain: do not use that in a message or log_message"
                }
            };
            self.find(line, Some(name), "key-in-text", Severity::Error, text);
        }
    }

    fn policy_service(&mut self, server: &Text, action: Option<&Text>, of_all: Option<&Text>) {
        self.asked += 1;
        let Some(action) = action.or(of_all) else {
            let text = "check_policy_service without default_action: while the service is away, Postfix defers all mail; \
                        write check_policy_service { SERVER, default_action=DUNNO }";
            let line = server.line();
            return self.find(line, None, "no-default-action", Severity::Warning, text);
        };
        let word = action.as_str().to_ascii_lowercase();
        if word.starts_with("reject") || word.starts_with('5') {
            let text = "default_action rejects all mail while the service is away; write default_action=DUNNO";
            self.find(action.line(), None, "default-action-rejects", Severity::Error, text);
        }
    }

    fn read_socket(&mut self, call: &Text) {
        self.asked += 1;
        if arguments(call.as_str()) < 5 {
            let text = "readsocket without its fifth argument: while the service is away, Exim defers all mail; \
                        add {5s}{}{action=pass} behind the request";
            self.find(call.line(), None, "no-default-action", Severity::Warning, text);
        }
    }

    fn unset(&mut self, name: &Text) {
        let text = format!(
            "{} is not set here, so that what it stands for is not looked at; check the file that sets it together with this one",
            mail_server::unset_name(name.as_str())
        );
        self.find(name.line(), None, "unset-name", Severity::Warning, text);
    }

    /// An entry that Postfix would not take; what is wrong with it does not show a key in it.
    fn unreadable(&mut self, entry: &Text, why: String) {
        let zone = postscreen::zone_of(entry.as_str());
        self.find(entry.line(), zone.as_ref(), "unreadable", Severity::Error, why);
    }
}

impl<'a> Asked<'a> {
    fn by_postfix(zone: &'a Zone, role: Role, asks_domains: bool, hides_name: bool) -> Self {
        Self {
            zone,
            dialect: Dialect::Postfix,
            role,
            keys: None,
            asks_domains,
            hides_name,
            looks_at_codes: false,
        }
    }

    fn is_keyed(&self) -> bool {
        let name = &self.zone.name;
        name.secret().to_string().trim_end_matches('.') != name.public()
    }

    /// The codes that are meant here, where the list is known.
    fn meant<'k>(&self, known: Option<&'k Known>) -> Option<&'k ReplyFilter> {
        let Known { bad, good, .. } = known?;
        match self.role {
            Role::Rejects => bad.as_ref(),
            Role::Permits => good.as_ref(),
            Role::Either => bad.as_ref().or(good.as_ref()),
        }
    }

    /// A list of another kind than it is taken for.
    fn wrong_use(&self, known: Option<&Known>) -> Option<(&'static str, Severity, String)> {
        let known = known?;
        if known.asks == Asks::Domains && !self.asks_domains && self.keys.is_none() {
            let text =
                "a list of domains is asked about addresses; some answer that with an error code";
            Some(("wrong-kind", Severity::Error, text.into()))
        } else if known.asks != Asks::Domains && self.asks_domains {
            let text = "a list of addresses is asked about domains: it never has one";
            Some(("wrong-kind", Severity::Warning, text.into()))
        } else if self.role == Role::Rejects && known.bad.is_none() {
            let text = "a list of good hosts rejects them here: use permit_dnswl_client, or a negative weight in postscreen";
            Some(("wrong-side", Severity::Error, text.into()))
        } else if self.role == Role::Permits && known.good.is_none() {
            let text = "a list of bad hosts lets them through here: use reject_rbl_client, or a positive weight in postscreen";
            Some(("wrong-side", Severity::Error, text.into()))
        } else {
            None
        }
    }

    fn filter_mistake(
        &self,
        rule: &Rule,
        known: Option<&Known>,
    ) -> Option<(&'static str, Severity, String)> {
        let (filter, name) = (&rule.filter, &self.zone.name);
        let is = match self.role {
            Role::Permits => "lets the client through",
            _ => "is a listing",
        };
        if matches!(filter.quantifier(), Quantifier::NotAny | Quantifier::NotAll) {
            let text = "a negation is true for the answers of a lapsed domain or a rewriting resolver: every client is listed";
            return Some(("negation-lists-the-world", Severity::Error, text.into()));
        }
        if filter.is_any() {
            let text = match self.dialect {
                Dialect::Postfix => format!(
                    "any answer {is}: that of a lapsed domain, and that of a list which refuses to answer your resolver (127.255.255.254)"
                ),
                Dialect::Exim if self.looks_at_codes => return None,
                Dialect::Exim => format!(
                    "any answer inside 127/8 {is}, that of a list which refuses to answer your resolver (127.255.255.254) too"
                ),
            };
            return Some(("no-filter", Severity::Error, text));
        }
        if self.dialect == Dialect::Postfix && filter.matches(&[PARKED]) {
            let text = format!(
                "the filter takes addresses outside 127/8, such as that of a lapsed domain: each {is}"
            );
            return Some(("filter-outside-loopback", Severity::Error, text));
        }
        if takes_refusals(name, filter) {
            let text = format!(
                "the filter takes codes by which the list refuses to answer, such as 127.255.255.254: each {is}"
            );
            return Some(("error-code-is-listed", Severity::Error, text));
        }
        let meant = self.meant(known)?;
        if !filter.meets(meant) {
            let codes = meant.to_postfix().unwrap_or_default();
            let text = format!(
                "the filter shares no code with the list, which answers {codes}: it never matches"
            );
            return Some(("filter-never-matches", Severity::Error, text));
        }
        let other = match self.role {
            Role::Rejects => known.and_then(|known| known.good.as_ref()),
            Role::Permits => known.and_then(|known| known.bad.as_ref()),
            Role::Either => None,
        };
        let other = other.filter(|other| filter.meets(other))?.to_postfix().unwrap_or_default();
        let text = format!("the filter takes {other} too, by which the list says the opposite");
        Some(("opposite-code", Severity::Error, text))
    }

    /// How to ask the list.
    fn advice(&self, known: Option<&Known>) -> String {
        let name = match self.is_keyed() {
            true => format!("{KEY}.{}", self.zone.name),
            false => self.zone.name.to_string(),
        };
        let keys = self.keys.map(|keys| format!("/{keys}")).unwrap_or_default();
        let codes = self.meant(known).and_then(|meant| Some((meant, meant.to_postfix()?)));
        match (self.dialect, codes) {
            (Dialect::Postfix, Some((_, codes))) => format!("write {name}={codes}"),
            (Dialect::Postfix, None) => {
                format!(
                    "write {name}= and the codes that the list names, such as {name}=127.0.0.[2..254]"
                )
            }
            (Dialect::Exim, None) => {
                format!(
                    "write {name}= and the codes that the list names, such as {name}=127.0.0.2,127.0.0.3{keys}"
                )
            }
            (Dialect::Exim, Some((meant, _))) => match exim_codes(&self.zone.name, meant) {
                Some(codes) => format!("write {name}{codes}{keys}"),
                // Exim has no ranges.
                None => {
                    let expression = dialect::expression(meant);
                    let expression = expression.trim_matches(['^', '$']);
                    format!(
                        "write {name}{keys} and add the line: condition = ${{if match{{$dnslist_value}}{{\\N\\b{expression}\\b\\N}}}}"
                    )
                }
            },
        }
    }
}

/// `=127.0.0.2,127.0.0.3`; nothing where there are too many.
fn exim_codes(name: &ZoneName, filter: &ReplyFilter) -> Option<String> {
    let rule = Rule::new(filter.clone(), Score::ONE);
    let text = exim::write(&[Zone::addresses(name.clone()).rules([rule])]).text;
    let (_, codes) = text.split_once('=')?;
    (codes.split(',').count() <= MAX_NAMED).then(|| format!("={codes}"))
}

/// How many arguments in braces follow `${readsocket`.
fn arguments(call: &str) -> usize {
    let (mut depth, mut count, mut escaped) = (0, 0, false);
    for c in call.trim_start_matches("${readsocket").chars() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => {
                depth -= 1;
                count += usize::from(depth == 0);
            }
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests;
