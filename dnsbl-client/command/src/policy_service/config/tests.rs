//! The configuration, right and wrong.

use std::{fs, path::Path, time::Duration};

use dnsbl_client::{Action, Asks, GrantCode, Policy, Score, ZoneKind};

use super::{Config, What};

const MINIMAL: &str =
    "version = \"v1\"\n[score]\nreject = 1\n[[zone]]\nname = \"bl.example.org\"\n";

fn parse(text: &str) -> Result<Config, String> {
    Config::read(Path::new("test.toml"), text).map_err(|err| err.to_string())
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config.listen[0].to_string(), "127.0.0.1:10040");
    assert_eq!(config.deadlines.normal, Duration::from_millis(1500));
    assert_eq!(config.limits.connections, 4096);
    assert_eq!(config.policy, Policy::new([(Score::points(1), Action::Reject)]).unwrap());
    assert_eq!(config.checks, [What::Client, What::Helo, What::Sender, What::ReverseName]);
    let zone = &config.zones[0];
    assert_eq!(zone.zone.name.public(), "bl.example.org");
    assert_eq!(zone.zone.kind, ZoneKind::Block);
    assert!(!config.shadow);
}

#[test]
fn every_mistake_names_line_and_key() {
    for (text, line, key) in [
        ("version = \"v2\"\n", 1, "version"),
        ("version = \"v1\"\nlisten-on = []\n", 2, "listen-on"),
        ("version = \"v1\"\nlisten = [\"localhost\"]\n", 2, "listen"),
        ("version = \"v1\"\nlisten = []\n", 2, "listen"),
        ("version = \"v1\"\nshadow = 1\n", 2, "shadow"),
        ("version = \"v1\"\nexempt = [\"10.0.0.0/33\"]\n", 2, "exempt"),
        ("version = \"v1\"\nresolvers = [\"dns.example\"]\n", 2, "resolvers"),
        ("version = \"v1\"\ndeadline-ms = 0\n", 2, "deadline-ms"),
        ("version = \"v1\"\nchecks = []\n", 2, "checks"),
        ("version = \"v1\"\nchecks = [\"hello\"]\n", 2, "checks"),
        ("version = \"v1\"\n[limits]\nconnections = 0\n", 3, "connections"),
        ("version = \"v1\"\n[score]\nreject = 0\n", 3, "reject"),
        ("version = \"v1\"\n[score]\nreject = \"3\"\n", 3, "reject"),
        ("version = \"v1\"\n[score]\nreject = 1\ntag = 2\n", 4, "tag"),
        ("version = \"v1\"\n[score]\nreject = 1\n[text]\nreject = \"{zon}\"\n", 5, "reject"),
        ("version = \"v1\"\n[score]\ntag = 1\n[text]\ntag = \"no header\"\n", 5, "tag"),
    ] {
        let text = format!(
            "{text}{}",
            if text.contains("[score]") {
                "[[zone]]\nname = \"bl.example.org\"\n"
            } else {
                &MINIMAL[15..]
            }
        );
        let err = parse(&text).unwrap_err();
        let start = format!("test.toml: line {line}: {key}: ");
        assert!(err.starts_with(&start), "{text}\n{err}");
    }
}

#[test]
fn mistakes_of_a_zone_name_its_lines() {
    for (zone, line, key) in [
        ("shadow = true", 4, "[[zone]]"),
        ("name = \"a..b\"", 5, "name"),
        ("name = \"bl.example\"\npreset = \"spamhaus-zen\"", 5, "name"),
        ("preset = \"no-such\"", 5, "preset"),
        ("name = \"bl.example\"\nkey-file = \"/nonexistent\"", 6, "key-file"),
        ("name = \"bl.example\"\nkind = \"white\"", 6, "kind"),
        ("name = \"bl.example\"\nasks = \"emails\"", 5, "name"),
        ("name = \"bl.example\"\nrules = [{ filter = \"127.0.0.[2\", weight = 1 }]", 6, "filter"),
        ("name = \"bl.example\"\nrules = [{ filter = \"127.0.0.2\", wieght = 1 }]", 6, "wieght"),
        ("name = \"bl.example\"\nrules = [{ weight = 0.0001 }]", 6, "weight"),
        ("name = \"bl.example\"\nprobe-seconds = 1", 6, "probe-seconds"),
    ] {
        let text = format!("version = \"v1\"\n[score]\nreject = 3\n[[zone]]\n{zone}\n");
        let err = parse(&text).unwrap_err();
        let start = format!("test.toml: line {line}: {key}: ");
        assert!(err.starts_with(&start), "{zone}\n{err}");
    }
}

