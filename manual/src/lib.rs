//! The completions and manual pages of a program, made of the definitions that its command line is read by.
//!
//! A program has [`Manual`] among its commands (`#[command(flatten)]`), and packages run them when they are built.

mod notes;
mod page;

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Command, Subcommand, ValueEnum};

const COMPLETIONS_NOTES: &str = "\
The same with dnsblctl, dnsbl and dnsbl-server. A new shell knows it.

Examples:
  dnsblctl completions bash >/usr/share/bash-completion/completions/dnsblctl
  dnsblctl completions zsh >/usr/local/share/zsh/site-functions/_dnsblctl
  dnsblctl completions fish >/usr/share/fish/vendor_completions.d/dnsblctl.fish";

const MAN_NOTES: &str = "\
One page for the program, and one for each of its commands, such as dnsblctl-zone-put. The folder is made
where it is missing.

Examples:
  dnsblctl man /usr/local/share/man/man1
  dnsbl man /usr/local/share/man/man1
  dnsbl-server man /usr/local/share/man/man8";

/// The commands that tell about a program itself.
#[derive(Debug, Subcommand)]
pub enum Manual {
    /// Prints what has a shell complete this program's commands and options
    #[command(after_help = COMPLETIONS_NOTES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Writes the manual pages of this program into a folder
    #[command(after_help = MAN_NOTES)]
    Man {
        /// The folder
        dir: PathBuf,
    },
}

/// A shell that completes what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash, with the package bash-completion or without.
    Bash,
    /// The Z shell.
    Zsh,
    /// Fish.
    Fish,
}

/// The section of the manual that a program's pages belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// 1: what everybody may run.
    User,
    /// 8: what whoever runs the machine runs.
    System,
}

impl Manual {
    /// Does it for the program whose command line `command` defines.
    ///
    /// # Errors
    ///
    /// Where standard output or the folder can't be written.
    pub fn run(&self, command: Command, section: Section) -> io::Result<()> {
        match self {
            Self::Completions { shell } => complete(command, *shell),
            Self::Man { dir } => {
                std::fs::create_dir_all(dir)?;
                page::write_all(command, section.number(), dir)
            }
        }
    }
}

impl Section {
    fn number(self) -> &'static str {
        match self {
            Self::User => "1",
            Self::System => "8",
        }
    }
}

/// Printed at once: half of it would break the shell that reads it.
fn complete(mut command: Command, shell: Shell) -> io::Result<()> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    io::stdout().write_all(&script)
}
