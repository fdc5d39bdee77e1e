//! The lines of a dialogue, fit to be shown.

use crate::{cut, text::clean};

/// The lines of a dialogue, with all tokens cut and bounded in number and length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    /// How many lines are kept; what comes later is left out, and the last line says so.
    pub const MAX_LINES: usize = 600;
    /// How many characters of a line are kept.
    pub const MAX_LINE: usize = 600;

    /// The lines: `C: ` is what we said, `S: ` what the server said, `* ` what happened.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(crate) fn sent(&mut self, line: &str) {
        self.push("C: ", line);
    }

    pub(crate) fn received(&mut self, line: &str) {
        self.push("S: ", line);
    }

    pub(crate) fn note(&mut self, line: &str) {
        self.push("* ", line);
    }

    fn push(&mut self, mark: &str, line: &str) {
        match self.lines.len() {
            len if len + 1 < Self::MAX_LINES => {
                let shown: String = clean(&cut(line)).chars().take(Self::MAX_LINE).collect();
                self.lines.push(format!("{mark}{shown}"));
            }
            len if len < Self::MAX_LINES => self.lines.push("* more was said".to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Transcript;

    #[test]
    fn a_transcript_holds_no_token_not_even_a_part_of_one() {
        let token = format!("r{}", "a7".repeat(17) + "b");
        let mut transcript = Transcript::default();
        transcript.sent(&format!("RCPT TO:<{token}@probe.example>"));
        transcript.received(&format!("{}{token}", "x".repeat(Transcript::MAX_LINE - 20)));
        assert_eq!(transcript.lines()[0], "C: RCPT TO:<ra7…@probe.example>");
        assert!(transcript.lines()[1].ends_with("xra7…"), "{:?}", transcript.lines()[1]);
    }

    #[test]
    fn a_transcript_has_an_end() {
        let mut transcript = Transcript::default();
        for _ in 0..10_000 {
            transcript.received(&"y".repeat(10_000));
        }
        assert_eq!(transcript.lines().len(), Transcript::MAX_LINES);
        assert_eq!(transcript.lines().last().unwrap(), "* more was said");
        assert!(transcript.lines().iter().all(|line| line.len() <= Transcript::MAX_LINE + 3));
    }
}
