//! The log on standard error: its filter, which can be changed while the program runs, and a writer that
//! outlives whoever reads it.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::{
    EnvFilter, Registry, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

/// The levels.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The crates that log something, and a filter may name.
pub const TARGETS: [&str; 24] = [
    "admin_api",
    "async_compression",
    "axum",
    "dnsbl",
    "dnsbl_client",
    "dnsbl_daemon",
    "dnsbl_index",
    "dnsbl_server",
    "dnsbl_store",
    "dnsbl_types",
    "hickory_net",
    "hickory_proto",
    "hickory_resolver",
    "hickory_server",
    "hyper",
    "hyper_util",
    "lettre",
    "relay_tester",
    "rustls",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tower",
    "udp_batch",
];

/// A filter that would not do what it seems to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} {why}; a filter is a level ({}) or TARGET=LEVEL with a comma between, such as \"info\" or \
     \"info,dnsbl_store=debug\"; targets begin with one of {}",
    LEVELS.join(", "), TARGETS.join(", ")
)]
pub struct FilterError {
    part: String,
    why: &'static str,
}

/// A filter such as `info` or `info,dnsbl_server=debug` whose every part means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// A part is no level and no target that there is. Such a filter would silence what it does not name,
    /// errors too.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        parts.iter().try_for_each(|part| check(part))?;
        Ok(Self(parts.join(",")))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn compiled(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

fn check(part: &str) -> Result<(), FilterError> {
    let refuse = |why| Err(FilterError { part: part.into(), why });
    let Some((target, level)) = part.split_once('=') else {
        return if is_level(part) { Ok(()) } else { refuse("is no level") };
    };
    // `target[span{field=value}]=level` selects spans, and we have none.
    let module = target.split("::").next().unwrap_or(target);
    if !TARGETS.contains(&module) {
        return refuse("names no target that logs anything");
    }
    let is_path = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !target.split("::").all(is_path) {
        return refuse("has a target that is no path such as dnsbl_server::dns");
    }
    if is_level(level) { Ok(()) } else { refuse("has no level behind the =") }
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

/// The running log.
#[derive(Debug)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    is_json: bool,
}

impl Log {
    /// Starts to log to standard error, as text or as one JSON object a line. Must be called once only.
    pub fn start(filter: &Filter, is_json: bool) -> Self {
        let (layer, handle) = reload::Layer::new(filter.compiled());
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(|| StandardError)
            .log_internal_errors(false)
            .with_ansi(!is_json && io::stderr().is_terminal());
        let registry = tracing_subscriber::registry().with(layer);
        // Fails only where somebody else has started one, as tests do; then that one stays.
        let _ = if is_json {
            registry.with(lines.json()).try_init()
        } else {
            registry.with(lines).try_init()
        };
        Self { filter: handle, is_json }
    }

    /// Changes the filter.
    pub fn set_filter(&self, filter: &Filter) {
        if let Err(err) = self.filter.reload(filter.compiled()) {
            tracing::error!(%err, "the log filter could not be changed");
        }
    }

    /// Writes a line that no filter holds back, in the form of the log.
    pub fn announce(&self, line: &str) {
        let line = if self.is_json {
            // The blank is for scripts that look for words in the line, whatever its form.
            let message = format!("{line} ");
            serde_json::json!({"level": "INFO", "fields": {"message": message}}).to_string()
        } else {
            line.to_owned()
        };
        say(&line);
    }
}

/// Writes a line to standard error, if anybody reads it.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A standard error on which no write fails: a log that nobody reads must not stop the work.
struct StandardError;

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn levels_and_targets_that_there_are_make_a_filter() {
        for text in [
            "info",
            "WARN",
            "off",
            "info,dnsbl_server=debug",
            "error, dnsbl_server::dns=trace ,hyper=off",
            "dnsbl=debug",
        ] {
            assert!(Filter::parse(text).is_ok(), "{text}");
        }
    }

    /// Newcomer A7: `warning` and `loud` silenced everything, errors too.
    #[test]
    fn a_filter_that_means_nothing_is_refused_with_the_words_that_do() {
        for text in [
            "",
            "warning",
            "loud",
            "infoo,x=y=z",
            "info,",
            "info,dnsbl_server",
            "info,dnsbl_server=loud",
            "info,dnsbl-server=debug",
            "info,dnsbl_sever=debug",
            "info,dnsbl_server::=debug",
            "info,dnsbl_server[span]=debug",
            "info;dnsbl_server=debug",
            "3",
        ] {
            let err = Filter::parse(text).unwrap_err().to_string();
            for word in ["error", "warn", "info", "debug", "trace", "off", "dnsbl_server"] {
                assert!(err.contains(word), "{text}: {err}");
            }
        }
    }
}
