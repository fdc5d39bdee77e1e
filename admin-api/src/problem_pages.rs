//! What each type of problem means and what to do about it, as `docs/problems.md` has it.

use std::sync::LazyLock;

/// The document, a section for each type.
const DOCUMENT: &str = include_str!("../../docs/problems.md");

/// What the path of every page begins with; the word of the type follows.
pub(crate) const PATH: &str = "/problems/";

/// The page of a type of problem.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProblemPage {
    /// The word of the type.
    pub(crate) word: &'static str,
    /// Paragraphs of Markdown, which has code and bold text.
    pub(crate) text: &'static str,
}

static PAGES: LazyLock<Vec<ProblemPage>> = LazyLock::new(|| {
    let sections = DOCUMENT.split("\n## ").skip(1);
    let pages = sections.filter_map(|section| section.split_once('\n'));
    pages.map(|(word, text)| ProblemPage { word: word.trim(), text: text.trim() }).collect()
});

/// All pages, in the order of their words.
pub(crate) fn all() -> &'static [ProblemPage] {
    &PAGES
}

/// The page of a type, by its word.
pub(crate) fn find(word: &str) -> Option<&'static ProblemPage> {
    PAGES.iter().find(|page| page.word == word)
}

impl ProblemPage {
    /// The word in plain text.
    pub(crate) fn title(&self) -> String {
        title(self.word)
    }

    /// The page as Markdown, which is good to read as it is.
    pub(crate) fn to_markdown(&self) -> String {
        format!("# {}\n\n`{PATH}{}`\n\n{}\n", self.title(), self.word, self.text)
    }

    /// The page as HTML.
    pub(crate) fn to_html(&self) -> String {
        let mut body = format!("<h1>{}</h1>\n", self.title());
        for paragraph in self.text.split("\n\n") {
            body.push_str(&format!("<p>{}</p>\n", to_html(paragraph)));
        }
        body.push_str("<p><a href=\"/problems\">All problems</a></p>\n");
        document(&self.title(), &body)
    }
}

/// The list of all pages as Markdown.
pub(crate) fn list_as_markdown() -> String {
    let lines = all().iter().map(|page| format!("- [{}]({PATH}{})\n", page.title(), page.word));
    format!("# Problems\n\n{}", lines.collect::<String>())
}

/// The list of all pages as HTML.
pub(crate) fn list_as_html() -> String {
    let link = |page: &ProblemPage| {
        format!("<li><a href=\"{PATH}{}\">{}</a></li>\n", page.word, page.title())
    };
    let links: String = all().iter().map(link).collect();
    document("Problems", &format!("<h1>Problems</h1>\n<ul>\n{links}</ul>\n"))
}

/// A word in plain text.
pub(crate) fn title(word: &str) -> String {
    let mut text = word.replace('-', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// A paragraph with what the document uses of Markdown.
fn to_html(paragraph: &str) -> String {
    let mut html = String::with_capacity(paragraph.len() * 5 / 4);
    let mut rest = paragraph;
    while let Some(at) = rest.find(['`', '*']) {
        html.push_str(&escaped(&rest[..at]));
        let (element, after) = element(&rest[at..]);
        html.push_str(&element);
        rest = after;
    }
    html + &escaped(rest)
}

/// The element that a text begins with, and what follows; where it is none, its first character.
fn element(text: &str) -> (String, &str) {
    let between = |start: &str, end: &str| text.strip_prefix(start)?.split_once(end);
    if let Some((code, after)) = between("`", "`") {
        return (format!("<code>{}</code>", escaped(code)), after);
    }
    if let Some((bold, after)) = between("**", "**") {
        return (format!("<strong>{}</strong>", escaped(bold)), after);
    }
    let (first, after) = text.split_at(1);
    (escaped(first), after)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{all, to_html};

    #[test]
    fn every_page_says_what_it_means_and_what_to_do() {
        let mut words: Vec<&str> = all().iter().map(|page| page.word).collect();
        assert!(words.len() > 50);
        for page in all() {
            assert!(page.text.starts_with("Status "), "{}", page.word);
            assert!(page.text.contains("\n\n**What to do.** "), "{}", page.word);
        }
        let written = words.clone();
        words.sort_unstable();
        words.dedup();
        assert_eq!(written, words, "in the order of the words, each once");
    }

    #[test]
    fn a_page_is_escaped() {
        assert_eq!(
            to_html("a < b, `c<d`, **e & f**, \"g\", * and ` alone"),
            "a &lt; b, <code>c&lt;d</code>, <strong>e &amp; f</strong>, &quot;g&quot;, * and ` alone"
        );
    }
}
