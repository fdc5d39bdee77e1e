//! Text for people and their tools: aligned columns, and nothing a terminal would obey.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

/// What stands for nothing.
const NOTHING: &str = "-";

/// The text on one line, with characters that a terminal might obey spelled out.
pub(crate) fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match is_command(c) {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}

/// The same for lines of data: line ends and tabs stay, and JSON keeps its meaning.
pub(crate) fn visible_data(text: &str) -> String {
    let mut data = String::with_capacity(text.len());
    for c in text.chars() {
        match is_command(c) && !matches!(c, '\n' | '\t') {
            true => write!(data, "\\u{:04x}", u32::from(c)).expect("a string takes all"),
            false => data.push(c),
        }
    }
    data
}

/// A value that a table has a cell for.
pub(crate) trait Cell {
    /// Its text on one line, fit for a terminal.
    fn cell(&self) -> String;
}

impl Cell for str {
    fn cell(&self) -> String {
        if self.is_empty() { NOTHING.to_owned() } else { visible(self) }
    }
}

impl Cell for String {
    fn cell(&self) -> String {
        self.as_str().cell()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map_or_else(|| NOTHING.to_owned(), T::cell)
    }
}

impl<T: Cell> Cell for Vec<T> {
    fn cell(&self) -> String {
        join(self, ",").cell()
    }
}

impl Cell for Value {
    fn cell(&self) -> String {
        match self {
            Self::Null => NOTHING.to_owned(),
            Self::String(text) => text.cell(),
            Self::Array(values) => values.cell(),
            other => other.to_string().cell(),
        }
    }
}

macro_rules! plain_cells {
    ($($type:ty)*) => {$(
        impl Cell for $type {
            fn cell(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

plain_cells! { bool u16 u32 u64 }

/// A word as it stands in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).unwrap_or_default().cell()
}

/// Several values in one cell.
pub(crate) fn join(values: &[impl Cell], separator: &str) -> String {
    let cells: Vec<String> = values.iter().map(Cell::cell).collect();
    cells.join(separator)
}

/// The members of an object, one a line; those of objects inside it as `outer.inner`.
pub(crate) fn members(object: &impl Serialize) -> String {
    let mut rows = Vec::new();
    push_members(&serde_json::to_value(object).unwrap_or_default(), "", &mut rows);
    columns(&rows)
}

fn push_members(value: &Value, prefix: &str, rows: &mut Vec<Vec<String>>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = format!("{prefix}{}", visible(name));
        match value.as_object().is_some_and(|inner| !inner.is_empty()) {
            true => push_members(value, &format!("{name}."), rows),
            false => rows.push(vec![name, value.cell()]),
        }
    }
}

/// Rows as lines whose columns are aligned.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths);
    let padded: Vec<String> = padded.map(|(cell, width)| format!("{cell:<width$}")).collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// Control characters, and those that break lines or turn the direction of writing.
fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Cell, columns, members, visible, visible_data};

    #[test]
    fn a_terminal_gets_no_commands() {
        assert_eq!(visible("a\r\nb\x1b[2J\u{9b}m"), "a\\r\\nb\\u{1b}[2J\\u{9b}m");
        assert_eq!(visible("\u{202e}x"), "\\u{202e}x");
        assert_eq!(visible("第三者中継 é \\"), "第三者中継 é \\");
    }

    #[test]
    fn data_keeps_its_lines_and_json_its_meaning() {
        assert_eq!(visible_data("a\tb\nc\x07"), "a\tb\nc\\u0007");
        let json = json!({"reason": "\u{9b}2J\u{202e}\u{7f}é"});
        let shown = visible_data(&json.to_string());
        assert!(shown.is_ascii() || shown.contains('é'));
        assert!(!shown.contains(['\u{9b}', '\u{202e}', '\u{7f}']));
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), json);
    }

    #[test]
    fn every_value_has_a_cell() {
        let value = json!({"n": null, "s": "x y", "e": "", "i": 7, "b": true, "a": ["p", "q"]});
        let cells = ["n", "s", "e", "i", "b", "a", "absent"].map(|name| value[name].cell());
        assert_eq!(cells, ["-", "x y", "-", "7", "true", "p,q", "-"]);
        assert_eq!(json!([]).cell(), "-");
        assert_eq!((None::<u64>.cell(), Some(7u64).cell()), ("-".into(), "7".into()));
        assert_eq!(vec!["p".to_owned(), "q\n".into()].cell(), "p,q\\n");
    }

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let rows = [vec!["é".into(), "b".into()], vec!["ccc".into(), String::new()]];
        assert_eq!(columns(&rows), "é    b\nccc\n");
        assert_eq!(columns(&[]), "");
    }

    #[test]
    fn an_object_is_shown_member_by_member() {
        let zone = json!({"kind": "ip", "soa": {"serial": 7}, "glue": {}});
        assert_eq!(members(&zone), "glue        {}\nkind        ip\nsoa.serial  7\n");
    }
}
