//! Progress on standard error, for a person who watches.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

const COUNT: &str = "{spinner} {human_pos} looked up  {per_sec}  {elapsed}";

/// Counts subjects; nobody sees it where standard error is no terminal, or where the results scroll by.
pub(super) fn bar() -> anyhow::Result<ProgressBar> {
    if !io::stderr().is_terminal() || io::stdout().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(COUNT)?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
