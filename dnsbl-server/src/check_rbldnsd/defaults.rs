//! `/etc/default/rbldnsd`: shell text that sets `RBLDNSD` to one command line a line.

/// The command lines: each with the name of its instance, and its words.
pub(super) fn command_lines(text: &str) -> Option<Vec<(String, Vec<String>)>> {
    let value = value(text)?;
    let lines = value.lines().filter_map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let instance = words.next().filter(|word| !word.starts_with('#'))?;
        Some((if instance == "-" { "rbldnsd".into() } else { instance }, words.collect()))
    });
    Some(lines.collect())
}

/// What the last assignment sets, with escaped ends of lines taken out.
fn value(text: &str) -> Option<String> {
    let mut found = None;
    let mut rest = text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        let start = line.trim_start();
        let start = start.strip_prefix("export ").unwrap_or(start);
        match start.strip_prefix("RBLDNSD=") {
            None => rest = behind,
            Some(_) => {
                let at = rest.find("RBLDNSD=")? + "RBLDNSD=".len();
                let (value, behind) = assigned(&rest[at..]);
                found = Some(value);
                rest = behind;
            }
        }
    }
    found
}

/// A word of the shell, and what stands behind it. Variables and commands in it stay as they are.
fn assigned(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', quote) if quote != Some('\'') => match chars.next() {
                Some((_, '\n')) | None => {}
                Some((_, c @ ('"' | '\\' | '$' | '`'))) => value.push(c),
                Some((_, c)) => {
                    if quote.is_some() {
                        value.push('\\');
                    }
                    value.push(c);
                }
            },
            (c, None) if c.is_whitespace() || c == ';' => return (value, &text[at..]),
            (c, _) => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_instance_and_a_backslash_goes_on() {
        let text = "\
# RBLDNSD=\"no -b 1 a:b:c\"
RBLDNSD=\"dsbl -r/var/lib/rbldns/dsbl -b127.2 \\
   list.dsbl.org:ip4set:list \\
   multihop.dsbl.org:ip4set:multihop

 - -b 127.3 \\
   bl.example.com:ip4set:dialups \\
# off -b 127.4 x:y:z
 \"
OTHER=1
";
        let lines = command_lines(text).unwrap();
        let shown: Vec<String> =
            lines.iter().map(|(name, words)| format!("{name}|{}", words.join(" "))).collect();
        assert_eq!(
            shown,
            [
                "dsbl|-r/var/lib/rbldns/dsbl -b127.2 list.dsbl.org:ip4set:list multihop.dsbl.org:ip4set:multihop",
                "rbldnsd|-b 127.3 bl.example.com:ip4set:dialups # off -b 127.4 x:y:z",
            ]
        );
        assert_eq!(command_lines("RBLDNSD='- -b 127.1 a:b:c'").unwrap().len(), 1);
        assert_eq!(command_lines("# nothing\n"), None);
    }
}
