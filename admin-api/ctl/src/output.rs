//! Standard output and standard error.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Context;
use serde::Serialize;

use crate::{
    color::{Tone, paint},
    document::{Deletion, Document},
    failure::{Refusal, UNUSABLE, Unread},
    text,
};

/// The form in which results are printed.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// The server's JSON as it is, rather than text.
    json: bool,
}

impl Output {
    /// Prints JSON or text.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a document as it is, or the text that `render` makes of it.
    pub(crate) fn document<T>(
        self,
        document: &Document<T>,
        render: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        match self.json {
            true => data(&document.text),
            false => print(&render(&document.body)),
        }
    }

    /// Prints a document as it is, or as a table with a row for each of `items`.
    pub(crate) fn table<T, I, const N: usize>(
        self,
        document: &Document<T>,
        columns: [&str; N],
        items: &[I],
        row: impl Fn(&I) -> [String; N],
    ) -> anyhow::Result<()> {
        let rows = || items.iter().map(|item| row(item).into()).collect();
        self.document(document, |_| headed(&columns, rows()))
    }

    /// Says what is gone, or prints the document where the server sent one.
    pub(crate) fn deletion(self, document: &Deletion, words: &[&str]) -> anyhow::Result<()> {
        match self.json && document.text.is_empty() {
            true => Ok(()),
            false => self.document(document, |_| document.outcome(words)),
        }
    }

    /// Says something more about what was done: beside the result, or where that is JSON on standard error.
    pub(crate) fn remark(self, line: &str) -> anyhow::Result<()> {
        if self.json {
            note(line);
            return Ok(());
        }
        print(&format!("{line}\n"))
    }

    /// Prints the document of a refusal, where JSON is asked for.
    pub(crate) fn refusal(self, refusal: &Refusal) -> anyhow::Result<()> {
        match self.json && refusal.problem().is_some() {
            true => data(&refusal.body),
            false => Ok(()),
        }
    }
}

/// The rows of a table; a person also sees what the columns are.
pub(crate) fn headed(columns: &[&str], mut rows: Vec<Vec<String>>) -> String {
    if !is_terminal() {
        return text::columns(&rows);
    }
    rows.insert(0, columns.iter().map(|name| name.to_uppercase()).collect());
    let table = text::columns(&rows);
    let (head, body) = table.split_once('\n').unwrap_or((&table, ""));
    format!("{}\n{body}", paint(head, Tone::Head))
}

/// Prints lines of data as they are; a terminal gets them without what it would obey.
pub(crate) fn data(text: &str) -> anyhow::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match is_terminal() {
        true => print(&format!("{}{end}", text::visible_data(text))),
        false => print(&format!("{text}{end}")),
    }
}

/// Prints text that is fit for a terminal.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    write(text.as_bytes())
}

/// Writes to standard output at once.
pub(crate) fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(err) if err.kind() == ErrorKind::BrokenPipe => Err(Unread.into()),
        other => other.context("cannot write to standard output"),
    }
}

/// Says something on standard error; there is no one to tell if that fails.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a secret alone, if the server made one, and on standard error the rest of what it belongs to, and what it is called.
pub(crate) fn hand_over(
    made: &impl Serialize,
    name: &str,
    secret: Option<&str>,
) -> anyhow::Result<()> {
    note(text::members(made).trim_end());
    let Some(secret) = secret else { return Ok(()) };
    note(format_args!("this is the only time that the {name} is shown:"));
    print(&format!("{}\n", text::visible(secret)))
}

/// Tells warnings on standard error, unless they stand in the JSON.
pub(crate) fn warnings(warnings: &[String], output: Output) {
    for warning in warnings.iter().filter(|_| !output.is_json()) {
        note(format_args!("warning: {}", text::visible(warning)));
    }
}

/// Says what went wrong short of a refusal, and tells the exit code.
pub(crate) fn report(err: &anyhow::Error) -> ExitCode {
    if err.is::<Unread>() {
        return ExitCode::SUCCESS;
    }
    note(format_args!("dnsblctl: {err:#}"));
    UNUSABLE.into()
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
