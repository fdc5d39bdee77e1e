//! What stands below the options in a command's help, by its headings.

/// A heading that help texts have.
enum Heading {
    ExitStatus,
    Examples,
}

/// The notes of a help text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// What has no heading.
    pub(crate) remarks: String,
    /// What exit statuses mean.
    pub(crate) exit_status: String,
    /// Command lines.
    pub(crate) examples: String,
}

impl Notes {
    /// Reads them.
    pub(crate) fn read(help: &str) -> Self {
        let mut notes = Self::default();
        let mut part = &mut notes.remarks;
        for line in help.lines() {
            let text = match heading(line) {
                Some((Heading::ExitStatus, text)) => {
                    part = &mut notes.exit_status;
                    text.to_owned()
                }
                Some((Heading::Examples, text)) => {
                    part = &mut notes.examples;
                    format!("  {text}")
                }
                None => line.to_owned(),
            };
            part.push_str(text.trim_end());
            part.push('\n');
        }
        for part in [&mut notes.remarks, &mut notes.exit_status, &mut notes.examples] {
            *part = part.trim_matches('\n').to_owned();
        }
        notes
    }
}

/// The heading that a line begins with, and what stands behind it.
fn heading(line: &str) -> Option<(Heading, &str)> {
    let exit_status = line.strip_prefix("Exit status:").map(|text| (Heading::ExitStatus, text));
    let examples = line.strip_prefix("Example:").or_else(|| line.strip_prefix("Examples:"));
    exit_status
        .or(examples.map(|text| (Heading::Examples, text)))
        .map(|(heading, text)| (heading, text.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::Notes;

    #[test]
    fn headings_part_the_notes() {
        let notes = Notes::read(
            "Prints it.\n\nExit status:\n  0  done\n\nIt is quick.\nExamples:\n  a b\n  a c",
        );
        assert_eq!(notes.remarks, "Prints it.");
        assert_eq!(notes.exit_status, "  0  done\n\nIt is quick.");
        assert_eq!(notes.examples, "  a b\n  a c");
    }

    #[test]
    fn a_heading_may_have_its_text_behind_it() {
        let notes = Notes::read("Exit status: 0 if so, 1 if not.\n\nExample: a b");
        assert_eq!(notes.exit_status, "0 if so, 1 if not.");
        assert_eq!(notes.examples, "  a b");
        assert_eq!(notes.remarks, "");
    }
}
