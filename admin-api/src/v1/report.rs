//! Reports, reporters, and the rules of zones.

use admin_api_types as api;
use dnsbl_reports::{Claimed, Comment, Evidence, Found, Report, ReportState, Reporter, StateKind};
use dnsbl_types::{ReportCategory, ReportRule, ReportRules};

use super::{BodyError, parse, parse_all, texts, time};

/// The rules in a body.
pub(crate) fn read_rules(body: api::ReportRules) -> Result<ReportRules, BodyError> {
    let rules = body.categories.into_iter().map(|(category, rule)| {
        let category = read_category(category);
        Ok((category, read_rule(category, &rule)?))
    });
    let rules = rules.collect::<Result<Vec<_>, BodyError>>()?;
    ReportRules::new(rules).map_err(|err| BodyError::refused(format!("reports: {err}")))
}

fn read_rule(category: ReportCategory, rule: &api::ReportRule) -> Result<ReportRule, BodyError> {
    let usual = ReportRule::default();
    let field = |name: &str| format!("reports.categories.{category}.{name}");
    let code = rule.return_code.as_deref();
    let reason = rule.reason.as_deref();
    let reporters = rule.reporters.unwrap_or(usual.reporters);
    let window = rule.window.unwrap_or(usual.window.min(rule.expires_in.unwrap_or(usual.window)));
    let expires_in = rule.expires_in.unwrap_or(usual.expires_in.max(window));
    Ok(ReportRule {
        return_code: code.map(|code| parse(&field("return_code"), code)).transpose()?,
        reason: reason.map(|reason| parse(&field("reason"), reason)).transpose()?,
        reporters,
        networks: rule.networks.unwrap_or(usual.networks.min(reporters)),
        window,
        expires_in,
        longest: rule.longest.unwrap_or(usual.longest.max(expires_in)),
        trusted: parse_all(&field("trusted"), &rule.trusted)?,
    })
}

/// Rules as they are shown.
pub(crate) fn write_rules(rules: &ReportRules) -> api::ReportRules {
    let write = |(category, rule): (ReportCategory, &ReportRule)| {
        let rule = api::ReportRule {
            return_code: rule.return_code.map(|code| code.to_string()),
            reason: rule.reason.as_ref().map(|reason| reason.template().to_owned()),
            reporters: Some(rule.reporters),
            networks: Some(rule.networks),
            window: Some(rule.window),
            expires_in: Some(rule.expires_in),
            longest: Some(rule.longest),
            trusted: texts(&rule.trusted),
        };
        (write_category(category), rule)
    };
    api::ReportRules { categories: rules.iter().map(write).collect() }
}

/// What a body claims.
pub(crate) fn read(body: &api::ReportBody) -> Result<Claimed, BodyError> {
    let zone = body.zone.as_deref().filter(|zone| !zone.is_empty());
    let time = |field: &str, text: &Option<String>| {
        let text = text.as_deref().filter(|text| !text.is_empty());
        text.map(|text| time::read(field, text)).transpose()
    };
    let count = body.count.unwrap_or(1);
    if count == 0 {
        return Err(BodyError::malformed("count", "a report stands for at least one event"));
    }
    Ok(Claimed {
        zone: zone.map(|zone| parse("zone", zone)).transpose()?,
        subject: parse("subject", &body.subject)?,
        category: read_category(body.category),
        count,
        first_seen: time("first_seen", &body.first_seen)?,
        last_seen: time("last_seen", &body.last_seen)?,
        comment: body.comment.as_deref().and_then(Comment::new),
        evidence: body.evidence.as_deref().and_then(Evidence::new),
    })
}

/// A report as its reporter sees it: without what others may see.
pub(crate) fn write_own(report: &Report) -> api::Report {
    let (listed_until, relay_test) = match &report.state {
        ReportState::Listed(until) => (Some(time::write(*until)), None),
        ReportState::Testing(test) => (None, Some(test.clone())),
        _ => (None, None),
    };
    api::Report {
        id: report.id.to_string(),
        state: write_state(report.state.kind()),
        subject: report.subject.to_string(),
        category: write_category(report.category),
        zone: report.zone.to_string(),
        count: report.count,
        duplicates: report.duplicates,
        reported_at: time::write(report.at),
        repeated_at: time::write(report.last),
        listed_until,
        relay_test,
        first_seen: report.first_seen.map(time::write),
        last_seen: report.last_seen.map(time::write),
        reporter: None,
        network: None,
        comment: None,
        evidence: None,
        decision: None,
    }
}

/// A report as those see it who may see reports.
pub(crate) fn write(report: &Report) -> api::Report {
    let decision = report.decision.as_ref().map(|decision| api::ReportDecision {
        by: decision.by.clone(),
        at: time::write(decision.at),
        note: decision.note.as_ref().map(|note| note.as_str().to_owned()),
    });
    api::Report {
        reporter: Some(report.reporter.to_string()),
        network: report.network.map(|network| network.to_string()),
        comment: report.comment.as_ref().map(|comment| comment.as_str().to_owned()),
        decision,
        ..write_own(report)
    }
}

