//! What a mail server asks about.

use std::net::IpAddr;

use dnsbl_client::Target;

/// What a mail server knows about a client when it asks; what it did not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// The attribute `request`, which says that the others mean what we think.
    kind: String,
    /// The client's address, if it has one.
    pub(super) client: Option<IpAddr>,
    /// What the client calls itself.
    pub(super) helo: String,
    /// The envelope sender; empty is the null sender too.
    pub(super) sender: String,
    /// The client's name in the reverse DNS, whether or not that name has the address.
    pub(super) reverse_name: String,
    /// The name the client has authenticated as; empty: it has not.
    sasl_username: String,
    /// The same for all requests about one message.
    pub(super) instance: String,
    /// The name of the message in the mail server's queue, once it has one.
    pub(super) queue_id: String,
    /// Where in the SMTP session it is asked.
    state: String,
    /// What the mail server's configuration calls this question.
    pub(super) context: String,
    /// The mail server is short of processes and wants answers soon.
    pub(super) stress: bool,
}

/// Why this is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("not a request=smtpd_access_policy")]
    Kind,
    #[error("ip= is no address")]
    Address,
    #[error("a word that is no name=value, or a quote without end")]
    Word,
    #[error("a name that is not known, or twice the same")]
    Name,
}

impl Request {
    const KIND: &str = "smtpd_access_policy";
    /// The state in which the mail server asks whether to take a recipient.
    const RECIPIENT: &str = "RCPT";

    /// One that is asked for a recipient, where nothing else is known.
    fn at_recipient() -> Self {
        Self { kind: Self::KIND.into(), state: Self::RECIPIENT.into(), ..Self::default() }
    }

    /// What a mail server would ask that meets this and nothing else; a domain in every place where
    /// there may be one.
    pub(crate) fn about(target: &Target) -> Self {
        let mut request = Self::at_recipient();
        match target {
            Target::Domain(domain) => {
                let domain = domain.to_string();
                request.sender = format!("@{domain}");
                (request.helo, request.reverse_name) = (domain.clone(), domain);
            }
            Target::Email(email) => request.sender = email.to_string(),
            other => request.client = other.addr(),
        }
        request
    }

    /// Takes an attribute of Postfix's; the last of one name counts, others are not needed.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match name {
            "request" => self.kind = value.into(),
            "client_address" => self.client = parse_address(value),
            "helo_name" => self.helo = value.into(),
            "sender" => self.sender = value.into(),
            "reverse_client_name" => self.reverse_name = value.into(),
            "sasl_username" => self.sasl_username = value.into(),
            "instance" => self.instance = value.into(),
            "queue_id" => self.queue_id = value.into(),
            "protocol_state" => self.state = value.into(),
            "policy_context" => self.context = value.into(),
            "stress" => self.stress = !value.is_empty(),
            _ => {}
        }
    }

    /// The request, if it is one that this service answers.
    pub(super) fn checked(self) -> Result<Self, Wrong> {
        if self.kind == Self::KIND { Ok(self) } else { Err(Wrong::Kind) }
    }

    /// Reads `ip=… helo=… sender=… rdns=… auth=…`; values with blanks stand in double quotes, in
    /// which a backslash makes the next character an ordinary one.
    pub(super) fn from_line(line: &str) -> Result<Self, Wrong> {
        let (mut request, mut seen) = (Self::at_recipient(), vec![]);
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (name, value, tail) = word(rest)?;
            rest = tail.trim_start();
            if seen.contains(&name) {
                return Err(Wrong::Name);
            }
            seen.push(name);
            match name {
                "ip" => request.client = Some(parse_address(&value).ok_or(Wrong::Address)?),
                "helo" => request.helo = value,
                "sender" => request.sender = value,
                "rdns" => request.reverse_name = value,
                "auth" => request.sasl_username = value,
                _ => return Err(Wrong::Name),
            }
        }
        Ok(request)
    }

    /// Whether the client is a user who has logged in: lists of dynamic addresses mean others.
    pub(super) fn is_authenticated(&self) -> bool {
        !self.sasl_username.is_empty()
    }

    /// Whether it is asked for a recipient, where a mail server decides about relaying.
    pub(super) fn is_about_recipient(&self) -> bool {
        self.state == Self::RECIPIENT
    }

    /// Whether the message is here already, so that no header can be put before it.
    pub(super) fn is_after_message(&self) -> bool {
        self.state == "END-OF-MESSAGE"
    }

    /// Whether the verdict about `other` is the verdict about this.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        let facts = |r: &Self| (r.client, r.is_authenticated());
        facts(self) == facts(other)
            && self.helo == other.helo
            && self.sender == other.sender
            && self.reverse_name == other.reverse_name
    }
}

