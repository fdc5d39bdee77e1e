//! Substitution: from texts of rbldnsd to reasons.

use dnsbl_types::{Reason, ReasonError};

use super::error::TextError;

/// What texts are made with.
#[derive(Clone, Debug, Default)]
pub(super) struct Templates {
    /// The texts of `$0` to `$9`.
    pub(super) variables: [Option<Box<str>>; 10],
    /// The text of `$=`, which all texts become a part of.
    pub(super) base: Option<Box<str>>,
}

impl Templates {
    /// The reason that a text becomes; `None` where there is none.
    pub(super) fn reason(&self, text: &str) -> Result<Option<Reason>, TextError> {
        let mut out = Template::default();
        match (text.strip_prefix('='), &self.base) {
            (Some(own), _) => self.expand(own, own, &mut out)?,
            (None, Some(base)) => self.expand(base, text, &mut out)?,
            (None, None) => self.expand(text, text, &mut out)?,
        }
        if out.text.is_empty() { Ok(None) } else { Ok(Some(out.text.parse()?)) }
    }

    /// Fills in what stands for something; what is filled in is not looked at again.
    fn expand(&self, template: &str, own: &str, out: &mut Template) -> Result<(), TextError> {
        let mut rest = template;
        while let Some(at) = rest.find('$') {
            out.literal(&rest[..at])?;
            rest = &rest[at + 1..];
            let token = rest.bytes().next();
            match token {
                Some(b'$') => out.literal("$")?,
                Some(b'=') if own.is_empty() => out.subject()?,
                Some(b'=') => out.literal(own)?,
                Some(digit @ b'0'..=b'9') => match &self.variables[usize::from(digit - b'0')] {
                    Some(text) => out.literal(text)?,
                    None => out.literal(&format!("${}", char::from(digit)))?,
                },
                _ => {
                    out.subject()?;
                    continue;
                }
            }
            rest = &rest[1..];
        }
        out.literal(rest)
    }
}

/// A template of ours while it is written.
#[derive(Default)]
struct Template {
    text: String,
    ends_with_subject: bool,
}

impl Template {
    fn subject(&mut self) -> Result<(), TextError> {
        // Two of them would be read as a dollar.
        if self.ends_with_subject {
            return Err(TextError::DollarBehindSubject);
        }
        self.text.push('$');
        self.ends_with_subject = true;
        Ok(())
    }

    fn literal(&mut self, text: &str) -> Result<(), TextError> {
        if text.is_empty() {
            return Ok(());
        }
        // Our template would be read the other way round.
        if self.ends_with_subject && text.starts_with('$') {
            return Err(TextError::DollarBehindSubject);
        }
        self.text.reserve(text.len());
        for c in text.chars() {
            self.text.push(c);
            if c == '$' {
                self.text.push(c);
            }
        }
        self.ends_with_subject = false;
        // What is filled in again and again must not grow without bound.
        if self.text.len() > 2 * Reason::MAX_LEN {
            return Err(ReasonError::TooLong(self.text.len()).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(base: Option<&str>) -> Templates {
        let mut templates = Templates { base: base.map(Into::into), ..Templates::default() };
        templates.variables[1] = Some("v$2".into());
        templates.variables[2] = Some("two".into());
        templates
    }

    #[track_caller]
    fn becomes(base: Option<&str>, text: &str, expected: Option<&str>) {
        let reason = templates(base).reason(text).unwrap();
        let shown = reason.map(|reason| reason.render(&"192.0.2.1"));
        assert_eq!(shown.as_deref(), expected, "{text}");
    }

    #[test]
    fn dollars_stand_for_the_subject_variables_and_themselves() {
        becomes(None, "", None);
        becomes(None, "a $ b", Some("a 192.0.2.1 b"));
        becomes(None, "$$ $$$", Some("$ $192.0.2.1"));
        becomes(None, "$1 $2 $3 $22", Some("v$2 two $3 two2"));
        becomes(None, "a$=b", Some("aa$=bb"));
        becomes(None, "=x$", Some("x192.0.2.1"));
        becomes(None, "==x", Some("=x"));
        becomes(None, "=", None);
    }

    #[test]
    fn a_base_template_takes_in_each_text() {
        let base = Some("b $= $ $2");
        becomes(base, "own $ $1", Some("b own $ $1 192.0.2.1 two"));
        becomes(base, "", Some("b 192.0.2.1 192.0.2.1 two"));
        becomes(base, "=own $=", Some("own own $="));
        becomes(base, "=", None);
    }

    #[test]
    fn what_our_template_cannot_say_is_refused() {
        let wrong = templates(Some("$=$$")).reason("").unwrap_err();
        assert_eq!(wrong, TextError::DollarBehindSubject);
        let twice = templates(Some("$=$")).reason("").unwrap_err();
        assert_eq!(twice, TextError::DollarBehindSubject);
        assert!(templates(None).reason(&"$ ".repeat(9)).is_err());
        assert!(templates(None).reason(&"$=".repeat(400)).is_err());
    }
}
