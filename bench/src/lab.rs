//! Where everything is measured: the network, the lists, and our stores with them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    data::{self, Data},
    network::Network,
    programs,
    report::{self, Report},
    servers::Ours,
};

/// Everything that a comparison needs.
pub(crate) struct Lab {
    pub(crate) network: Network,
    pub(crate) report: Report,
    /// How long each server is asked each time.
    pub(crate) duration: Duration,
    /// How often servers take turns.
    pub(crate) pairs: usize,
    /// After an import, how long until memory is looked at again.
    pub(crate) settle: Duration,
    pub(crate) sizes: Vec<usize>,
    dir: PathBuf,
    data: BTreeMap<usize, Rc<Data>>,
    imports: BTreeMap<usize, Duration>,
}

impl Lab {
    /// A lab without stores; lists of an earlier run are used again.
    pub(crate) fn new(network: Network, report: Report, sizes: Vec<usize>) -> Result<Self> {
        let dir = programs::work_dir();
        let stores = dir.join("run");
        if stores.exists() {
            fs::remove_dir_all(&stores)
                .with_context(|| format!("clearing {}", stores.display()))?;
        }
        fs::create_dir_all(&stores).with_context(|| format!("making {}", stores.display()))?;
        Ok(Self {
            network,
            report,
            duration: Duration::from_secs(5),
            pairs: 5,
            settle: Duration::from_secs(15),
            sizes,
            dir,
            data: BTreeMap::new(),
            imports: BTreeMap::new(),
        })
    }

    /// The folder of what servers write in this run.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// The largest size.
    pub(crate) fn large(&self) -> usize {
        self.sizes.iter().max().copied().unwrap_or(1)
    }

    /// 10,000, or the smallest size.
    pub(crate) fn small(&self) -> usize {
        let smallest = self.sizes.iter().min().copied().unwrap_or(1);
        if self.sizes.contains(&10_000) && self.large() > 10_000 { 10_000 } else { smallest }
    }

    /// The list of this size.
    pub(crate) fn data(&mut self, size: usize) -> Result<Rc<Data>> {
        if let Some(data) = self.data.get(&size) {
            return Ok(data.clone());
        }
        eprintln!("bench: making a list of {}", report::size(size));
        let data = Rc::new(Data::make(size, &self.dir)?);
        self.data.insert(size, data.clone());
        Ok(data)
    }

    /// Our server with a list, imported in the first call for its size; 0 workers is all cores.
    pub(crate) fn ours(&mut self, data: &Data, workers: usize) -> Result<Ours> {
        let dir = self.store_dir(data);
        if !self.imports.contains_key(&data.size()) {
            eprintln!("bench: importing {}", report::size(data.size()));
            let server = self.empty_ours(&dir, 0)?;
            let (took, _) = server.import(&data.plain(), "upsert")?;
            server.stop()?;
            self.imported(data, took);
        }
        Ours::start(&self.network, &dir, workers)
    }

    /// A build of our server with a list of its own under a name, with more in its configuration, on one core.
    pub(crate) fn variant(
        &self,
        data: &Data,
        name: &str,
        program: &Path,
        more: &str,
    ) -> Result<Ours> {
        let dir = self.variant_dir(data, name);
        eprintln!("bench: importing {} for {name}", report::size(data.size()));
        let server = Ours::start_as(program, &self.network, &dir, 0, more)?;
        server.make_zone()?;
        server.import(&data.plain(), "upsert")?;
        server.stop()?;
        self.variant_again(data, name, program, more)
    }

    /// A variant that was made before, started anew.
    pub(crate) fn variant_again(
        &self,
        data: &Data,
        name: &str,
        program: &Path,
        more: &str,
    ) -> Result<Ours> {
        Ours::start_as(program, &self.network, &self.variant_dir(data, name), 1, more)
    }

    fn variant_dir(&self, data: &Data, name: &str) -> PathBuf {
        self.run_dir().join(format!("ours-{}-{name}", data.size()))
    }

    /// Our server with an empty zone.
    pub(crate) fn empty_ours(&self, dir: &Path, workers: usize) -> Result<Ours> {
        let server = Ours::start(&self.network, dir, workers)?;
        server.make_zone()?;
        Ok(server)
    }

    /// Our server with a list in so many zones, which the zone that is asked includes.
    pub(crate) fn combined(&self, data: &Data, parts: usize, workers: usize) -> Result<Ours> {
        let dir = self.run_dir().join(format!("ours-{}-combined", data.size()));
        eprintln!("bench: importing {} into {parts} zones", report::size(data.size()));
        let server = Ours::start(&self.network, &dir, 0)?;
        let zones: Vec<String> = (0..parts).map(|part| format!("part{part}.example.org")).collect();
        for (part, zone) in zones.iter().enumerate() {
            server.make_list(zone, &[])?;
            server.import_into(zone, &data.part(part, parts)?, "upsert")?;
        }
        server.make_list(data::ORIGIN, &zones)?;
        server.stop()?;
        Ours::start(&self.network, &dir, workers)
    }

    /// How long the import of a list took.
    pub(crate) fn import_time(&self, data: &Data) -> Option<Duration> {
        self.imports.get(&data.size()).copied()
    }

    /// Notes that [`Self::store_dir`] holds a list.
    pub(crate) fn imported(&mut self, data: &Data, took: Duration) {
        self.imports.insert(data.size(), took);
    }

    /// Where our server keeps a list.
    pub(crate) fn store_dir(&self, data: &Data) -> PathBuf {
        self.run_dir().join(format!("ours-{}", data.size()))
    }
}
