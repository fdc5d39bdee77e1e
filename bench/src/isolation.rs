//! Running where nothing can leave: in namespaces of network and processes that end with us.
//!
//! The program starts itself again inside them. They have no names and no files, so that there is
//! nothing to clean up: when the outer program ends in whatever way, the kernel kills the inner one
//! with all that it started, and the namespaces go with the last process.

use std::{
    env,
    fmt::{self, Display},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};

/// Says to the inner program how it is kept apart.
const VARIABLE: &str = "DNSBL_BENCH_ISOLATION";

/// How much a user may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Network namespaces and XDP: root.
    Full,
    /// A network namespace of our own, without XDP.
    Loopback,
    /// No namespace: the machine's own loopback.
    Host,
}

impl Isolation {
    const ALL: [Self; 3] = [Self::Full, Self::Loopback, Self::Host];

    fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Loopback => "loopback",
            Self::Host => "host",
        }
    }

    /// The command that runs another one this way.
    fn wrapper(self) -> &'static [&'static str] {
        // If this program is killed, `setpriv` has the kernel kill `unshare`, and that its child,
        // and that, being the first of its process namespace, all others.
        match self {
            Self::Full => &[
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ],
            Self::Loopback => &[
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--user",
                "--map-current-user",
                "--keep-caps",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ],
            Self::Host => &["setpriv", "--pdeathsig", "KILL"],
        }
    }

    fn command(self, program: &str) -> Command {
        let wrapper = self.wrapper();
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(program);
        command
    }

    /// Whether this user may do it. XDP takes root of the machine, not of a user namespace.
    fn works(self) -> bool {
        let mut attempt = self.command("true");
        let status = attempt.stdin(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "kxdpgun over a veth pair between two network namespaces",
            Self::Loopback => "dnsperf on the loopback of a network namespace (it saturates first)",
            Self::Host => "dnsperf on loopback (it saturates first)",
        })
    }
}

/// Inside, how this program is kept apart; `None` in the outer program.
pub(crate) fn inside() -> Option<Isolation> {
    let word = env::var(VARIABLE).ok()?;
    Isolation::ALL.into_iter().find(|isolation| isolation.word() == word)
}

/// Runs this program again, kept apart as well as this user may.
pub(crate) fn run_inside() -> Result<ExitCode> {
    let best = Isolation::ALL.into_iter().find(|isolation| isolation.works());
    let isolation = best.context("setpriv is missing; install util-linux")?;
    let own = env::current_exe().context("finding this program")?;
    let mut command = isolation.command(&own.to_string_lossy());
    command.args(env::args_os().skip(1)).env(VARIABLE, isolation.word());
    let status = command.status().context("starting this program inside its namespaces")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