/// newcomer.md B3: it was accepted, and no mail ever rejected.
#[test]
fn a_score_that_no_mail_can_reach_is_refused_at_its_key() {
    let of = |score: &str, zones: &str| {
        parse(&format!("version = \"v1\"\n[score]\n{score}\n{zones}")).map(|_| ())
    };
    let one = "[[zone]]\nname = \"bl.example\"\n";
    let err = of("reject = 30", one).unwrap_err();
    assert!(err.starts_with("test.toml: line 3: reject: 30 is never reached"), "{err}");
    assert!(err.contains("add 1 at most"), "{err}");
    assert!(of("tag = 2\nreject = 3", one).unwrap_err().contains("line 3: tag: "));
    of("reject = 1", one).unwrap();
    // HELO, sender and the name in the reverse DNS may be listed, each for itself.
    let domains = "[[zone]]\nname = \"dbl.example\"\nasks = \"domains\"\n";
    of("reject = 3", domains).unwrap();
    assert!(of("reject = 4", domains).is_err());
    // In shadow it counts as it would.
    of("reject = 1", &format!("{one}shadow = true\n")).unwrap();
    // What speaks for a client adds nothing.
    let allow = "[[zone]]\nname = \"wl.example\"\nkind = \"allow\"\nrules = [{ weight = 5 }]\n";
    assert!(of("reject = 2", &format!("{one}{allow}")).is_err());
}

#[test]
fn a_list_that_is_there_twice_is_refused_at_its_name() {
    let err = parse(&format!("{MINIMAL}[[zone]]\nname = \"BL.example.org.\"\n")).unwrap_err();
    assert!(err.starts_with("test.toml: line 7: name: bl.example.org is there already"), "{err}");
    let other = format!("{MINIMAL}[[zone]]\nname = \"bl.example.org\"\nasks = \"domains\"\n");
    parse(&other).unwrap();
}

#[test]
fn what_is_missing_altogether_is_told_without_a_line() {
    let err = parse("version = \"v1\"\n[[zone]]\nname = \"bl.example.org\"\n").unwrap_err();
    assert!(err.starts_with("test.toml: the table [score] is missing"), "{err}");
    let err = parse("version = \"v1\"\n[score]\nreject = 1\n").unwrap_err();
    assert!(err.starts_with("test.toml: there are 1 to 64 tables [[zone]]"), "{err}");
}

#[test]
fn shadow_within_shadow_is_warned_of() {
    let warnings = |text: &str| parse(text).unwrap().warnings;
    assert_eq!(warnings(MINIMAL), [""; 0]);
    let both = format!("shadow = true\n{MINIMAL}shadow = true\n");
    assert!(warnings(&both)[0].contains("bl.example.org besides"), "{:?}", warnings(&both));
    assert!(warnings(&format!("{MINIMAL}shadow = true\n"))[0].contains("always 0"));
}

#[test]
fn a_resolver_may_be_link_local_with_its_interface() {
    let config = parse(&format!("resolvers = [\"fe80::1%lo\", \"192.0.2.1\"]\n{MINIMAL}")).unwrap();
    assert!(config.resolvers[0].is_ipv6() && config.resolvers[0].port() == 53);
}

#[test]
fn a_list_in_shadow_counts_nothing() {
    let config = parse(&format!("{MINIMAL}asks = \"domains\"\nshadow = true\n")).unwrap();
    assert_eq!(config.zones[0].zone.kind, ZoneKind::Informational);
    assert_eq!(config.zones[0].zone.asks, Asks::Domains);
}

#[test]
fn case_45_a_key_comes_from_a_file_and_is_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("zen.key"), "s3cr3tk3y\n").unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, format!("{MINIMAL}key-file = \"zen.key\"\n")).unwrap();
    let config = Config::load(&path).unwrap();
    let name = &config.zones[0].zone.name;
    assert_eq!(name.secret().to_string().trim_end_matches('.'), "s3cr3tk3y.bl.example.org");
    assert!(!format!("{config:?}").contains("s3cr3tk3y"));
    for broken in ["shadow = 1", "names = 1", "name = \"x"] {
        let text =
            format!("version = \"v1\"\n[[zone]]\nname = \"s3cr3tk3y.bl.example\" {broken}\n");
        fs::write(&path, text).unwrap();
        let err = Config::load(&path).unwrap_err();
        assert!(!format!("{err} {err:?}").contains("s3cr3tk3y"), "{err}");
    }
}

