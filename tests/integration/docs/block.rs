//! Blocks of code in Markdown.

/// What stands between two fences.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) file: String,
    /// The line of its first line, from 1.
    pub(super) line: usize,
    pub(super) language: String,
    /// Further words behind the fence.
    pub(super) marks: Vec<String>,
    pub(super) text: String,
}

/// A command of a shell, which may go over several lines.
#[derive(Clone, Debug)]
pub(super) struct ShellCommand {
    pub(super) place: String,
    pub(super) text: String,
}

impl Block {
    /// Where it stands.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// Its commands, if they are to be run.
    pub(super) fn commands(&self) -> Vec<ShellCommand> {
        let mut commands: Vec<ShellCommand> = Vec::new();
        if self.language != "sh" || !self.marks.is_empty() {
            return commands;
        }
        let mut is_open = false;
        for (number, line) in (self.line..).zip(self.text.lines()) {
            match commands.last_mut() {
                Some(command) if is_open => command.text += &format!("\n{line}"),
                _ if line.trim().is_empty() || line.trim_start().starts_with('#') => continue,
                _ => commands.push(ShellCommand {
                    place: format!("{}:{number}", self.file),
                    text: line.to_owned(),
                }),
            }
            is_open = commands.last().is_some_and(|command| goes_on(&command.text));
        }
        commands
    }
}

/// Whether a command does not end here: behind a backslash, inside quotes, in a document of its own.
fn goes_on(text: &str) -> bool {
    if let Some((_, word)) = text.split_once("<<") {
        let word = word.lines().next().unwrap_or_default().trim_matches(['\'', '"', '-', ' ']);
        return !text.lines().skip(1).any(|line| line == word);
    }
    let is_comment =
        |text: &str| text.rsplit_once(" # ").map_or(text.len(), |(code, _)| code.len());
    let code = &text[..is_comment(text)];
    let mut quote = None;
    for c in code.chars() {
        match quote {
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
    }
    quote.is_some() || code.ends_with('\\')
}

/// The blocks of a file, those in lists too.
pub(super) fn blocks(file: &str, text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let indent = line.len() - line.trim_start().len();
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take().map(|(_, block)| block)),
            (Some((depth, block)), _) => {
                block.text += line.get((*depth).min(indent)..).unwrap_or_default();
                block.text.push('\n');
            }
            (None, Some(info)) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let block = Block {
                    file: file.to_owned(),
                    line: number + 1,
                    language: words.next().unwrap_or_default(),
                    marks: words.collect(),
                    text: String::new(),
                };
                open = Some((indent, block));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{file}: a block has no end");
    found
}

/// Where a text links to inside the repository.
pub(super) fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    after
        .filter(|link| !link.contains("://") && !link.starts_with('#') && !link.contains('`'))
        .collect()
}
