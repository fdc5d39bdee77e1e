//! A list as a master file (RFC 1035 section 5), for servers that know zones.

use std::{
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{data, data::Data};

/// A zone file: its head with what was listed later, and the list by `$INCLUDE`.
pub(crate) struct ZoneFile {
    path: PathBuf,
    records: PathBuf,
    listed: Vec<Ipv4Addr>,
}

impl ZoneFile {
    /// Writes it.
    pub(crate) fn write(data: &Data, path: PathBuf) -> Result<Self> {
        let zone = Self { path, records: data.records()?, listed: Vec::new() };
        zone.save()?;
        Ok(zone)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lists one more address, with a higher serial.
    pub(crate) fn list(&mut self, addr: Ipv4Addr) -> Result<()> {
        self.listed.push(addr);
        self.save()
    }

    fn save(&self) -> Result<()> {
        let (origin, serial) = (data::ORIGIN, self.listed.len() + 1);
        data::replace(&self.path, |file| {
            writeln!(file, "$ORIGIN {origin}.\n$TTL 300")?;
            writeln!(file, "@ 3600 SOA ns1.example.net. hostmaster {serial} 3600 600 604800 60")?;
            writeln!(file, "@ 3600 NS ns1.example.net.")?;
            self.listed.iter().try_for_each(|&addr| data::write_records(file, addr))?;
            Ok(writeln!(file, "$INCLUDE {}", self.records.display())?)
        })
    }
}
