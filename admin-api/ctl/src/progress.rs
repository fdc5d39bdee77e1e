//! Progress on standard error, for a person who watches.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// With the size known.
const SHARE: &str = "{bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
/// With the size unknown.
const COUNT: &str = "{spinner} {bytes}  {bytes_per_sec}  {elapsed}";

/// A bar that counts bytes; nobody sees it where standard error is no terminal.
pub(crate) fn bar(size: Option<u64>) -> anyhow::Result<ProgressBar> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), SHARE),
        None => (ProgressBar::no_length(), COUNT),
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar.with_style(ProgressStyle::with_template(template)?))
}

/// What is waited for, and since when; nobody sees it where standard error is no terminal.
pub(crate) fn spinner() -> anyhow::Result<ProgressBar> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(200));
    Ok(spinner.with_style(ProgressStyle::with_template("{spinner} {msg}  {elapsed}")?))
}
