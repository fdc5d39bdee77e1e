//! Colour for a person at a terminal who has not asked for none (`NO_COLOR`, `TERM=dumb`, `CLICOLOR=0`).

use std::io::{self, IsTerminal};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// What colour tells.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    /// It is as it should be.
    Good,
    /// Somebody should look.
    Bad,
    /// The head of a table.
    Head,
}

/// Text in the colour of a tone, or as it is where nobody would see that.
pub(crate) fn paint(text: &str, tone: Tone) -> String {
    let is_seen =
        io::stdout().is_terminal() && AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    match is_seen {
        true => painted(text, tone),
        false => text.to_owned(),
    }
}

fn painted(text: &str, tone: Tone) -> String {
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Head => Style::new().bold(),
    };
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::{Tone, paint, painted};

    #[test]
    fn what_is_no_terminal_gets_no_colour() {
        assert_eq!(paint("no", Tone::Bad), "no");
        assert_eq!(painted("no", Tone::Bad), "\x1b[1m\x1b[31mno\x1b[0m");
    }
}