/// A report with its evidence.
pub(crate) fn write_whole(found: &Found) -> api::Report {
    let evidence = found.evidence.as_ref().map(|evidence| evidence.as_str().to_owned());
    api::Report { evidence, ..write(&found.report) }
}

/// A reporter as it is shown.
pub(crate) fn write_reporter(reporter: &Reporter) -> api::Reporter {
    api::Reporter {
        name: reporter.name.to_string(),
        reports: reporter.reports,
        duplicates: reporter.duplicates,
        confirmed: reporter.confirmed,
        refuted: reporter.refuted,
        counts: reporter.counts(),
        first_report_at: time::write(reporter.first),
        last_report_at: time::write(reporter.last),
    }
}

/// A state as it is shown.
pub(crate) fn write_state(state: StateKind) -> api::ReportState {
    match state {
        StateKind::Waiting => api::ReportState::Waiting,
        StateKind::Listed => api::ReportState::Listed,
        StateKind::Testing => api::ReportState::Testing,
        StateKind::Confirmed => api::ReportState::Confirmed,
        StateKind::Refuted => api::ReportState::Refuted,
    }
}

fn read_category(category: api::ReportCategory) -> ReportCategory {
    match category {
        api::ReportCategory::Relay => ReportCategory::Relay,
        api::ReportCategory::Spam => ReportCategory::Spam,
        api::ReportCategory::SpamTrap => ReportCategory::SpamTrap,
        api::ReportCategory::DirectoryHarvest => ReportCategory::DirectoryHarvest,
        api::ReportCategory::Backscatter => ReportCategory::Backscatter,
        api::ReportCategory::Malware => ReportCategory::Malware,
        api::ReportCategory::Phishing => ReportCategory::Phishing,
        api::ReportCategory::BruteForce => ReportCategory::BruteForce,
        api::ReportCategory::Policy => ReportCategory::Policy,
    }
}

fn write_category(category: ReportCategory) -> api::ReportCategory {
    match category {
        ReportCategory::Relay => api::ReportCategory::Relay,
        ReportCategory::Spam => api::ReportCategory::Spam,
        ReportCategory::SpamTrap => api::ReportCategory::SpamTrap,
        ReportCategory::DirectoryHarvest => api::ReportCategory::DirectoryHarvest,
        ReportCategory::Backscatter => api::ReportCategory::Backscatter,
        ReportCategory::Malware => api::ReportCategory::Malware,
        ReportCategory::Phishing => api::ReportCategory::Phishing,
        ReportCategory::BruteForce => api::ReportCategory::BruteForce,
        ReportCategory::Policy => api::ReportCategory::Policy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Result<ReportRules, String> {
        let body = serde_json::from_str(json).map_err(|err| err.to_string())?;
        read_rules(body).map_err(BodyError::into_text)
    }

    #[test]
    fn rules_have_defaults_that_fit_and_read_back() {
        let spam = |json: &str| {
            let rules = rules(&format!(r#"{{"categories":{{"spam":{json}}}}}"#))?;
            let again =
                serde_json::to_string(&write_rules(&rules)).map_err(|err| err.to_string())?;
            assert_eq!(self::rules(&again), Ok(rules.clone()));
            rules.rule(ReportCategory::Spam).cloned().ok_or_else(|| "no rule".to_owned())
        };
        assert_eq!(spam("{}"), Ok(ReportRule::default()));
        assert_eq!(spam(r#"{"reporters":1}"#).unwrap().networks, 1);
        assert_eq!(spam(r#"{"window":604800}"#).unwrap().expires_in, 604_800);
        assert_eq!(spam(r#"{"expires_in":60}"#).unwrap().window, 60);
        assert_eq!(spam(r#"{"expires_in":5184000}"#).unwrap().longest, 5_184_000);
        for (json, says) in [
            (r#"{"window":60,"expires_in":59}"#, "window 60"),
            (r#"{"return_code":"127.0.0.1"}"#, "reports.categories.spam.return_code"),
            (r#"{"trusted":["a b"]}"#, "reports.categories.spam.trusted[0]"),
            (r#"{"colour":1}"#, "colour"),
        ] {
            let err = spam(json).unwrap_err();
            assert!(err.contains(says), "{json}: {err}");
        }
        assert!(rules(r#"{"categories":{"relay":{}}}"#).unwrap_err().contains("tested"));
        assert!(rules(r#"{"categories":{"spams":{}}}"#).is_err());
        assert_eq!(rules("{}"), Ok(ReportRules::default()));
    }

    #[test]
    fn categories_have_the_same_names_here_and_there() {
        for category in ReportCategory::ALL {
            let shown = serde_json::to_value(write_category(category)).unwrap();
            assert_eq!(shown, category.as_str());
            assert_eq!(read_category(write_category(category)), category);
        }
        for state in StateKind::ALL {
            assert_eq!(serde_json::to_value(write_state(state)).unwrap(), state.as_str());
        }
    }
}
