//! What all listings of a subject say together.

use std::rc::Rc;

use dnsbl_types::{ListingBody, Reason, ReturnCode, Zone};

/// The answer for a subject, where no longer one decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Listed(Rc<Content>),
    Excluded,
    /// Records of the zone's own stand at that name.
    Own,
}

/// The content of a listing's answer; neither is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// Ascending, each once.
    pub(super) codes: Vec<ReturnCode>,
    /// Each once, in the order of their sources.
    pub(super) texts: Vec<Reason>,
}

impl Answer {
    pub(super) fn listed(code: ReturnCode, text: Reason) -> Self {
        Self::Listed(Rc::new(Content { codes: vec![code], texts: vec![text] }))
    }

    pub(super) fn is_listed(&self) -> bool {
        matches!(self, Self::Listed(_))
    }
}

impl Content {
    /// Pairs of a code and a text, in which all of both stand.
    pub(super) fn values(&self) -> impl Iterator<Item = (ReturnCode, &Reason)> {
        let Self { codes, texts } = self;
        (0..codes.len().max(texts.len())).filter_map(move |i| {
            let code = codes.get(i).or(codes.last())?;
            Some((*code, texts.get(i).or(texts.last())?))
        })
    }
}

/// Joins the listings of a subject.
pub(super) struct Joined {
    excluded: bool,
    /// Listings that have the zone's values.
    plain: bool,
    codes: Vec<ReturnCode>,
    texts: Vec<Reason>,
}

impl Joined {
    pub(super) fn new() -> Self {
        Self { excluded: false, plain: false, codes: Vec::new(), texts: Vec::new() }
    }

    /// Takes what one source says.
    pub(super) fn add(&mut self, body: &ListingBody, zone: &Defaults) {
        if body.exclusion {
            self.excluded = true;
            return;
        }
        let mut own = body.return_codes.iter().filter(|code| code.is_answered()).peekable();
        if own.peek().is_none() && body.reason.is_none() {
            self.plain = true;
            return;
        }
        match own.peek() {
            Some(_) => self.codes.extend(own),
            None => self.codes.extend(&zone.content.codes),
        }
        let text = body.reason.as_ref().or(zone.content.texts.first());
        self.texts.extend(text.cloned());
    }

    pub(super) fn answer(mut self, zone: &Defaults) -> Answer {
        if self.excluded {
            return Answer::Excluded;
        }
        if self.codes.is_empty() {
            return Answer::Listed(zone.content.clone());
        }
        if self.plain {
            self.codes.extend(&zone.content.codes);
            self.texts.extend(zone.content.texts.iter().cloned());
        }
        self.codes.sort_unstable();
        self.codes.dedup();
        let mut texts: Vec<Reason> = Vec::with_capacity(self.texts.len());
        for text in self.texts {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Answer::Listed(Rc::new(Content { codes: self.codes, texts }))
    }
}

/// What listings say that have nothing of their own.
pub(super) struct Defaults {
    content: Rc<Content>,
}

impl Defaults {
    pub(super) fn of(zone: &Zone) -> Self {
        let zone = zone.answered();
        let content =
            Content { codes: zone.return_codes.clone(), texts: vec![zone.reason.clone()] };
        Self { content: Rc::new(content) }
    }
}
