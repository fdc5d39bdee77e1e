//! A list as typed.

use std::{
    fmt::Display,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use dnsbl_client::{
    Asks, Encoding, Hash, Hashing, PRESETS, Preset, ReplyFilter, Rule, Zone, ZoneKind, ZoneName,
};
use serde::Deserialize;
use toml::Spanned;

use super::{
    super::template::Template,
    PolicyZone,
    value::{Points, Refused, refuse, template},
};

/// The longest key file, in octets: a key is one label.
const MAX_KEY_FILE: u64 = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ZoneSpec {
    name: Option<Spanned<String>>,
    preset: Option<Spanned<String>>,
    key_file: Option<Spanned<PathBuf>>,
    show_as: Option<Spanned<String>>,
    kind: Option<Kind>,
    asks: Option<Spanned<AsksSpec>>,
    hash: Option<Spanned<HashSpec>>,
    encoding: Option<Spanned<EncodingSpec>>,
    ipv4: Option<bool>,
    ipv6: Option<bool>,
    rules: Option<Vec<RuleSpec>>,
    #[serde(default)]
    shadow: bool,
    url: Option<Spanned<String>>,
    per_day: Option<u64>,
    probe_seconds: Option<Spanned<u64>>,
    #[serde(default = "yes")]
    test_entries: bool,
}

/// A list, checked.
pub(super) struct Checked {
    pub(super) zone: PolicyZone,
    /// What it would be out of shadow, if it is in shadow.
    pub(super) counted: Option<Zone>,
    /// Where its name stands.
    pub(super) at: Range<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RuleSpec {
    filter: Option<Spanned<String>>,
    weight: Points,
    message: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Block,
    Allow,
    Informational,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum AsksSpec {
    Addresses,
    Domains,
    Emails,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HashSpec {
    Sha1,
    Sha256,
    Md5,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EncodingSpec {
    Hex,
    Base32,
    Base64Url,
}

impl ZoneSpec {
    pub(super) fn check(self, folder: &Path) -> Result<Checked, Refused> {
        let at = self.at();
        let mut zone = self.named(folder)?;
        if let Some(kind) = self.kind {
            zone.kind = kind.into();
        }
        if let Some(rules) = self.rules {
            zone.rules = rules.into_iter().map(RuleSpec::check).collect::<Result<_, _>>()?;
        }
        zone.per_day = self.per_day.or(zone.per_day);
        if let Some(seconds) = self.probe_seconds {
            if !(60..=86_400).contains(seconds.get_ref()) {
                return refuse(seconds.span(), "it is 60 to 86400 seconds");
            }
            zone.probes.every = Duration::from_secs(*seconds.get_ref());
        }
        if !self.test_entries {
            zone.probes.listed.clear();
            zone.probes.absent.clear();
        }
        let url = self.url.as_ref().map(|url| template(url, Template::parse)).transpose()?;
        let counted = self.shadow.then(|| zone.clone());
        if self.shadow {
            zone.kind = ZoneKind::Informational;
        }
        Ok(Checked { zone: PolicyZone { zone, url }, counted, at })
    }

    /// The list by its name or as a preset, with what it is asked about.
    fn named(&self, folder: &Path) -> Result<Zone, Refused> {
        let key = self.key_file.as_ref().map(|file| read_key(folder, file)).transpose()?;
        let mut zone = match (&self.name, &self.preset) {
            (Some(name), None) => self.by_name(name, key.as_deref())?,
            (None, Some(preset)) => by_preset(preset, key.as_deref())?,
            (Some(name), Some(_)) => {
                return refuse(name.span(), "a zone has a name or a preset, not both");
            }
            (None, None) => return refuse(self.at(), "a zone has a name or a preset"),
        };
        if let Asks::Addresses { v4, v6 } = &mut zone.asks {
            (*v4, *v6) = (self.ipv4.unwrap_or(*v4), self.ipv6.unwrap_or(*v6));
        }
        Ok(zone)
    }

    fn by_name(&self, name: &Spanned<String>, key: Option<&str>) -> Result<Zone, Refused> {
        let text = name.get_ref();
        let parsed: Result<ZoneName, _> = match (key, &self.show_as) {
            (Some(key), None) => ZoneName::keyed(key, text),
            (None, Some(public)) => ZoneName::shown_as(text, public.get_ref()),
            (None, None) => text.parse(),
            (Some(_), Some(show_as)) => {
                return refuse(show_as.span(), "a zone with a key is shown without it anyway");
            }
        };
        let name = parsed.map_err(|err| Refused { at: name.span(), detail: err.to_string() })?;
        match self.asks.as_ref().map_or(AsksSpec::Addresses, |asks| *asks.get_ref()) {
            AsksSpec::Addresses => Ok(Zone::addresses(name)),
            AsksSpec::Domains => Ok(Zone::domains(name)),
            AsksSpec::Emails => Ok(Zone::emails(name, self.hashing()?)),
        }
    }

    fn hashing(&self) -> Result<Hashing, Refused> {
        let Some(hash) = &self.hash else {
            return refuse(self.at(), "a list of mail addresses has a hash: sha1, sha256 or md5");
        };
        let hash = match hash.get_ref() {
            HashSpec::Sha1 => Hash::Sha1,
            HashSpec::Sha256 => Hash::Sha256,
            HashSpec::Md5 => Hash::Md5,
        };
        let encoding = match self.encoding.as_ref().map(Spanned::get_ref) {
            None | Some(EncodingSpec::Hex) => Encoding::Hex,
            Some(EncodingSpec::Base32) => Encoding::Base32,
            Some(EncodingSpec::Base64Url) => Encoding::Base64Url,
        };
        Ok(Hashing::new(hash, encoding))
    }

    /// Where something stands that says which zone it is.
    fn at(&self) -> Range<usize> {
        let asks = self.asks.as_ref().map(Spanned::span);
        let preset = self.preset.as_ref().map(Spanned::span);
        self.name.as_ref().map(Spanned::span).or(preset).or(asks).unwrap_or_default()
    }
}

impl RuleSpec {
    fn check(self) -> Result<Rule, Refused> {
        let filter = match &self.filter {
            None => ReplyFilter::any(),
            Some(text) => ReplyFilter::postfix(text.get_ref())
                .map_err(|err| Refused { at: text.span(), detail: err.to_string() })?,
        };
        let mut rule = Rule::new(filter, self.weight.0);
        rule.message = self.message;
        Ok(rule)
    }
}

impl From<Kind> for ZoneKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Block => Self::Block,
            Kind::Allow => Self::Allow,
            Kind::Informational => Self::Informational,
        }
    }
}

fn by_preset(preset: &Spanned<String>, key: Option<&str>) -> Result<Zone, Refused> {
    let refused = |detail: String| Refused { at: preset.span(), detail };
    let Some(known) = Preset::by_name(preset.get_ref()) else {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        return Err(refused(format!("not known; there are {}", names.join(", "))));
    };
    known.build(key).map_err(|err| refused(err.to_string()))
}

/// The first line of a file. It never gets into an error.
impl ZoneSpec {
    /// The file of its key, as it is written.
    pub(super) fn key_file(&self) -> Option<&Path> {
        self.key_file.as_ref().map(|file| file.get_ref().as_path())
    }
}

fn read_key(folder: &Path, file: &Spanned<PathBuf>) -> Result<String, Refused> {
    let path = folder.join(file.get_ref());
    let refused = |detail: &dyn Display| Refused {
        at: file.span(),
        detail: format!("{}: {detail}", path.display()),
    };
    let size = fs::metadata(&path).map_err(|err| refused(&err))?.len();
    if size > MAX_KEY_FILE {
        return Err(refused(&format_args!("larger than {MAX_KEY_FILE} octets")));
    }
    let text = fs::read_to_string(&path).map_err(|err| refused(&err))?;
    let key = text.lines().next().unwrap_or_default().trim();
    if key.is_empty() { Err(refused(&"there is no key in its first line")) } else { Ok(key.into()) }
}

fn yes() -> bool {
    true
}
