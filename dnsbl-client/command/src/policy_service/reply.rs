//! Answers on the wire.

use dnsbl_client::Score;

use super::template::safe_line;

/// What came out for one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What the mail server shall do.
    pub(crate) action: Action,
    /// The points of the lists that answered.
    pub(crate) score: Score,
    /// The public names of the lists that have something, with commas between.
    pub(super) zones: String,
    /// Which subjects are listed where.
    pub(super) hits: String,
    /// The same of lists that count nothing: those in shadow.
    pub(super) noted: String,
    /// The public name of the zone by which the client has a grant, if it has one.
    pub(super) granted: Option<String>,
}

/// What the mail server shall do. Only who has a grant is accepted: that skips the checks that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Action {
    /// Go on as if nothing had been asked.
    #[default]
    Pass,
    /// Take it, whoever it is for: the client has a grant.
    Permit,
    /// Put this header before the message.
    Tag(String),
    /// Refuse for now, unless a later check refuses for good.
    Defer(String),
    /// Refuse for good.
    Reject(String),
}

impl Action {
    /// Its name in logs, metrics and the answer to Exim.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Permit => "permit",
            Self::Tag(_) => "tag",
            Self::Defer(_) => "defer",
            Self::Reject(_) => "reject",
        }
    }

    /// What is said to the mail server.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Pass | Self::Permit => "",
            Self::Tag(text) | Self::Defer(text) | Self::Reject(text) => text,
        }
    }

    /// The answer to Postfix (access(5), SMTPD_POLICY_README).
    pub(super) fn policy_reply(&self) -> String {
        let text = safe_line(self.text());
        match self {
            Self::Pass => "action=DUNNO\n\n".into(),
            Self::Permit => "action=permit\n\n".into(),
            Self::Tag(_) => format!("action=PREPEND {text}\n\n"),
            Self::Defer(_) => format!("action=DEFER_IF_PERMIT 4.7.1 {text}\n\n"),
            Self::Reject(_) => format!("action=REJECT 5.7.1 {text}\n\n"),
        }
    }

    /// The answer to Exim, for `${extract`: the text is the header in case of `tag`.
    pub(super) fn line_reply(&self, score: Score, zones: &str) -> String {
        format!(
            "action={} score={score} zones={} text={}\n",
            self.as_str(),
            quote(zones),
            quote(self.text())
        )
    }
}

/// A value as Exim's `${extract` reads it.
fn quote(text: &str) -> String {
    let text = safe_line(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use dnsbl_client::Score;

    use super::Action;

    #[test]
    fn postfix_reads_one_line_and_an_empty_one() {
        for (action, expected) in [
            (Action::Pass, "action=DUNNO\n\n"),
            (Action::Permit, "action=permit\n\n"),
            (Action::Tag("X-DNSBL: a".into()), "action=PREPEND X-DNSBL: a\n\n"),
            (Action::Defer("later".into()), "action=DEFER_IF_PERMIT 4.7.1 later\n\n"),
            (Action::Reject("a\n\nb".into()), "action=REJECT 5.7.1 a b\n\n"),
        ] {
            assert_eq!(action.policy_reply(), expected);
        }
    }

    #[test]
    fn exim_reads_names_and_quoted_values() {
        let action = Action::Reject("say \"no\" \\ \r\naction=pass".into());
        assert_eq!(
            action.line_reply(Score::points(5), "bl.example.org"),
            "action=reject score=5 zones=\"bl.example.org\" \
             text=\"say \\\"no\\\" \\\\ action=pass\"\n"
        );
        assert_eq!(
            Action::Pass.line_reply(Score::ZERO, ""),
            "action=pass score=0 zones=\"\" text=\"\"\n"
        );
        assert_eq!(
            Action::Permit.line_reply(Score::ZERO, ""),
            "action=permit score=0 zones=\"\" text=\"\"\n"
        );
    }
}
