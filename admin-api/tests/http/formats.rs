//! `docs/formats.md` and `docs/feeds.md`: their examples, as they stand there.

use crate::fixture::Fixture;

const DOCS: [&str; 2] =
    [include_str!("../../../docs/formats.md"), include_str!("../../../docs/feeds.md")];

/// An example, and what stands in the comment before it.
struct Example<'a> {
    format: &'a str,
    zone: &'a str,
    counts: &'a str,
    text: &'a str,
}

fn examples() -> Vec<Example<'static>> {
    let parts = DOCS.into_iter().flat_map(|doc| doc.split("<!-- import ").skip(1));
    let example = |part: &'static str| {
        let (head, rest) = part.split_once(" -->\n```").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n```").unwrap();
        let value = |name: &str| {
            let word = head.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.unwrap_or_else(|| panic!("{name}: {head}"))
        };
        let (format, zone, counts) = (value("format"), value("zone"), value("counts"));
        Example { format, zone, counts, text }
    };
    parts.map(example).collect()
}

#[tokio::test]
async fn the_examples_of_the_documentation_are_read_as_it_says() {
    let fixture = Fixture::new().await;
    let examples = examples();
    assert!(examples.len() >= 7);
    for (number, example) in examples.iter().enumerate() {
        let zone = format!("/v1/zones/example{number}.example.org");
        fixture.put_zone(&zone, example.zone).await;
        let path = format!("{zone}/import?format={}", example.format);
        let answer = fixture.ask("POST", &path).body(example.text).send().await;
        let counts = ["added", "updated", "unchanged", "removed", "rejected"]
            .map(|name| answer.json[name].to_string());
        assert_eq!(counts.join(","), example.counts, "{}\n{}", example.text, answer.text);
    }
}
