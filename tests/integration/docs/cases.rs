//! docs/client-cases.md has a line for each case after which a test is named, and names tests that are there.

use std::{collections::BTreeSet, fs, path::Path};

use super::{read, root};

/// All Rust sources below a folder, as one text.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, all);
        } else if name.ends_with(".rs") && !path.ends_with("docs/cases.rs") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// The numbers that stand at the beginning of what follows each `mark`.
fn numbers_behind(text: &str, mark: &str) -> BTreeSet<u32> {
    let behind = text.split(mark).skip(1);
    let digits =
        behind.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

/// Those of "Field case 36" and "Field cases 1, 2, 10 to 13 and 25".
fn field_cases(text: &str) -> BTreeSet<u32> {
    let mut numbers = numbers_behind(&text.to_lowercase(), "field case ");
    for rest in text.split("Field cases ").skip(1) {
        let words = rest.split([' ', ',', '.', ':', '\n']).filter(|word| !word.is_empty());
        let list = words.take_while(|word| {
            matches!(*word, "and" | "to") || word.bytes().all(|byte| byte.is_ascii_digit())
        });
        let mut range_from = None;
        let mut last = None;
        for word in list {
            match word.parse::<u32>() {
                Ok(number) => {
                    numbers.extend(range_from.take().unwrap_or(number)..=number);
                    last = Some(number);
                }
                Err(_) => range_from = last.filter(|_| word == "to"),
            }
        }
    }
    numbers
}

#[test]
fn every_case_that_a_test_is_named_after_is_told() {
    let mut code = String::new();
    sources(&root(), &mut code);
    let document = read("docs/client-cases.md");
    let (client, field) = document.split_once("## Cases from the field").unwrap();
    assert_eq!(numbers_behind(client, "\n| "), numbers_behind(&code, "fn case_"));
    assert_eq!(numbers_behind(field, "\n| "), field_cases(&code));
    for row in field.lines().filter(|row| row.ends_with("` |")) {
        let test = row.rsplit('`').nth(1).unwrap();
        assert!(code.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