#[test]
fn the_documented_configuration_is_good_with_every_example_switched_on() {
    let text = include_str!("../../../../../deploy/dnsbl-policy.toml");
    parse(text).unwrap();
    let on = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    let all: Vec<String> = text
        .lines()
        .map(on)
        .filter(|line| {
            !["preset", "key-file", "show-as", "socket-group", "context"]
                .iter()
                .any(|key| line.starts_with(key))
        })
        .collect();
    let config = parse(&all.join("\n")).unwrap();
    assert_eq!((config.zones.len(), config.grants.len()), (2, 1));
    assert!(config.metrics_listen.is_some());
    assert_eq!(config.zones[0].zone.per_day, Some(100_000));
}

const GRANT: &str = "version = \"v1\"\n[[grant]]\nzone = \"popauth.example.org\"\n";

#[test]
fn with_a_zone_of_grants_lists_and_score_may_be_left_out() {
    let config = parse(GRANT).unwrap();
    let [grant] = &config.grants[..] else { panic!("{:?}", config.grants) };
    assert_eq!(grant.name.public(), "popauth.example.org");
    assert_eq!((grant.code, &grant.context), (GrantCode::DEFAULT, &None));
    assert_eq!((config.zones.len(), config.warnings.len()), (0, 0));
    let other = "code = \"127.0.0.11\"\ncontext = \"submission\"\nservers = [\"127.0.0.1:5300\"]\n";
    let config = parse(&format!("{GRANT}{other}")).unwrap();
    assert_eq!(config.grants[0].context.as_deref(), Some("submission"));
    assert_eq!(config.grants[0].servers, ["127.0.0.1:5300".parse().unwrap()]);
    // Lists without a score would do nothing.
    let err = parse(&format!("{GRANT}[[zone]]\nname = \"bl.example.org\"\n")).unwrap_err();
    assert!(err.contains("the table [score] is missing"), "{err}");
    let err = parse(&format!("{GRANT}[score]\nreject = 1\n")).unwrap_err();
    assert!(err.starts_with("test.toml: line 5: reject: 1 is never reached"), "{err}");
}

#[test]
fn mistakes_of_a_zone_of_grants_name_its_lines() {
    for (grant, line, key) in [
        ("", 2, "[[grant]]"),
        ("code = \"127.0.0.10\"", 2, "[[grant]]"),
        ("zone = \"a..b\"", 3, "zone"),
        ("zone = \"popauth.example\"\ncode = \"127.0.0.1\"", 4, "code"),
        ("zone = \"popauth.example\"\ncode = \"192.0.2.1\"", 4, "code"),
        ("zone = \"popauth.example\"\ncode = 10", 4, "code"),
        ("zone = \"popauth.example\"\ncontext = \"\"", 4, "context"),
        ("zone = \"popauth.example\"\ncontext = \"é\"", 4, "context"),
        ("zone = \"popauth.example\"\nservers = [\"localhost\"]", 4, "servers"),
        ("zone = \"popauth.example\"\nname = \"popauth.example\"", 4, "name"),
        ("zone = \"popauth.example\"\n[[grant]]\nzone = \"Popauth.example.\"", 5, "zone"),
    ] {
        let err = parse(&format!("version = \"v1\"\n[[grant]]\n{grant}\n")).unwrap_err();
        let start = format!("test.toml: line {line}: {key}: ");
        assert!(err.starts_with(&start), "{grant}\n{err}");
    }
    parse(&format!("{GRANT}{}context = \"a\"\n", &GRANT[15..])).unwrap();
    assert!(parse(&format!("version = \"v1\"\n{}", &GRANT[15..].repeat(17))).is_err());
}

#[test]
fn a_socketmap_needs_something_to_look_up() {
    let of = |listen: &str, rest: &str| parse(&format!("socketmap-listen = [{listen}]\n{rest}"));
    let config = of("\"127.0.0.1:10041\", \"unix:/run/popauth\"", GRANT).unwrap();
    assert_eq!(config.socketmap_listen.len(), 2);
    let context = format!("{GRANT}context = \"submission\"\n");
    for (listen, rest) in [
        ("\"127.0.0.1:10041\"", MINIMAL),
        ("\"127.0.0.1:10041\"", &*context),
        ("", GRANT),
        ("\"localhost\"", GRANT),
    ] {
        let err = of(listen, rest).unwrap_err();
        assert!(err.starts_with("test.toml: line 1: socketmap-listen: "), "{err}");
    }
}