/// The address, without the zone of a link-local one.
fn parse_address(text: &str) -> Option<IpAddr> {
    text.split('%').next().unwrap_or_default().parse().ok()
}

/// A name, its value and the rest.
fn word(text: &str) -> Result<(&str, String, &str), Wrong> {
    let (name, rest) = text.split_once('=').ok_or(Wrong::Word)?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(Wrong::Word);
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, rest) = unquote(quoted)?;
        return Ok((name, value, rest));
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    Ok((name, rest[..end].to_owned(), &rest[end..]))
}

/// What stands before the closing quote, and what follows it, which begins with a blank if anything does.
fn unquote(text: &str) -> Result<(String, &str), Wrong> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let rest = &text[at + 1..];
                let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
                return if ends { Ok((value, rest)) } else { Err(Wrong::Word) };
            }
            '\\' => value.push(chars.next().ok_or(Wrong::Word)?.1),
            c => value.push(c),
        }
    }
    Err(Wrong::Word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Request, Wrong};

    #[test]
    fn a_line_says_what_exim_knows() {
        let line =
            r#"ip=192.0.2.99 helo="mx.example.net" sender="\"a b\"@example.org" rdns= auth=joe"#;
        let request = Request::from_line(line).unwrap();
        assert_eq!(request.client, Some("192.0.2.99".parse().unwrap()));
        assert_eq!(request.helo, "mx.example.net");
        assert_eq!(request.sender, "\"a b\"@example.org");
        assert_eq!(request.reverse_name, "");
        assert!(request.is_authenticated());
    }

    #[test]
    fn a_line_that_may_mean_two_things_is_refused() {
        for (line, wrong) in [
            ("ip=", Wrong::Address),
            ("ip=mx.example.net", Wrong::Address),
            ("ip=192.0.2.1 ip=192.0.2.2", Wrong::Name),
            ("ip=192.0.2.1 port=25", Wrong::Name),
            ("ip=192.0.2.1 helo", Wrong::Word),
            ("ip=192.0.2.1 sender=a b@x", Wrong::Word),
            ("ip=192.0.2.1 sender=\"a", Wrong::Word),
            ("ip=192.0.2.1 sender=\"a\\", Wrong::Word),
            ("ip=192.0.2.1 sender=\"a\"b", Wrong::Word),
        ] {
            assert_eq!(Request::from_line(line), Err(wrong), "{line}");
        }
    }

    #[test]
    fn a_client_without_an_address_is_no_error_for_postfix() {
        for (text, expected) in [("unknown", None), ("", None), ("fe80::1%eth0", Some("fe80::1"))] {
            let mut request = Request::default();
            request.set("client_address", text);
            assert_eq!(request.client, expected.map(|addr| addr.parse().unwrap()));
        }
    }

    #[test]
    fn of_one_attribute_the_last_counts() {
        let mut request = Request::default();
        for value in ["a", "b", ""] {
            request.set("sasl_username", value);
        }
        assert!(!request.is_authenticated());
    }

    proptest! {
        #[test]
        fn any_value_comes_through_quotes(value in "[^\r\n]*") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("ip=192.0.2.1 sender=\"{quoted}\" helo=x");
            prop_assert_eq!(Request::from_line(&line).unwrap().sender, value);
        }

        #[test]
        fn case_44_no_line_panics(line in "ip=192.0.2.1[ a-z=\"\\\\é]{0,40}") {
            let _ = Request::from_line(&line);
        }
    }
}
