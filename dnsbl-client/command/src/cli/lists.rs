//! Which lists are asked, and through whom: options that several commands share.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow, bail, ensure};
use clap::Args;
use dnsbl_client::{
    Asks, Client, ClientBuilder, HealthChecks, Preset, Resolvers, SpecialUse, Target, Udp, Zone,
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
    pub(super) words: Vec<Typed>,
    /// Well-known list to ask, by its short name; may be given several times
    #[arg(long = "preset", value_name = "NAME", value_parser = parse_preset)]
    presets: Vec<&'static Preset>,
    /// File whose first line is your key: for the presets that need one, else for the one list of --zone
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Ask the lists of this configuration of the policy service, through its resolvers
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// DNS server to ask instead of those in /etc/resolv.conf; may be given several times
    #[arg(long = "resolver", value_name = "ADDR:PORT", value_parser = parse_resolver)]
    pub(super) resolvers: Vec<SocketAddr>,
    /// How long to wait for the answers about one subject
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    pub(super) timeout: Duration,
}

/// A word as it was typed. It may be a zone with a key, mistyped: what is wrong with it is said later
/// and without it, where clap would show it.
#[derive(Clone)]
pub(super) struct Typed(String);

/// What follows `--zone`: zones and, where the subjects come last, addresses.
enum Word {
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
}

impl Lists {
    /// Addresses that came behind the zones.
    pub(super) fn addresses(&self) -> anyhow::Result<Vec<Subject>> {
        let addresses = self.words()?.into_iter().filter_map(|word| match word {
            Word::Address(address) => Some(address),
            Word::Zone(_) => None,
        });
        Ok(addresses.collect())
    }

    fn words(&self) -> anyhow::Result<Vec<Word>> {
        let words = (1..).zip(&self.words);
        words.map(|(n, word)| word.read().with_context(|| format!("zone {n}"))).collect()
    }

    /// Makes a client that asks all of them, special addresses too.
    pub(super) fn open(&self, watch: HealthChecks) -> anyhow::Result<Asking> {
        let config = self.config.as_deref().map(Config::load).transpose()?;
        let zones = self.zones(config.as_ref())?;
        ensure!(!zones.is_empty(), "no list to ask: name one with --zone, --preset or --config");
        let (mut lists, mut next) = (Vec::new(), 0);
        let configured = config.as_ref().map(Config::resolvers).unwrap_or_default();
        let client = Client::builder().zones(zones.iter().flatten().cloned());
        let client = self.adapt(client.resolvers(resolvers(configured)));
        let client = client.special_use(SpecialUse::Ask).health_checks(watch).build()?;
        for kinds in zones {
            let ids = (next..next + kinds.len()).filter_map(|i| client.zone_id(i)).collect();
            next += kinds.len();
            lists.extend(kinds.into_iter().next().map(|zone| Asked { name: zone.name, ids }));
        }
        let zones = client.zones().cloned().collect();
        Ok(Asking { client, lists, zones })
    }

    /// Whether a list was named beside those of a configuration.
    pub(super) fn names_lists(&self) -> bool {
        !self.words.is_empty() || !self.presets.is_empty()
    }

    /// With what was typed: how long to wait, and whom to ask.
    pub(super) fn adapt(&self, client: ClientBuilder) -> ClientBuilder {
        let client = client.deadline(self.timeout).early_exit(false).manual_probing();
        match self.resolvers.as_slice() {
            [] => client,
            given => client.resolvers(resolvers(given)),
        }
    }

    /// The same, each in the form that fits a target.
    pub(super) fn open_for(&self, target: &Target, watch: HealthChecks) -> anyhow::Result<Client> {
        let zones = self.zones(None)?;
        ensure!(!zones.is_empty(), "no list to ask: name one with --zone, --preset or --config");
        let fitting = zones.into_iter().filter_map(|kinds| {
            let fits = kinds.iter().position(|zone| fits(zone.asks, target)).unwrap_or(0);
            kinds.into_iter().nth(fits)
        });
        let client = self.adapt(Client::builder().zones(fitting));
        Ok(client.special_use(SpecialUse::Ask).health_checks(watch).build()?)
    }

    /// Each list in all the kinds that it may be of.
    fn zones(&self, config: Option<&Config>) -> anyhow::Result<Vec<Vec<Zone>>> {
        let key = self.key_file.as_deref().map(read_key).transpose()?;
        let mut zones: Vec<Vec<Zone>> = Vec::new();
        let names = self.words()?.into_iter().filter_map(|word| match word {
            Word::Zone(name) => Some(name),
            Word::Address(_) => None,
        });
        let mut names: Vec<ZoneName> = names.collect();
        if let Some(key) = key.as_deref().filter(|_| !self.presets.iter().any(|p| p.needs_key)) {
            // Whoever is asked by a name with a key in it knows the key.
            let [name] = names.as_mut_slice() else {
                bail!(
                    "--key-file is for one list: name it with --zone, or a --preset that needs a key"
                );
            };
            *name = ZoneName::keyed(key, &name.to_string())?;
        }
        for name in names {
            zones.push(vec![Zone::addresses(name.clone()), Zone::domains(name)]);
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

impl Asked {
    /// The other forms of the list: as one of domains, where it was asked as one of addresses.
    pub(super) fn others(&self, than: ZoneId) -> impl Iterator<Item = ZoneId> {
        self.ids.iter().copied().filter(move |id| *id != than)
    }
}

impl Asking {
    /// The list's form that fits a target, or the only one there is.
    pub(super) fn id(&self, list: &Asked, target: &Target) -> ZoneId {
        let fits = |id: &&ZoneId| fits(self.zones[id.index()].asks, target);
        *list.ids.iter().find(fits).unwrap_or(&list.ids[0])
    }
}

impl From<String> for Typed {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Typed {
    /// What was typed.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    fn read(&self) -> anyhow::Result<Word> {
        if self.0.parse::<IpAddr>().is_ok() {
            return Ok(Word::Address(self.0.parse()?));
        }
        let zone: ZoneName = self.0.parse()?;
        let top = zone.secret().labels().last().unwrap_or_default();
        ensure!(!top.iter().all(u8::is_ascii_digit), "neither a zone nor an address");
        Ok(Word::Zone(zone))
    }
}

fn fits(asks: Asks, target: &Target) -> bool {
    matches!(
        (asks, target),
        (Asks::Addresses { .. }, Target::Address(_) | Target::RawAddress(_))
            | (Asks::Domains, Target::Domain(_))
            | (Asks::Emails(_), Target::Email(_))
    )
}

fn resolvers(given: &[SocketAddr]) -> Resolvers {
    match given {
        [] => Resolvers::System,
        given => Resolvers::Given(given.to_vec()),
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
    Udp::parse_server(text).context("not ADDR:PORT, such as 127.0.0.1:53 or [::1]:53")
}

fn parse_seconds(text: &str) -> anyhow::Result<Duration> {
    let wrong = || anyhow!("it is 0.001 to {} seconds", ClientBuilder::MAX_DEADLINE.as_secs());
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    let range = Duration::from_millis(1)..=ClientBuilder::MAX_DEADLINE;
    if range.contains(&time) { Ok(time) } else { Err(wrong()) }
}
