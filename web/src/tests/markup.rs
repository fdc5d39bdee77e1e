//! A strict reader of markup: what browsers forgive it does not.

use std::collections::BTreeSet;

/// Elements without content (HTML, section 13.1.2).
const VOID: [&str; 5] = ["input", "link", "meta", "br", "img"];
/// What may not stand in a paragraph.
const BLOCKS: [&str; 14] = [
    "p", "ul", "ol", "dl", "div", "table", "form", "fieldset", "section", "pre", "h1", "h2", "h3",
    "header",
];

/// A tag that was opened.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, Option<String>)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.and_then(|(_, value)| value.as_deref())
    }
}

/// Checks a page; panics where something is wrong with it.
#[track_caller]
pub(crate) fn well_formed(page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a doctype comes first");
    let tags = read(body, false);
    let count = |name: &str| tags.iter().filter(|(tag, _)| tag.name == name).count();
    for name in ["html", "head", "title", "body", "main", "h1", "footer"] {
        assert_eq!(count(name), 1, "{name}: {page}");
    }
    for name in ["script", "style", "iframe", "object", "embed", "base"] {
        assert_eq!(count(name), 0, "{name}");
    }
    let (mut ids, mut heading) = (BTreeSet::new(), 0);
    for (tag, parents) in &tags {
        if let Some(id) = tag.attribute("id") {
            assert!(!id.is_empty() && !id.contains(char::is_whitespace), "id {id:?}");
            assert!(ids.insert(id), "id {id} twice");
        }
        let names: BTreeSet<&str> = tag.attributes.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names.len(), tag.attributes.len(), "{tag:?}");
        assert!(!names.iter().any(|name| name.starts_with("on") || *name == "style"), "{tag:?}");
        if let Some(target) = tag.attribute("href").or(tag.attribute("action")) {
            let is_good = ["/", "#", "https://", "http://", "mailto:"];
            assert!(is_good.iter().any(|begin| target.starts_with(begin)), "{tag:?}");
            assert!(!target.starts_with("//"), "{tag:?}");
        }
        if let Some(level) = tag.name.strip_prefix('h').and_then(|rest| rest.parse::<u8>().ok()) {
            assert!(level <= heading + 1, "h{level} after h{heading}");
            heading = level;
        }
        let parent = parents.last().map(String::as_str).unwrap_or_default();
        match &*tag.name {
            "dt" | "dd" => assert_eq!(parent, "dl"),
            "li" => assert!(matches!(parent, "ul" | "ol"), "{parent}"),
            "th" => assert!(tag.attribute("scope").is_some(), "{tag:?}"),
            "svg" => assert!(tag.attribute("aria-label").is_some() && parent == "main"),
            name if BLOCKS.contains(&name) => {
                assert!(!parents.iter().any(|parent| parent == "p"), "{name} in p: {page}");
            }
            _ => {}
        }
    }
    for (tag, _) in &tags {
        for name in ["for", "aria-labelledby", "aria-describedby"] {
            let targets = tag.attribute(name).unwrap_or_default();
            assert!(targets.split(' ').all(|id| id.is_empty() || ids.contains(id)), "{tag:?}");
        }
    }
    assert_eq!(count("table"), count("caption"));
    let html = tags.iter().find(|(tag, _)| tag.name == "html");
    assert!(html.is_some_and(|(tag, _)| tag.attribute("lang").is_some()));
}

/// Checks a document of XML; panics where something is wrong with it.
#[track_caller]
pub(crate) fn well_formed_xml(document: &str) {
    let (declaration, body) = document.split_once("?>").expect("a declaration comes first");
    assert!(declaration.starts_with("<?xml version=\"1.0\""), "{declaration}");
    read(body, true);
}

/// Reads tags, with the names of those around each.
#[track_caller]
fn read(mut rest: &str, is_xml: bool) -> Vec<(Tag, Vec<String>)> {
    let (mut tags, mut open) = (Vec::new(), Vec::<String>::new());
    while let Some(at) = rest.find('<') {
        text(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find('>').expect("a tag ends");
        let inside = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "</{name}>");
            continue;
        }
        let (inside, is_closed) = match inside.strip_suffix('/').filter(|_| is_xml) {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let tag = tag(inside);
        let parents = open.clone();
        if !is_closed && (is_xml || !VOID.contains(&&*tag.name)) {
            open.push(tag.name.clone());
        }
        tags.push((tag, parents));
    }
    text(rest);
    assert_eq!(open, Vec::<String>::new(), "they are not closed");
    tags
}

#[track_caller]
fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    assert!(name.bytes().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "<{inside}>");
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Tag { name: name.to_owned(), attributes };
        }
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = &rest[..end];
        let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b':');
        assert!(!key.is_empty() && key.bytes().all(is_name), "<{inside}>: {key:?}");
        rest = &rest[end..];
        let Some(value) = rest.strip_prefix("=\"") else {
            attributes.push((key.to_owned(), None));
            continue;
        };
        let (value, behind) = value.split_once('"').expect("a value ends");
        text(value);
        attributes.push((key.to_owned(), Some(value.to_owned())));
        rest = behind;
    }
}

/// A text has nothing in it that is not escaped, and nothing that nobody sees.
#[track_caller]
fn text(text: &str) {
    for rest in text.split('&').skip(1) {
        let entities = ["amp;", "lt;", "gt;", "quot;"];
        assert!(entities.iter().any(|entity| rest.starts_with(entity)), "&{rest}");
    }
    let unseen = text.chars().find(|c| {
        (c.is_control() && *c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(unseen, None, "{text:?}");
    assert!(!text.contains(['<', '>']), "{text:?}");
}

#[test]
fn the_reader_finds_what_is_wrong() {
    let page = |main: &str| {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>t</title></head><body><main><h1>t</h1>\
             {main}</main><footer></footer></body></html>"
        )
    };
    well_formed(&page("<p>a &amp; b</p>"));
    for wrong in [
        "<p>a & b</p>",
        "<p>a",
        "<p><ul></ul></p>",
        "<script>1</script>",
        "<p onclick=\"x\">a</p>",
        "<p id=\"a\"></p><p id=\"a\"></p>",
        "<a href=\"javascript:x\">a</a>",
        "<a href=\"//elsewhere.example\">a</a>",
        "<h3>a</h3>",
        "<p>a\u{202e}b</p>",
        "<label for=\"nothing\">a</label>",
        "<table></table>",
    ] {
        let checked = std::panic::catch_unwind(|| well_formed(&page(wrong)));
        assert!(checked.is_err(), "{wrong}");
    }
}
