//! Which lists are asked, and through whom: options that several commands share.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use dnsbl_client::{
    Asks, Client, ClientBuilder, Policy, Preset, Resolvers, SpecialUse, Target, Watch, Zone,
    ZoneId, ZoneName,
};

use super::subject::Subject;
use crate::policy_service::Config;

/// The largest file with a key, in octets.
const MAX_KEY_FILE: u64 = 1024;

#[derive(Args)]
pub(super) struct Lists {
    /// Block list to ask; may be given several times
    #[arg(long = "zone", value_name = "ZONE", num_args = 1..)]
    pub(super) words: Vec<Word>,
    /// Well-known list to ask, by its short name; may be given several times
    #[arg(long = "preset", value_name = "NAME", value_parser = parse_preset)]
    presets: Vec<&'static Preset>,
    /// File whose first line is the key for the presets that need one
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Ask the lists of this configuration of the policy service, through its resolvers
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// DNS server to ask instead of those in /etc/resolv.conf; may be given several times
    #[arg(long = "resolver", value_name = "ADDR:PORT", value_parser = parse_resolver)]
    resolvers: Vec<SocketAddr>,
    /// How long to wait for the answers about one subject
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    pub(super) timeout: Duration,
}

/// What follows `--zone`: zones and, where the subjects come last, addresses.
#[derive(Clone)]
pub(super) enum Word {
    Zone(ZoneName),
    Address(Subject),
}

/// A list as it was named. One named by `--zone` is asked about addresses and domains alike.
pub(super) struct Asked {
    pub(super) name: ZoneName,
    ids: Vec<ZoneId>,
}

/// The lists, ready to be asked.
pub(super) struct Asking {
    pub(super) client: Client,
    pub(super) lists: Vec<Asked>,
    /// By the places of the client.
    pub(super) zones: Vec<Zone>,
    /// That of the configuration, if there is one.
    pub(super) policy: Policy,
}

impl Lists {
    /// Addresses that came behind the zones.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Subject> {
        self.words.iter().filter_map(|word| match word {
            Word::Address(address) => Some(address.clone()),
            Word::Zone(_) => None,
        })
    }

    /// Makes a client that asks all of them, special addresses too, and watches none.
    pub(super) fn open(&self) -> anyhow::Result<Asking> {
        let config = self.config.as_deref().map(Config::load).transpose()?;
        let zones = self.zones(config.as_ref())?;
        ensure!(!zones.is_empty(), "no list to ask: name one with --zone, --preset or --config");
        let (mut lists, mut next) = (Vec::new(), 0);
        let client = Client::builder();
        let client = client.zones(zones.iter().flatten().cloned());
        let policy = config.as_ref().map_or_else(Policy::default, Config::policy);
        let client = self.settings(client, config.as_ref()).policy(policy.clone()).build()?;
        for kinds in zones {
            let ids = (next..next + kinds.len()).filter_map(|i| client.zone_id(i)).collect();
            next += kinds.len();
            lists.extend(kinds.into_iter().next().map(|zone| Asked { name: zone.name, ids }));
        }
        let zones = client.zones().cloned().collect();
        Ok(Asking { client, lists, zones, policy })
    }

    fn settings(&self, client: ClientBuilder, config: Option<&Config>) -> ClientBuilder {
        let configured = config.map(Config::resolvers).unwrap_or_default();
        let resolvers = if self.resolvers.is_empty() { configured } else { &self.resolvers };
        let resolvers = match resolvers {
            [] => Resolvers::System,
            given => Resolvers::Given(given.to_vec()),
        };
        client
            .resolvers(resolvers)
            .deadline(self.timeout)
            .early_exit(false)
            .special_use(SpecialUse::Ask)
            .watch(Watch::Off)
    }

    /// Each list in all the kinds that it may be of.
    fn zones(&self, config: Option<&Config>) -> anyhow::Result<Vec<Vec<Zone>>> {
        let key = self.key_file.as_deref().map(read_key).transpose()?;
        let mut zones: Vec<Vec<Zone>> = Vec::new();
        for word in &self.words {
            if let Word::Zone(name) = word {
                zones.push(vec![Zone::addresses(name.clone()), Zone::domains(name.clone())]);
            }
        }
        for preset in &self.presets {
            let key = key.as_deref().filter(|_| preset.needs_key);
            let zone = preset.build(key).with_context(|| format!("--preset {}", preset.name))?;
            zones.push(vec![zone]);
        }
        zones.extend(config.into_iter().flat_map(Config::zones).map(|zone| vec![zone]));
        Ok(zones)
    }
}

impl Asking {
    /// The list's form that fits a target, or the only one there is.
    pub(super) fn id(&self, list: &Asked, target: &Target) -> ZoneId {
        let fits = |id: &&ZoneId| {
            matches!(
                (&self.zones[id.index()].asks, target),
                (Asks::Addresses { .. }, Target::Address(_) | Target::RawAddress(_))
                    | (Asks::Domains, Target::Domain(_))
                    | (Asks::Emails(_), Target::Email(_))
            )
        };
        *list.ids.iter().find(fits).unwrap_or(&list.ids[0])
    }
}

impl FromStr for Word {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self::Address(text.parse()?));
        }
        let zone: ZoneName = text.parse()?;
        let top = zone.secret().labels().last().unwrap_or_default();
        ensure!(!top.iter().all(u8::is_ascii_digit), "neither a zone nor an address");
        Ok(Self::Zone(zone))
    }
}

fn parse_preset(name: &str) -> anyhow::Result<&'static Preset> {
    match Preset::by_name(name) {
        Some(preset) => Ok(preset),
        None => bail!("not known; dnsbl presets names all"),
    }
}

/// The first line; it never gets into an error.
fn read_key(path: &Path) -> anyhow::Result<String> {
    let context = || path.display().to_string();
    ensure!(
        fs::metadata(path).with_context(context)?.len() <= MAX_KEY_FILE,
        "{}: too large",
        context()
    );
    let text = fs::read_to_string(path).with_context(context)?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn parse_resolver(text: &str) -> anyhow::Result<SocketAddr> {
    let bare = || text.parse().map(|addr: IpAddr| (addr, 53).into());
    let resolver = text.parse().or_else(|_| bare());
    resolver.context("not ADDR:PORT, such as 127.0.0.1:53 or [::1]:53")
}

fn parse_seconds(text: &str) -> anyhow::Result<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}
