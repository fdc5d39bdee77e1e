//! dnsbl-server that follows a file.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use dnsbl_tests::HttpReply;
use reqwest::Method;
use serde_json::json;

use super::{Ours, Program, Server};
use crate::{ask::Asker, data, data::Data, network::Network, programs};

/// How long it may take to read the file for the first time.
const FIRST_RUN: Duration = Duration::from_secs(120);

/// A running dnsbl-server whose list is a feed.
pub(crate) struct Watched {
    ours: Ours,
    file: PathBuf,
}

impl Watched {
    /// Starts it on one core, and waits until it lists what is in the file.
    pub(crate) fn start(network: &Network, data: &Data, dir: &Path) -> Result<Self> {
        let dir = dir.join("watched");
        let (folder, program) = (dir.join("lists"), programs::ours("dnsbl-server")?);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let file = folder.join("list.txt");
        let addr = data.fresh(3).next().context("there are addresses that are not listed")?;
        replace(&file, &data.plain(), addr)?;
        let more = format!("[feeds]\nfolders = [\"{}\"]\n", folder.display());
        let ours = Ours::start_as(&program, network, &dir, 1, &more)?;
        ours.make_zone()?;
        let feed = json!({"zone": data::ORIGIN, "path": file, "format": "plain"});
        let request = ours.admin().request(Method::PUT, "/v1/feeds/watched").json(&feed);
        let reply = HttpReply::try_of(request)?;
        ensure!(reply.status == 201, "making the feed: {} {}", reply.status, reply.text);
        Asker::new(ours.program().addr())?.until_listed(addr, FIRST_RUN)?;
        Ok(Self { ours, file })
    }
}

impl Server for Watched {
    fn name(&self) -> &'static str {
        "dnsbl-server, a watched file"
    }

    fn program(&self) -> &Program {
        self.ours.program()
    }

    fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        replace(&self.file, &self.file, addr)
    }
}

/// Puts a file in place that has the lines of another, and one more.
fn replace(path: &Path, other: &Path, addr: Ipv4Addr) -> Result<()> {
    data::replace(path, |file| {
        io::copy(&mut File::open(other)?, file)?;
        Ok(writeln!(file, "{addr}")?)
    })
}
