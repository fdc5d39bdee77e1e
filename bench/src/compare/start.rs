//! From the start of our server to its first answer from a long list.

use anyhow::Result;

use crate::{
    lab::Lab,
    report::{self, mebibytes, time},
    servers::Server,
    stats::median_time,
    usage,
};

/// How often it is started.
const STARTS: usize = 3;

/// Starts it on the largest list, with all cores.
pub(crate) fn all(lab: &mut Lab) -> Result<()> {
    let data = lab.data(lab.large())?;
    lab.ours(&data, 0)?.stop()?;
    let (mut times, mut memory) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let server = lab.ours(&data, 0)?;
        times.push(server.program().load_time());
        memory = usage::memory(server.program().id())?;
        server.stop()?;
    }
    let text = format!("{} listings in the store; all cores.", report::size(data.size()));
    lab.report.section("Start", &text)?;
    let what = format!("from start to the ready line, median of {STARTS}");
    lab.report.finding(&what, &time(median_time(&times)), "")?;
    lab.report.finding("memory then, MiB", &mebibytes(memory), "")
}
