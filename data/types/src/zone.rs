//! A zone: one block list, served under one origin.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Deref,
};

use crate::{
    Access, IncludeError, Includes, Labels, Name, Reason, RecordType, Records, RecordsError,
    RemovalRules, RemovalRulesError, ReportRules, ReportRulesError, Retirement, ReturnCode, Rrset,
    UnixTime, ZonePhase, query_name, test_name::TestName,
};

/// The kind of subjects that a zone lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZoneKind {
    /// Addresses and prefixes of both families.
    Ip,
    /// Domains.
    Domain,
    /// Single addresses that are granted something for a while, by logins.
    Allow(GrantTerms),
}

impl ZoneKind {
    /// Whether its subjects are addresses.
    pub fn has_addresses(self) -> bool {
        match self {
            Self::Ip | Self::Allow(_) => true,
            Self::Domain => false,
        }
    }

    /// The terms of its grants, if it is an allow zone.
    pub fn grant_terms(self) -> Option<GrantTerms> {
        match self {
            Self::Allow(terms) => Some(terms),
            Self::Ip | Self::Domain => None,
        }
    }

    /// Whether a zone may become one of the other kind without losing what it lists.
    pub fn is_same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// For how long, and to what, an allow zone grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantTerms {
    /// Seconds from a login to the end of what it grants.
    pub lifetime: u32,
    /// Seconds from a user's first login to the end of what renewals grant; the next login begins anew.
    pub longest: u32,
    /// How many leading bits of an IPv6 address are granted: 128 or 64.
    pub ipv6_prefix: u8,
}

impl GrantTerms {
    /// The longest times that may be asked for: a week.
    pub const MAX: u32 = 604_800;

    /// When a grant ends by a login at `now`, of a user whose first login there was at `first`.
    pub fn until(&self, first: UnixTime, now: UnixTime) -> UnixTime {
        now.plus(self.lifetime.into()).min(first.plus(self.longest.into()))
    }
}

impl Default for GrantTerms {
    fn default() -> Self {
        Self { lifetime: 600, longest: 43_200, ipv6_prefix: 128 }
    }
}

/// The times of an SOA record, in seconds (RFC 1035 section 3.3.13); MINIMUM is the zone's negative TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoaTimes {
    /// How often a secondary asks for the serial.
    pub refresh: u32,
    /// How soon it asks again after a failure.
    pub retry: u32,
    /// When it stops answering without contact.
    pub expire: u32,
}

impl Default for SoaTimes {
    fn default() -> Self {
        Self { refresh: 3600, retry: 600, expire: 604_800 }
    }
}

/// The records at the apex besides SOA and NS, for a web site or a notice (RFC 5782 section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apex {
    /// A records.
    pub a: Vec<Ipv4Addr>,
    /// AAAA records.
    pub aaaa: Vec<Ipv6Addr>,
    /// TXT records.
    pub txt: Vec<String>,
}

/// The settings of a zone, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSpec {
    /// The zone's own name.
    pub origin: Name,
    /// What it lists.
    pub kind: ZoneKind,
    /// Name servers.
    pub ns: Vec<Name>,
    /// SOA MNAME, the primary name server.
    pub mname: Name,
    /// SOA RNAME, the operator's mailbox.
    pub rname: Name,
    /// SOA times.
    pub soa: SoaTimes,
    /// TTL of positive answers, in seconds.
    pub ttl: u32,
    /// TTL of negative answers, SOA TTL and SOA MINIMUM, in seconds (RFC 2308 section 5).
    pub negative_ttl: u32,
    /// TTL of the answers that a name above addresses has no records, in seconds. Such a name can never be
    /// listed itself, and its answer hides nothing that is.
    pub parent_ttl: u32,
    /// Codes of listings that have none of their own.
    pub return_codes: Vec<ReturnCode>,
    /// Reason of listings that have none of their own.
    pub reason: Reason,
    /// Each N is a test entry 127.0.0.N that answers itself.
    pub test_codes: Vec<u8>,
    /// Further records at the apex.
    pub apex: Apex,
    /// Addresses of names inside the zone, such as its name servers.
    pub glue: BTreeMap<Name, Vec<IpAddr>>,
    /// Who may ask.
    pub access: Access,
    /// The zones that are answered for here, too.
    pub includes: Includes,
    /// Further records at the apex and below it.
    pub records: Records,
    /// Whether it lists, and may list more.
    pub phase: ZonePhase,
    /// When reports list; `None` where none are taken.
    pub reports: Option<ReportRules>,
    /// How requests for removal are taken.
    pub removal: RemovalRules,
}

