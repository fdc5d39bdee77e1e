//! The configuration: read, and checked.

mod access;
mod checked;
mod feeds;
mod logins;
mod mail;
mod protection;
mod query_log;
mod refused;
mod relay_tester;
mod removals;
mod reports;
mod spec;
mod tls;
mod web;
mod webhooks;

use std::path::{Path, PathBuf};

pub(crate) use checked::Drac;
pub use checked::{
    ChangeLog, Config, Cookies, Dns, Http, LargeUdp, Log, LoggedAddresses, QueryLog, RateLimit, Web,
};

use refused::Refused;
use spec::Spec;

/// The reason why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: std::io::Error,
    },
    /// It is no TOML, or has a key or value that is not known; names line and key.
    #[error("{path}: {reason}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// The reason, with line and column.
        reason: Box<toml::de::Error>,
    },
    /// A value does not make sense.
    #[error("{path}: line {line}: {key}: {detail}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        detail: String,
    },
}

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// The file can't be read, or what it says makes no sense.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|reason| ConfigError::Io { path: path.into(), reason })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a configuration file; `path` names it in errors.
    ///
    /// # Errors
    /// The text is no TOML, or a key or value of it makes no sense.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let spec: Spec = toml::from_str(text)
            .map_err(|reason| ConfigError::Toml { path: path.into(), reason: Box::new(reason) })?;
        spec.check().map_err(|Refused { key, at, detail }| ConfigError::Value {
            path: path.into(),
            line: text[..at.start].matches('\n').count() + 1,
            key,
            detail,
        })
    }

    /// Where RocksDB lives.
    pub fn store_dir(&self) -> PathBuf {
        self.data_dir.join("store")
    }

    /// Where the keys of relay-test tokens live.
    pub fn relay_keys_file(&self) -> PathBuf {
        self.data_dir.join("relay-test.keys")
    }

    /// Where what feeds fetch lies while it is imported.
    pub fn spool_dir(&self) -> PathBuf {
        self.data_dir.join("feeds")
    }

    /// Where the first token is written.
    pub fn token_file(&self) -> PathBuf {
        self.data_dir.join("admin.token")
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, path::Path, time::Duration};

    use dnsbl_daemon::Listen;
    use dnsbl_web::ShownZones;

    use super::{Config, Cookies, LargeUdp, LoggedAddresses, QueryLog};

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("test.toml"), text).map_err(|err| err.to_string())
    }

    #[test]
    fn every_key_but_the_data_folder_has_a_default() {
        let config = parse("version = \"v1\"\ndata-dir = \"var\"\n").unwrap();
        assert_eq!(config.dns.listen, ["127.0.0.1:5300".parse().unwrap()]);
        assert_eq!(config.http.listen, Listen::Tcp("127.0.0.1:8080".parse().unwrap()));
        assert!(config.dns.threads > 0);
        assert_eq!(config.change_log.keep, Duration::from_secs(72 * 3600));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let err =
            parse("version = \"v1\"\ndata-dir = \"var\"\n[dns]\nlisten-on = []\n").unwrap_err();
        assert!(err.contains("line 4") && err.contains("listen-on"), "{err}");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_named_with_its_line() {
        let err = parse("version = \"v1\"\ndata-dir = \"var\"\n[dns]\nlisten = []\n").unwrap_err();
        assert!(err.contains("line 4: dns.listen"), "{err}");
        for (line, told) in [
            ("version = \"v2\"\n", "line 1: version: \"v2\" is not known; write \"v1\""),
            ("version = 1\n", "line 1: version: 1 is not known; write \"v1\""),
            ("", "line 1: version: it is missing; begin the file with version = \"v1\""),
        ] {
            let err = parse(&format!("{line}data-dir = \"var\"\n")).unwrap_err();
            assert!(err.contains(told), "{err}");
        }
        let err = parse("version = \"v1\"\ndata-dir = \"var\"\n[http]\nlisten = \"nowhere\"\n")
            .unwrap_err();
        assert!(err.contains("line 4: http.listen"), "{err}");
    }

    #[test]
    fn a_key_that_is_missing_is_named_with_the_line_of_its_table() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n\n[relay-tester]\nenabled = true\n";
        let err = parse(head).unwrap_err();
        assert!(err.contains("line 4: relay-tester.receiver"), "{err}");
        let err = parse(&format!("{head}receiver = \"127.0.0.1:2525\"\nzone = \"z.example\"\nprobe-domain = \"p.example\"\nehlo = \"e.example\"\nlimits = {{ at-once = 0 }}\n")).unwrap_err();
        assert!(err.contains("line 10: relay-tester.limits.at-once"), "{err}");
    }

    /// The line was looked for in the text, and a dotted key or an inline table was not found.
    #[test]
    fn a_value_is_named_with_its_own_line_however_it_is_written() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n";
        let tester = "enabled = true\nreceiver = \"127.0.0.1:2525\"\nzone = \"z.example\"\n\
                      probe-domain = \"p.example\"\nehlo = \"e.example\"\n";
        for (text, at) in [
            ("dns.threads = 300\n".to_owned(), "line 3: dns.threads"),
            ("dns = { version = \"x\", listen = [] }\n".to_owned(), "line 3: dns.listen"),
            ("# [dns]\n[ dns ]\n\"listen\" = []\n".to_owned(), "line 5: dns.listen"),
            (
                "[dns]\nlisten = [\n  \"127.0.0.1:53\",\n  \"nowhere\",\n]\n".to_owned(),
                "line 6: dns.listen",
            ),
            (
                "[dns]\nversion = \"\"\"\nlisten = 1\"\"\"\nlisten = []\n".to_owned(),
                "line 6: dns.listen",
            ),
            ("http.connections = 0\n".to_owned(), "line 3: http.connections"),
            ("http.imports = 0\n".to_owned(), "line 3: http.imports"),
            (
                format!("[relay-tester]\n{tester}limits.at-once = 0\n"),
                "line 9: relay-tester.limits.at-once",
            ),
            (
                format!("[relay-tester]\n{tester}[relay-tester.limits]\n\nwaiting = 0\n"),
                "line 11: relay-tester.limits.waiting",
            ),
            (
                format!("[relay-tester]\n{tester}pending-for = \"5m\"\n"),
                "line 9: relay-tester.settle-for",
            ),
            ("\nrelay-tester = { enabled = true }\n".to_owned(), "line 4: relay-tester.receiver"),
            ("relay-tester.enabled = true\n".to_owned(), "line 3: relay-tester.receiver"),
        ] {
            let err = parse(&format!("{head}{text}")).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    #[test]
    fn protection_is_on_unless_told_otherwise_and_spares_what_is_not_routed() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n";
        let dns = |text: &str| parse(&format!("{head}{text}")).unwrap().dns;
        let usual = dns("");
        assert_eq!(usual.cookies, Some(Cookies { secrets: vec![] }));
        assert_eq!(usual.large_udp, LargeUdp::All);
        let limit = usual.rate_limit.unwrap();
        let is_exempt = |addr: &str| {
            limit.exempt.iter().any(|exempt| exempt.contains(&addr.parse::<IpAddr>().unwrap()))
        };
        assert!(["127.1.2.3", "::1", "10.9.8.7", "fd00::1"].into_iter().all(is_exempt));
        assert!(!["8.8.8.8", "172.32.0.1", "2001:4860::1"].into_iter().any(is_exempt));
        let off = dns("[dns]\ncookies.enabled = false\nrate-limit.enabled = false\n");
        assert_eq!((off.cookies, off.rate_limit), (None, None));
        let networks = vec!["192.0.2.0/24".parse().unwrap()];
        assert_eq!(
            dns("[dns]\nlarge-udp = \"cookie\"\nlarge-udp-networks = [\"192.0.2.0/24\"]").large_udp,
            LargeUdp::Cookie { networks }
        );
    }

    #[test]
    fn there_is_no_query_log_unless_it_has_a_file() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n";
        let dns = |text: &str| parse(&format!("{head}{text}")).map(|config| config.dns);
        let usual = dns("[dns.query-log]\nsample = 5\n").unwrap();
        assert_eq!((usual.query_log, usual.usage_days), (None, 400));
        let log = dns("[dns]\nusage-days = 30\n[dns.query-log]\nfile = \"q\"\n").unwrap();
        let (file, addresses) = ("q".into(), LoggedAddresses::Network);
        assert_eq!(log.query_log, Some(QueryLog { file, sample: 100, addresses }));
        assert_eq!(log.usage_days, 30);
        for (text, at) in [
            ("[dns.query-log]\nfile = \"\"\n", "line 4: dns.query-log.file"),
            ("[dns.query-log]\n\nsample = 0\n", "line 5: dns.query-log.sample"),
            ("[dns.query-log]\naddresses = \"some\"\n", "line 4"),
            ("[dns]\nusage-days = 0\n", "line 4: dns.usage-days"),
        ] {
            let err = dns(text).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    #[test]
    fn protection_that_makes_no_sense_is_named_with_its_line() {
        for (text, at) in [
            ("[dns]\nlarge-udp = \"some\"\n", "line 4"),
            (
                "[dns]\nlarge-udp = \"cookie\"\n[dns.cookies]\nenabled = false\n",
                "line 4: dns.large-udp",
            ),
            ("[dns]\nlarge-udp-networks = [\"::1\"]\n", "line 4: dns.large-udp-networks"),
            (
                "[dns]\nlarge-udp = \"cookie\"\nlarge-udp-networks = [\"x\"]\n",
                "line 5: dns.large-udp-networks",
            ),
            ("[dns.rate-limit]\nlisted = 1000001\n", "line 4: dns.rate-limit.listed"),
            ("[dns.rate-limit]\n\nslip = 101\n", "line 5: dns.rate-limit.slip"),
            ("[dns.rate-limit]\nexempt = [\"1.2.3\"]\n", "line 4: dns.rate-limit.exempt"),
            ("[dns.rate-limit]\nper-second = 1\n", "line 4"),
            (
                "dns.cookies.secrets = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]\n",
                "line 3: dns.cookies.secrets",
            ),
        ] {
            let head = "version = \"v1\"\ndata-dir = \"var\"\n";
            let err = parse(&format!("{head}{text}")).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    #[test]
    fn a_duration_is_a_whole_number_and_one_unit() {
        let settle_for = |text: &str| {
            let text = format!(
                "version = \"v1\"\ndata-dir = \"var\"\n[relay-tester]\nenabled = true\n\
                 receiver = \"127.0.0.1:2525\"\nzone = \"z.example\"\nprobe-domain = \"p.example\"\n\
                 ehlo = \"e.example\"\npending-for = \"365d\"\nsettle-for = \"{text}\"\n"
            );
            parse(&text).map(|config| config.relay_tester.unwrap().patience.settle_for)
        };
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("030m", 1800),
            ("6 h", 21_600),
            ("5d ", 432_000),
            ("365d", 31_536_000),
            ("31536000s", 31_536_000),
        ] {
            assert_eq!(settle_for(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "30",
            "m",
            "-1s",
            "+1s",
            "1.5h",
            "1h30m",
            "1h 30m",
            " 1h",
            "1 hour",
            "1min",
            "1mo",
            "1w",
            "1H",
            "PT1H",
            "1h ago",
            "366d",
            "31536001s",
            "99999999999999999999s",
        ] {
            let err = settle_for(text).unwrap_err();
            assert!(err.contains("line 10: relay-tester.settle-for"), "{text}: {err}");
        }
    }

    #[test]
    fn a_feed_that_makes_no_sense_is_named_with_its_line() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n";
        let feed = "[[feed]]\nname = \"drop\"\nzone = \"bl.example.org\"\n";
        let config =
            parse(&format!("{head}{feed}url = \"https://u:p@lists.example/drop.txt\"\n")).unwrap();
        let read = &config.feeds.configured[0];
        assert_eq!((read.source.as_str(), read.every, read.format.name()), ("drop", 3600, "auto"));
        assert!(!format!("{config:?}").contains("u:p"));
        for (text, at) in [
            ("", "line 3: feed.path"),
            ("path = \"lists/drop\"\n", "line 6: feed.path"),
            ("url = \"ftp://lists.example/\"\n", "line 6: feed.url"),
            ("path = \"/a\"\nurl = \"http://a.example\"\n", "line 3: feed.path"),
            ("path = \"/a\"\nevery = \"1s\"\n", "line 7: feed.every"),
            ("path = \"/a\"\nexpires-in = \"1h\"\n", "line 7: feed.expires-in"),
            ("path = \"/a\"\nmax-removed = 1.5\n", "line 7: feed.max-removed"),
            ("path = \"/a\"\nformat = \"plane\"\n", "line 7: feed.format"),
            ("path = \"/a\"\nformat = \"rbldnsd\"\ndataset = \"x\"\n", "line 8: feed.dataset"),
            ("path = \"/a\"\nsource = \"logins\"\n", "line 7: feed.source"),
            ("path = \"/a\"\noverride = [\"all\"]\n", "line 7: feed.override"),
            (&format!("path = \"/a\"\n{feed}path = \"/b\"\n"), "line 7: feed.name"),
            ("path = \"/a\"\n[feeds]\nfolders = [\"lists\"]\n", "line 8: feeds.folders"),
        ] {
            let err = parse(&format!("{head}{feed}{text}")).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    #[test]
    fn webhooks_go_nowhere_but_to_the_internet_unless_told_otherwise() {
        let webhooks = |lines: &str| {
            let head = "version = \"v1\"\ndata-dir = \"var\"\n[webhooks]\n";
            parse(&format!("{head}{lines}")).map(|config| config.webhooks)
        };
        let usual = webhooks("").unwrap();
        assert_eq!((usual.destinations.allowed.len(), usual.limit.as_secs()), (0, 30));
        let patience = usual.patience;
        assert_eq!((patience.first, patience.longest, patience.pause_after), (5, 3600, 259_200));
        let told = webhooks("allow = [\"127.0.0.0/8\", \"hooks.example.org\"]\nretry = \"2h\"\n");
        assert!(told.is_err(), "an hour is the most");
        let told = webhooks("allow = [\"::1\", \"hooks.example.org\"]\nretry = \"1s\"\n").unwrap();
        assert_eq!((told.destinations.allowed.len(), told.patience.first), (2, 1));
        for (text, at) in [
            ("allow = [\"a b\"]\n", "line 4: webhooks.allow"),
            ("allow = [\"127.0.0.1/33\"]\n", "line 4: webhooks.allow"),
            ("retry = \"0s\"\n", "line 4: webhooks.retry"),
            ("\nlongest-retry = \"2s\"\n", "line 5: webhooks.longest-retry"),
            ("timeout = \"1h\"\n", "line 4: webhooks.timeout"),
            ("pause-after = \"1s\"\n", "line 4: webhooks.pause-after"),
            ("url = \"x\"\n", "line 4"),
        ] {
            let err = webhooks(text).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    #[test]
    fn there_are_no_pages_unless_they_have_a_place_to_listen() {
        let web = |lines: &str| {
            let head = "version = \"v1\"\ndata-dir = \"var\"\n[web]\n";
            parse(&format!("{head}{lines}")).map(|config| config.web)
        };
        assert_eq!(web("name = \"A list\"\n"), Ok(None));
        let from = |lines: &str| {
            let pages = web(&format!("listen = \"127.0.0.1:0\"\n{lines}")).unwrap().unwrap();
            pages.admin_from.map(|from| from.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(from(""), None, "there is no console unless somebody wants one");
        assert_eq!(from("admin = true\n"), Some(vec!["127.0.0.0/8".into(), "::1/128".into()]));
        let pages = web("listen = \"127.0.0.1:0\"\ncontact = \"abuse@example.org\"\n").unwrap();
        let settings = pages.unwrap().settings;
        assert_eq!((&*settings.name, settings.resolver), ("DNS block list", None));
        for (text, at) in [
            ("listen = \"nowhere\"\n", "line 4: web.listen"),
            ("contact = \"javascript:x\"\n", "line 4: web.contact"),
            ("url = \"ftp://bl.example.org\"\n", "line 4: web.url"),
            ("name = \"\"\n", "line 4: web.name"),
            ("operator = \"a\\nb\"\n", "line 4: web.operator"),
            ("languages = [\"en\", \"xx\"]\n", "line 4: web.languages"),
            ("languages = [\"en\", \"en\"]\n", "line 4: web.languages"),
            ("languages = []\n", "line 4: web.languages"),
            ("zones = [\"a b\"]\n", "line 4: web.zones"),
            ("resolver = \"resolver.example\"\n", "line 4: web.resolver"),
            ("connections = 0\n", "line 4: web.connections"),
            ("forms-per-hour = 2000000\n", "line 4: web.forms-per-hour"),
            ("colors.accent = \"red\"\n", "line 4: web.colors.accent"),
            ("colors.accent = \"#eeeeee\"\n", "line 4: web.colors.accent"),
            ("colors.accent-dark = \"#000000\"\n", "line 4: web.colors.accent-dark"),
            ("imprint = \"nobody@example.org\"\n", "line 4: web.imprint"),
            ("socket-mode = \"rw\"\n", "line 4: web.socket-mode"),
            ("proxies = [\"x\"]\n", "line 4: web.proxies"),
            ("admin-from = [\"x\"]\n", "line 4: web.admin-from"),
            ("colour = \"red\"\n", "line 4"),
        ] {
            let err = web(text).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    #[test]
    fn zones_of_a_server_that_does_not_answer_everybody_are_shown_only_by_name() {
        let zones = |lines: &str| {
            let head = "version = \"v1\"\ndata-dir = \"var\"\n";
            let web = "[web]\nlisten = \"127.0.0.1:0\"\n";
            parse(&format!("{head}{web}{lines}")).unwrap().web.unwrap().settings.zones
        };
        let refusing = "[dns.access]\ndefault = \"refuse\"\n";
        let named = "zones = [\"bl.example.org\"]\n";
        let these = ShownZones::These(vec!["bl.example.org".parse().unwrap()]);
        assert_eq!(zones(""), ShownZones::Public);
        assert_eq!(zones(refusing), ShownZones::These(vec![]));
        assert_eq!(zones(named), these);
        assert_eq!(zones(&format!("{named}{refusing}")), these);
    }

    #[test]
    fn a_unix_socket_is_a_place_to_listen() {
        let config =
            parse("version = \"v1\"\ndata-dir = \"var\"\n[http]\nlisten = \"unix:/run/x\"\n");
        assert_eq!(config.unwrap().http.listen, Listen::Unix("/run/x".into()));
    }

    #[test]
    fn tls_has_a_certificate_and_a_key_and_may_ask_clients_for_theirs() {
        let head = "version = \"v1\"\ndata-dir = \"var\"\n[http.tls]\n";
        let tls = |text: &str| parse(&format!("{head}{text}")).map(|config| config.http.tls);
        let pair = "certificate = \"c.pem\"\nkey = \"k.pem\"\n";
        let usual = tls(pair).unwrap().unwrap();
        assert_eq!((usual.key, usual.clients), ("k.pem".into(), None));
        let asked = |text: &str| {
            let clients = tls(&format!("{pair}client-ca = \"a.pem\"\n{text}"));
            clients.unwrap().unwrap().clients.unwrap().is_required
        };
        assert!(asked("") && asked("client-certificates = \"required\"\n"));
        assert!(!asked("client-certificates = \"optional\"\n"));
        for (text, at) in [
            ("certificate = \"c.pem\"\n".into(), "line 3"),
            ("certificate = \"\"\nkey = \"k\"\n".into(), "line 4: http.tls.certificate"),
            (
                format!("{pair}client-certificates = \"optional\"\n"),
                "line 6: http.tls.client-certificates",
            ),
            (format!("{pair}client-certificates = \"maybe\"\n"), "line 6"),
            (format!("{pair}[http]\nlisten = \"unix:/run/x\"\n"), "http.tls"),
        ] {
            let err = tls(&text).unwrap_err();
            assert!(err.contains(at), "{text}: {err}");
        }
    }

    /// Security review, L2.
    #[test]
    fn a_unix_socket_is_for_its_user_and_group_unless_told_otherwise() {
        let http = |lines: &str| {
            parse(&format!("version = \"v1\"\ndata-dir = \"var\"\n[http]\n{lines}"))
                .map(|config| config.http.access)
        };
        assert_eq!(http("").unwrap().mode, 0o660);
        let access = http("socket-mode = \"0600\"\nsocket-group = \"root\"\n").unwrap();
        assert_eq!((access.mode, access.group), (0o600, Some(0)));
        let err = http("socket-mode = \"rw\"\n").unwrap_err();
        assert!(err.contains("line 4: http.socket-mode"), "{err}");
        let err = http("\nsocket-group = \"no-such-group\"\n").unwrap_err();
        assert!(err.contains("line 5: http.socket-group"), "{err}");
    }

    /// Newcomer A7.
    #[test]
    fn a_log_filter_that_means_nothing_is_refused_with_its_line() {
        for filter in ["warning", "loud", "infoo,x=y=z", "info,dnsbl-server=debug", ""] {
            let text =
                format!("version = \"v1\"\ndata-dir = \"var\"\n[log]\nfilter = \"{filter}\"\n");
            let err = parse(&text).unwrap_err();
            assert!(err.contains("line 4: log.filter") && err.contains("warn"), "{err}");
        }
    }

    #[test]
    fn the_example_is_good() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dnsbl-server.toml");
        Config::load(&path).unwrap();
    }
}
