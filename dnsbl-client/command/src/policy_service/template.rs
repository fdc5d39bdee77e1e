//! Reply texts with placeholders, made to one safe line.

/// The longest line that a template makes, in octets: with code and enhanced status it still fits a
/// reply line of SMTP (RFC 5321 section 4.5.3.1.5).
const MAX_LINE: usize = 480;

/// What placeholders stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The client's address.
    pub(super) client: String,
    /// What is listed: an address, a domain or a mail address.
    pub(super) what: String,
    /// The public name of the list that weighs most.
    pub(super) zone: String,
    /// The public names of all lists that have something.
    pub(super) zones: String,
    /// The list's text, and its URL where the text has none.
    pub(super) reason: String,
    /// The score.
    pub(super) score: String,
}

/// A text with placeholders in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Fact(Fact),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Client,
    What,
    Zone,
    Zones,
    Reason,
    Score,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error(
        "{{{0}}} is not known; there are {{client}}, {{what}}, {{zone}}, {{zones}}, {{reason}} and {{score}}"
    )]
    Unknown(String),
    #[error("a brace has no partner")]
    Brace,
    #[error("it is empty")]
    Empty,
    #[error("it is not one line of printable ASCII, at most {MAX_LINE} characters")]
    Unprintable,
    #[error("it begins with no header name and colon, such as \"X-DNSBL: \"")]
    Header,
}

impl Template {
    /// Reads the text of a reply.
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.len() > MAX_LINE || !text.bytes().all(|octet| (0x20..0x7f).contains(&octet)) {
            return Err(TemplateError::Unprintable);
        }
        let (mut pieces, mut rest) = (vec![], text);
        while let Some(at) = rest.find(['{', '}']) {
            let tail = rest[at..].strip_prefix('{').ok_or(TemplateError::Brace)?;
            let (name, after) = tail.split_once('}').ok_or(TemplateError::Brace)?;
            pieces.push(Piece::Text(rest[..at].to_owned()));
            pieces.push(Piece::Fact(Fact::named(name)?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Reads the text of a header line.
    pub(super) fn parse_header(text: &str) -> Result<Self, TemplateError> {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|o| o.is_ascii_alphanumeric() || o == b'-')
        };
        match text.split_once(':') {
            Some((name, value)) if is_name(name) && !value.trim().is_empty() => Self::parse(text),
            _ => Err(TemplateError::Header),
        }
    }

    /// The text for these facts: one line of printable ASCII.
    pub(super) fn render(&self, facts: &Facts) -> String {
        let text: String = self.0.iter().map(|piece| piece.text(facts)).collect();
        safe_line(&text)
    }
}

impl Piece {
    fn text<'a>(&'a self, facts: &'a Facts) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Fact(fact) => fact.of(facts),
        }
    }
}

impl Fact {
    fn named(name: &str) -> Result<Self, TemplateError> {
        Ok(match name {
            "client" => Self::Client,
            "what" => Self::What,
            "zone" => Self::Zone,
            "zones" => Self::Zones,
            "reason" => Self::Reason,
            "score" => Self::Score,
            other => return Err(TemplateError::Unknown(other.to_owned())),
        })
    }

    fn of(self, facts: &Facts) -> &str {
        match self {
            Self::Client => &facts.client,
            Self::What => &facts.what,
            Self::Zone => &facts.zone,
            Self::Zones => &facts.zones,
            Self::Reason => &facts.reason,
            Self::Score => &facts.score,
        }
    }
}

/// One line of printable ASCII that ends before it is too long.
pub(super) fn safe_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() || c == ' ' { ' ' } else { c };
    let text: String = text.chars().map(printable).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let ascii = |c: char| if c.is_ascii() { c } else { '?' };
    let mut line: String = words.join(" ").chars().map(ascii).collect();
    if line.len() > MAX_LINE {
        line.truncate(MAX_LINE - 3);
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Facts, MAX_LINE, Template, TemplateError};

    fn facts() -> Facts {
        Facts {
            client: "192.0.2.99".into(),
            what: "192.0.2.99".into(),
            zone: "bl.example.org".into(),
            zones: "bl.example.org, dbl.example.org".into(),
            reason: "Open relay, see https://bl.example.org/192.0.2.99".into(),
            score: "5".into(),
        }
    }

    #[test]
    fn placeholders_are_filled_in() {
        let template = Template::parse("{what} blocked using {zone}; {reason} ({score})").unwrap();
        assert_eq!(
            template.render(&facts()),
            "192.0.2.99 blocked using bl.example.org; \
             Open relay, see https://bl.example.org/192.0.2.99 (5)"
        );
        let plain = Template::parse("go away").unwrap();
        assert_eq!(plain.render(&facts()), "go away");
    }

    #[test]
    fn what_a_list_says_can_not_leave_its_line_or_begin_another_placeholder() {
        let template = Template::parse("blocked: {reason}").unwrap();
        let facts =
            Facts { reason: "a\r\n250 OK\0\n\naction=OK {zone} \u{2028}é".into(), ..facts() };
        assert_eq!(template.render(&facts), "blocked: a 250 OK action=OK {zone} ?");
    }

    #[test]
    fn a_text_that_is_no_template_is_refused() {
        for (text, error) in [
            ("", TemplateError::Empty),
            ("{zon}", TemplateError::Unknown("zon".into())),
            ("{zone", TemplateError::Brace),
            ("zone}", TemplateError::Brace),
            ("a\nb", TemplateError::Unprintable),
            ("é", TemplateError::Unprintable),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_header_has_a_name() {
        assert!(Template::parse_header("X-DNSBL: {zones}").is_ok());
        for text in ["X-DNSBL", "X DNSBL: a", ": a", "X-DNSBL:", "{zone}: a"] {
            assert_eq!(Template::parse_header(text), Err(TemplateError::Header), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_line_is_short_and_printable(reason in ".{0,2000}") {
            let template = Template::parse("listed: {reason}").unwrap();
            let line = template.render(&Facts { reason, ..facts() });
            prop_assert!(line.len() <= MAX_LINE);
            prop_assert!(line.bytes().all(|octet| (0x20..0x7f).contains(&octet)));
        }
    }
}
