//! Text that is put together from lines of a file, and knows where each part of it stands.

use std::ops::Range;

/// More than any value comes to, in octets; a name that stands for itself would have no end.
const MAX_LENGTH: usize = 1 << 20;

/// Text, and the line of the file (from 1) on which each part of it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    text: String,
    /// Where a part begins, in octets, and its line; ascending.
    parts: Vec<(usize, usize)>,
}

impl Text {
    /// Text of one line.
    pub(crate) fn on(line: usize, text: &str) -> Self {
        let mut it = Self::default();
        it.push(line, text);
        it
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The line on which an octet stands.
    pub(crate) fn line_at(&self, offset: usize) -> usize {
        let after = self.parts.partition_point(|(start, _)| *start <= offset);
        self.parts.get(after.saturating_sub(1)).map_or(1, |(_, line)| *line)
    }

    /// The line on which it begins.
    pub(crate) fn line(&self) -> usize {
        self.line_at(0)
    }

    /// Adds text of a line; what would make it too long is left out.
    pub(super) fn push(&mut self, line: usize, text: &str) {
        if text.is_empty() || self.text.len() + text.len() > MAX_LENGTH {
            return;
        }
        if self.parts.last().is_none_or(|(_, last)| *last != line) {
            self.parts.push((self.text.len(), line));
        }
        self.text.push_str(text);
    }

    pub(super) fn append(&mut self, other: &Self) {
        for (i, (start, line)) in other.parts.iter().enumerate() {
            let end = other.parts.get(i + 1).map_or(other.text.len(), |(next, _)| *next);
            self.push(*line, &other.text[*start..end]);
        }
    }

    /// A part of it.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let text = self.text[range.clone()].to_owned();
        let mut parts = vec![(0, self.line_at(range.start))];
        let inside =
            self.parts.iter().filter(|(start, _)| (range.start + 1..range.end).contains(start));
        parts.extend(inside.map(|(start, line)| (start - range.start, *line)));
        Self { text, parts }
    }

    /// Without blanks at both ends.
    pub(super) fn trim(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        self.part(start..start + self.text.trim().len())
    }

    /// What stands between separators; empty words are left out.
    pub(crate) fn words(&self, separator: impl Fn(char) -> bool) -> Vec<Self> {
        self.words_at(separator).into_iter().map(|(_, word)| word).collect()
    }

    /// The same, with where each begins.
    pub(super) fn words_at(&self, separator: impl Fn(char) -> bool) -> Vec<(usize, Self)> {
        let begin = self.text.as_ptr() as usize;
        let words = self.text.split(separator).filter(|word| !word.is_empty());
        let place = |word: &str| {
            let start = word.as_ptr() as usize - begin;
            (start, self.part(start..start + word.len()))
        };
        words.map(place).collect()
    }
}
