//! The formats of logs.

use super::{
    deed::{Deed, Entry},
    exim, postfix,
    reasons::UnknownReasons,
};
use crate::mail_log::{LogLine, Stamp};

/// The SMTP server whose log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Any of them; their lines have nothing in common.
    Auto,
    /// Postfix 3.
    Postfix,
    /// Exim 4: its main log, or syslog.
    Exim,
}

impl Format {
    /// All of them, and what they are called.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("postfix", Self::Postfix), ("exim", Self::Exim)];

    /// What a line says; `None`: nothing that counts, or it leaves a doubt.
    pub(crate) fn read<'a>(self, line: &'a str, unknown: &UnknownReasons) -> Option<Entry<'a>> {
        let Some(line) = LogLine::parse(line) else {
            let (stamp, message) = Stamp::leading(line)?;
            let deed = exim::deed(message, unknown).filter(|_| self != Self::Postfix)?;
            return Some(Entry { written: Some(stamp), deed });
        };
        let LogLine { written, program, message } = line;
        let deed = self.deed(program, message, unknown)?;
        Some(Entry { written, deed })
    }

    fn deed<'a>(
        self,
        program: &str,
        message: &'a str,
        unknown: &UnknownReasons,
    ) -> Option<Deed<'a>> {
        if postfix::is_smtpd(program) && self != Self::Exim {
            return postfix::deed(message, unknown);
        }
        if !exim::is_exim(program) || self == Self::Postfix {
            return None;
        }
        // Unless told otherwise it writes its own time too.
        let message = Stamp::leading(message).map_or(message, |(_, rest)| rest);
        exim::deed(message, unknown)
    }
}