/// A zone whose settings fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(ZoneSpec);

/// Settings that make no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// The root can't be a block list.
    #[error("the root is not an origin")]
    Root,
    /// No room for the names that ask for addresses.
    #[error("origin {0} is too long: with 32 nibbles in front a name would exceed 255 octets")]
    OriginTooLong(Name),
    /// No name server.
    #[error("ns is empty: a zone has at least one name server")]
    NoNameServer,
    /// A name server inside the zone without an address.
    #[error("ns {0} lies inside the zone: give its addresses in glue")]
    MissingGlue(Name),
    /// Glue for a name elsewhere.
    #[error("glue {0} lies outside the zone")]
    GlueOutside(Name),
    /// Glue at a name that asks for an address.
    #[error("glue {0} is a name that asks for an address")]
    GlueAtAddress(Name),
    /// Glue without addresses.
    #[error("glue {0} has no address")]
    EmptyGlue(Name),
    /// No return code.
    #[error("return_codes is empty: leave it out for 127.0.0.2")]
    NoReturnCode,
    /// A time beyond what DNS can say.
    #[error("{field} {value} is not within {min} to 2147483647 seconds (RFC 2181 section 8)")]
    Seconds {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: u32,
        /// The least.
        min: u32,
    },
    /// A test code that is no return code.
    #[error("test code {0} is not within 2 to 255")]
    TestCode(u8),
    /// More of something than an answer can hold.
    #[error("{field} has {count} entries, more than {max}")]
    TooMany {
        /// The setting.
        field: &'static str,
        /// How many it has.
        count: usize,
        /// The most.
        max: usize,
    },
    /// Times of grants that do not fit together.
    #[error("lifetime {lifetime} and longest {longest} are not 1 <= lifetime <= longest <= {max} seconds", max = GrantTerms::MAX)]
    GrantTimes {
        /// Seconds.
        lifetime: u32,
        /// Seconds.
        longest: u32,
    },
    /// A width of IPv6 grants that there is none of.
    #[error("ipv6_prefix {0} is neither 128, an address, nor 64, a network")]
    GrantPrefix(u8),
    /// Test entries of an allow zone: each would be a grant that nobody logged in for.
    #[error("an allow zone has no test_codes: each would grant without a login")]
    GrantedTestCodes,
    /// A notice of its end that is none.
    #[error("retirement: a notice is 1 to {max} bytes without control characters", max = Retirement::MAX_NOTICE)]
    Notice,
    /// An allow zone that has ended.
    #[error("state: an allow zone has nobody to be told of its end; delete it")]
    RetiredGrants,
    /// Apex text that does not fit.
    #[error("an apex TXT is 1 to 1000 bytes without control characters")]
    ApexText,
    /// Includes that make no combined zone.
    #[error(transparent)]
    Includes(#[from] IncludeError),
    /// Records that the zone can't have.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Rules of reports that make no sense.
    #[error("reports: {0}")]
    Reports(#[from] ReportRulesError),
    /// Rules of requests for removal that make no sense.
    #[error("removal: {0}")]
    Removal(#[from] RemovalRulesError),
}

impl ZoneSpec {
    /// Default TTL of positive answers, in seconds.
    pub const TTL: u32 = 300;
    /// Default TTL of negative answers, in seconds.
    pub const NEGATIVE_TTL: u32 = 60;
    /// Default TTL of the answers at names above addresses, in seconds.
    pub const PARENT_TTL: u32 = 3600;
    /// Default TTL of all answers of an allow zone, in seconds: a login counts at once, also for who was
    /// refused a moment ago.
    pub const ALLOW_TTL: u32 = 1;

    /// Settings that have the default wherever there is one: the first name server is the primary one, the
    /// mailbox is `hostmaster` at the origin, and listings answer with 127.0.0.2. An allow zone answers with
    /// 127.0.0.10, and nobody but this machine may ask it.
    pub fn new(origin: Name, kind: ZoneKind, ns: Vec<Name>, reason: Reason) -> Self {
        let is_allow = kind.grant_terms().is_some();
        let ttl = |usual| if is_allow { Self::ALLOW_TTL } else { usual };
        Self {
            // What stands in for a name that there can't be is refused by `check` with its cause.
            mname: ns.first().unwrap_or(&origin).clone(),
            rname: origin.prepend([b"hostmaster".as_slice()]).unwrap_or_else(|_| origin.clone()),
            ns,
            origin,
            kind,
            soa: SoaTimes::default(),
            ttl: ttl(Self::TTL),
            negative_ttl: ttl(Self::NEGATIVE_TTL),
            parent_ttl: Self::default_parent_ttl(kind),
            return_codes: vec![if is_allow { ReturnCode::GRANTED } else { ReturnCode::LISTED }],
            reason,
            test_codes: Vec::new(),
            apex: Apex::default(),
            glue: BTreeMap::new(),
            access: if is_allow { Access::loopback() } else { Access::default() },
            includes: Includes::default(),
            records: Records::default(),
            phase: ZonePhase::default(),
            reports: None,
            removal: RemovalRules::default(),
        }
    }

    /// The default of [`parent_ttl`](Self::parent_ttl) for a kind, in seconds.
    pub fn default_parent_ttl(kind: ZoneKind) -> u32 {
        if kind.grant_terms().is_some() { Self::ALLOW_TTL } else { Self::PARENT_TTL }
    }

    /// Checks that the settings fit together.
    ///
    /// # Errors
    /// A setting is out of its range, or two do not fit together.
    pub fn check(mut self) -> Result<Zone, ZoneError> {
        self.check_origin()?;
        self.check_ns()?;
        self.check_glue()?;
        self.check_numbers()?;
        self.check_sizes()?;
        self.check_terms()?;
        self.check_includes()?;
        self.check_records()?;
        self.check_phase()?;
        self.check_reports()?;
        self.check_removal()?;
        self.return_codes.sort_unstable();
        self.return_codes.dedup();
        self.test_codes.sort_unstable();
        self.test_codes.dedup();
        Ok(Zone(self))
    }

    fn check_origin(&self) -> Result<(), ZoneError> {
        let room = Name::MAX_LEN - 64;
        match self.origin.wire().len() {
            1 => Err(ZoneError::Root),
            len if self.kind.has_addresses() && len > room => {
                Err(ZoneError::OriginTooLong(self.origin.clone()))
            }
            _ => Ok(()),
        }
    }

    fn check_ns(&self) -> Result<(), ZoneError> {
        if self.ns.is_empty() {
            return Err(ZoneError::NoNameServer);
        }
        let inside = |ns: &&Name| ns.strip_suffix(&self.origin).is_some();
        match self.ns.iter().filter(inside).find(|ns| !self.has_address(ns)) {
            Some(ns) => Err(ZoneError::MissingGlue(ns.clone())),
            None => Ok(()),
        }
    }

    fn has_address(&self, name: &Name) -> bool {
        let at_apex =
            *name == self.origin && !(self.apex.a.is_empty() && self.apex.aaaa.is_empty());
        let has = |rtype: RecordType| self.records.rrset(name.wire(), rtype.number()).is_some();
        at_apex || self.glue.contains_key(name) || has(RecordType::A) || has(RecordType::AAAA)
    }

    fn check_glue(&self) -> Result<(), ZoneError> {
        for (name, addresses) in &self.glue {
            let below = name.strip_suffix(&self.origin).filter(|labels| !labels.is_empty());
            let Some(labels) = below else {
                return Err(ZoneError::GlueOutside(name.clone()));
            };
            if addresses.is_empty() {
                return Err(ZoneError::EmptyGlue(name.clone()));
            }
            let taken = self.kind.has_addresses()
                && query_name::decode(labels) != query_name::AddressName::Other;
            if taken {
                return Err(ZoneError::GlueAtAddress(name.clone()));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), ZoneError> {
        let times = [
            ("ttl", self.ttl, 1),
            ("negative_ttl", self.negative_ttl, 1),
            ("parent_ttl", self.parent_ttl, 1),
            ("refresh", self.soa.refresh, 1),
            ("retry", self.soa.retry, 1),
            ("expire", self.soa.expire, 1),
        ];
        let max = i32::MAX as u32;
        if let Some(&(field, value, min)) =
            times.iter().find(|(_, v, min)| !(*min..=max).contains(v))
        {
            return Err(ZoneError::Seconds { field, value, min });
        }
        match self.test_codes.iter().find(|&&code| code < 2) {
            Some(&code) => Err(ZoneError::TestCode(code)),
            None => Ok(()),
        }
    }

    fn check_terms(&self) -> Result<(), ZoneError> {
        let Some(GrantTerms { lifetime, longest, ipv6_prefix }) = self.kind.grant_terms() else {
            return Ok(());
        };
        if lifetime == 0 || lifetime > longest || longest > GrantTerms::MAX {
            return Err(ZoneError::GrantTimes { lifetime, longest });
        }
        if !matches!(ipv6_prefix, 64 | 128) {
            return Err(ZoneError::GrantPrefix(ipv6_prefix));
        }
        if self.test_codes.is_empty() { Ok(()) } else { Err(ZoneError::GrantedTestCodes) }
    }

    fn check_includes(&self) -> Result<(), IncludeError> {
        match self.includes.is_empty() {
            true => Ok(()),
            false if self.kind.grant_terms().is_some() => Err(IncludeError::Grants),
            false if self.includes.has(&self.origin) => Err(IncludeError::Itself),
            false => Ok(()),
        }
    }

    fn check_phase(&self) -> Result<(), ZoneError> {
        let Some(Retirement { notice, .. }) = self.phase.retirement() else { return Ok(()) };
        let is_notice = (1..=Retirement::MAX_NOTICE).contains(&notice.len());
        match is_notice && !notice.contains(char::is_control) {
            false => Err(ZoneError::Notice),
            true if self.kind.grant_terms().is_some() => Err(ZoneError::RetiredGrants),
            true => Ok(()),
        }
    }

    fn check_reports(&self) -> Result<(), ReportRulesError> {
        let is_allow = self.kind.grant_terms().is_some();
        if is_allow && self.reports.is_some() { Err(ReportRulesError::Allow) } else { Ok(()) }
    }

    fn check_removal(&self) -> Result<(), RemovalRulesError> {
        let is_allow = self.kind.grant_terms().is_some();
        match is_allow && self.removal != RemovalRules::default() {
            true => Err(RemovalRulesError::Allow),
            false => self.removal.check(),
        }
    }

    fn check_records(&self) -> Result<(), RecordsError> {
        for (owner, rrsets) in self.records.iter() {
            let Some(labels) = owner.strip_suffix(&self.origin) else {
                return Err(RecordsError::Outside(owner.clone()));
            };
            self.check_record_owner(owner, labels)?;
            for rtype in rrsets.iter().map(Rrset::rtype) {
                if let Some(setting) = self.giving(owner, rtype) {
                    let owner = owner.clone();
                    return Err(RecordsError::GivenElsewhere { owner, rtype, setting });
                }
            }
        }
        Ok(())
    }

    /// An owner may not be what a listing or a test entry is asked for by, and in a zone of addresses may not
    /// lie below one: what is above an owner exists.
    fn check_record_owner(&self, owner: &Name, labels: Labels<'_>) -> Result<(), RecordsError> {
        use query_name::AddressName::{EmptyNonTerminal, Other, V4, V6};
        if !self.kind.has_addresses() {
            return match TestName::of(labels) {
                Some(_) => Err(RecordsError::AtTestEntry(owner.clone())),
                None => Ok(()),
            };
        }
        let (mut rest, mut hides) = (labels, false);
        while !rest.is_empty() {
            hides |= match query_name::decode(rest) {
                V4 { .. } | V6(_) => true,
                EmptyNonTerminal => rest == labels,
                Other => false,
            };
            rest.next();
        }
        if hides { Err(RecordsError::AtAddress(owner.clone())) } else { Ok(()) }
    }

    /// The other setting that gives an owner records of a type.
    fn giving(&self, owner: &Name, rtype: RecordType) -> Option<&'static str> {
        let glue = self.glue.get(owner).map_or(&[][..], Vec::as_slice);
        let is_apex = *owner == self.origin;
        match rtype {
            RecordType::A if is_apex && !self.apex.a.is_empty() => Some("apex.a"),
            RecordType::AAAA if is_apex && !self.apex.aaaa.is_empty() => Some("apex.aaaa"),
            RecordType::TXT if is_apex && !self.apex.txt.is_empty() => Some("apex.txt"),
            RecordType::A if glue.iter().any(IpAddr::is_ipv4) => Some("glue"),
            RecordType::AAAA if glue.iter().any(IpAddr::is_ipv6) => Some("glue"),
            _ => None,
        }
    }

    fn check_sizes(&self) -> Result<(), ZoneError> {
        if self.return_codes.is_empty() {
            return Err(ZoneError::NoReturnCode);
        }
        let most_addresses = self.glue.values().map(Vec::len).max().unwrap_or(0);
        for (field, count, max) in [
            ("ns", self.ns.len(), 16),
            ("return_codes", self.return_codes.len(), 16),
            ("apex a", self.apex.a.len(), 16),
            ("apex aaaa", self.apex.aaaa.len(), 16),
            ("apex txt", self.apex.txt.len(), 16),
            ("glue", self.glue.len(), 64),
            ("glue addresses", most_addresses, 16),
        ] {
            if count > max {
                return Err(ZoneError::TooMany { field, count, max });
            }
        }
        let fits =
            |text: &String| (1..=1000).contains(&text.len()) && !text.chars().any(char::is_control);
        if self.apex.txt.iter().all(fits) { Ok(()) } else { Err(ZoneError::ApexText) }
    }
}

impl Zone {
    /// Whether a name, in lower-case wire form, exists below the origin whatever is listed: one with glue or
    /// records, or one above it (RFC 8020).
    pub fn has_own_name(&self, qname: &[u8]) -> bool {
        let mut owners = self.glue.keys().chain(self.records.iter().map(|(owner, _)| owner));
        owners.any(|name| name.wire() == qname || name.is_below(qname))
    }

    /// The zone as it is answered: without return codes that [may not be](ReturnCode::is_answered), and
    /// with 127.0.0.2 where no other is left.
    pub fn answered(&self) -> Cow<'_, Self> {
        if self.return_codes.iter().all(|code| code.is_answered()) {
            return Cow::Borrowed(self);
        }
        let mut spec = self.0.clone();
        spec.return_codes.retain(|code| code.is_answered());
        if spec.return_codes.is_empty() {
            spec.return_codes.push(ReturnCode::LISTED);
        }
        Cow::Owned(Self(spec))
    }
}

impl Deref for Zone {
    type Target = ZoneSpec;

    fn deref(&self) -> &ZoneSpec {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Include;

    fn spec() -> ZoneSpec {
        let ns = vec!["ns1.example.org".parse().unwrap()];
        let (origin, reason) = ("bl.example.org".parse().unwrap(), "listed".parse().unwrap());
        ZoneSpec::new(origin, ZoneKind::Ip, ns, reason)
    }

    #[track_caller]
    fn refuses(change: impl FnOnce(&mut ZoneSpec)) -> ZoneError {
        let mut spec = spec();
        change(&mut spec);
        spec.check().unwrap_err()
    }

    #[test]
    fn a_name_server_inside_the_zone_needs_glue() {
        let ns: Name = "ns.bl.example.org".parse().unwrap();
        assert_eq!(refuses(|spec| spec.ns.push(ns.clone())), ZoneError::MissingGlue(ns.clone()));
        let mut spec = spec();
        spec.ns.push(ns.clone());
        spec.glue.insert(ns, vec!["192.0.2.53".parse().unwrap()]);
        assert!(spec.check().is_ok());
    }

    #[test]
    fn glue_may_not_hide_an_address() {
        let addresses = vec!["192.0.2.53".parse().unwrap()];
        for text in ["2.0.0.127.bl.example.org", "7.bl.example.org", "a.b.bl.example.org"] {
            let name: Name = text.parse().unwrap();
            let err = refuses(|spec| drop(spec.glue.insert(name.clone(), addresses.clone())));
            assert_eq!(err, ZoneError::GlueAtAddress(name));
        }
    }

    #[test]
    fn a_zone_that_no_answer_could_be_made_from_is_refused() {
        assert_eq!(refuses(|spec| spec.ns.clear()), ZoneError::NoNameServer);
        assert_eq!(refuses(|spec| spec.return_codes.clear()), ZoneError::NoReturnCode);
        assert_eq!(refuses(|spec| spec.test_codes = vec![1]), ZoneError::TestCode(1));
        assert!(matches!(
            refuses(|spec| spec.ttl = 1 << 31),
            ZoneError::Seconds { field: "ttl", .. }
        ));
        let long = format!("{}.example.org", vec!["x".repeat(60); 3].join("."));
        assert!(matches!(
            refuses(|spec| spec.origin = long.parse().unwrap()),
            ZoneError::OriginTooLong(_)
        ));
    }

    fn records(owner: &str, rtype: &str, text: &str) -> Records {
        let types = BTreeMap::from([(rtype.to_owned(), vec![text.to_owned()])]);
        Records::parse(&spec().origin, [(owner, &types)]).unwrap()
    }

    #[test]
    fn records_may_hide_no_address_and_no_test_entry() {
        for owner in ["2.0.0.127", "7", "a.b", "x.1.2.0.192", "a.x.1.2.0.192"] {
            let err = refuses(|spec| spec.records = records(owner, "TXT", "x"));
            assert!(
                matches!(err, ZoneError::Records(RecordsError::AtAddress(_))),
                "{owner}: {err}"
            );
        }
        for owner in ["test", "invalid"] {
            let err = refuses(|spec| {
                spec.kind = ZoneKind::Domain;
                spec.records = records(owner, "TXT", "x");
            });
            assert!(matches!(err, ZoneError::Records(RecordsError::AtTestEntry(_))), "{owner}");
        }
        for owner in ["@", "www", "_dmarc.www", "x.2.0.192", "x.2.3.4.f"] {
            let zone = ZoneSpec { records: records(owner, "TXT", "x"), ..spec() };
            assert!(zone.check().is_ok(), "{owner}");
        }
    }

    #[test]
    fn an_rrset_is_given_in_one_place() {
        let given = |rtype: &str, text: &str, change: fn(&mut ZoneSpec)| {
            let mut spec = ZoneSpec { records: records("@", rtype, text), ..spec() };
            change(&mut spec);
            match spec.check() {
                Err(ZoneError::Records(RecordsError::GivenElsewhere { setting, .. })) => {
                    Some(setting)
                }
                _ => None,
            }
        };
        let a: fn(&mut ZoneSpec) = |spec| spec.apex.a = vec![Ipv4Addr::new(192, 0, 2, 1)];
        let txt: fn(&mut ZoneSpec) = |spec| spec.apex.txt = vec!["x".into()];
        assert_eq!(given("A", "192.0.2.80", a), Some("apex.a"));
        assert_eq!(given("TXT", "y", txt), Some("apex.txt"));
        assert_eq!(given("TXT", "y", a), None);
        let err = refuses(|spec| {
            let name: Name = "ns1.bl.example.org".parse().unwrap();
            spec.glue.insert(name, vec!["192.0.2.53".parse().unwrap()]);
            spec.records = records("ns1", "A", "192.0.2.54");
        });
        assert!(err.to_string().contains("in glue already"), "{err}");
    }

    #[test]
    fn records_give_a_name_server_its_address() {
        let ns: Name = "ns.bl.example.org".parse().unwrap();
        let with = |rtype, text| {
            ZoneSpec { ns: vec![ns.clone()], records: records("ns", rtype, text), ..spec() }.check()
        };
        assert!(with("AAAA", "2001:db8::53").is_ok());
        assert_eq!(with("TXT", "x"), Err(ZoneError::MissingGlue(ns.clone())));
    }

    #[test]
    fn an_allow_zone_and_the_zone_itself_are_not_included() {
        let includes = |zone: &str| {
            let (return_codes, reason) = (vec![], None);
            Includes::new(vec![Include { zone: zone.parse().unwrap(), return_codes, reason }])
                .unwrap()
        };
        let err = refuses(|spec| spec.includes = includes("bl.example.org"));
        assert_eq!(err, ZoneError::Includes(IncludeError::Itself));
        let err = refuses(|spec| {
            spec.kind = ZoneKind::Allow(GrantTerms::default());
            spec.includes = includes("other.example.org");
        });
        assert_eq!(err, ZoneError::Includes(IncludeError::Grants));
        assert!(ZoneSpec { includes: includes("other.example.org"), ..spec() }.check().is_ok());
    }

    #[test]
    fn an_allow_zone_answers_this_machine_only_for_a_second_and_has_no_test_entries() {
        let terms = GrantTerms::default();
        let kind = ZoneKind::Allow(terms);
        let zone = ZoneSpec { ..ZoneSpec::new(spec().origin, kind, spec().ns, spec().reason) };
        assert_eq!((zone.ttl, zone.negative_ttl, zone.parent_ttl), (1, 1, 1));
        assert_eq!(zone.return_codes, [ReturnCode::GRANTED]);
        assert!(zone.access != Access::default());
        assert!(zone.check().is_ok());
        let with = |terms| refuses(|spec| spec.kind = ZoneKind::Allow(terms));
        let (lifetime, longest) = (600, 599);
        let wrong = GrantTerms { lifetime, longest, ..terms };
        assert_eq!(with(wrong), ZoneError::GrantTimes { lifetime, longest });
        assert_eq!(with(GrantTerms { ipv6_prefix: 48, ..terms }), ZoneError::GrantPrefix(48));
        let err = refuses(|spec| (spec.kind, spec.test_codes) = (kind, vec![5]));
        assert_eq!(err, ZoneError::GrantedTestCodes);
    }
}
