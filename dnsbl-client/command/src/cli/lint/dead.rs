//! Lists that have ended. Some of them list the world since, all of them may one day.

use std::fmt;

/// Zones and the year of their end, which also ended what lies below.
const DEAD: &[(&str, u16)] = &[
    ("ahbl.org", 2015),
    ("bl.deadbeef.com", 2012),
    ("bl.emailbasura.org", 2019),
    ("blackholes.2mbit.com", 2007),
    ("blackholes.us", 2009),
    ("blackholes.wirehub.net", 2003),
    ("completewhois.com", 2008),
    ("countries.nerd.dk", 2023),
    ("dnsbl.anonmails.de", 2024),
    ("dnsbl.bit.nl", 2017),
    ("dnsbl.cyberlogic.net", 2018),
    ("dnsbl.darklist.de", 2023),
    ("dnsbl.madavi.de", 2025),
    ("drbl.drand.net", 2024),
    ("dsbl.org", 2008),
    ("dul.pacifier.net", 2023),
    ("dul.ru", 2015),
    ("dynablock.wirehub.net", 2003),
    ("easynet.nl", 2003),
    ("five-ten-sg.com", 2013),
    ("inps.de", 2020),
    ("ix.dnsbl.manitu.net", 2025),
    ("lbl.lagengymnastik.dk", 2004),
    ("list.bbfh.org", 2023),
    ("mail-abuse.org", 2001),
    ("maps.vix.com", 2000),
    ("megarbl.net", 2019),
    ("msrbl.net", 2019),
    ("njabl.org", 2013),
    ("nszones.com", 2012),
    ("opm.blitzed.org", 2006),
    ("orbs.org", 2001),
    ("orbz.org", 2002),
    ("ordb.org", 2006),
    ("osirusoft.com", 2003),
    ("psky.me", 2017),
    ("rbl.cluecentral.net", 2009),
    ("rbl.lugh.ch", 2024),
    ("relays.monkeys.com", 2003),
    ("rfc-ignorant.de", 2016),
    ("rfc-ignorant.org", 2012),
    ("sbl.spamdown.org", 2026),
    ("sectoor.de", 2018),
    ("sorbs.net", 2024),
    ("spam.abuse.ch", 2019),
    ("spamcannibal.org", 2018),
    ("spews.org", 2006),
    ("ubl.lashback.com", 2024),
    ("ubl.unsubscore.com", 2024),
    ("virbl.bit.nl", 2017),
    ("wpbl.info", 2023),
];

/// Zones of whose end the year is not known for sure.
const UNDATED: &[&str] = &[
    "3y.spam.mrs.kithrup.com",
    "access.redhawk.org",
    "assholes.madscience.nl",
    "aupads.org",
    "bl.blueshore.net",
    "bl.borderworlds.dk",
    "bl.gweep.ca",
    "bl.kundenserver.de",
    "bl.redhatgate.com",
    "bl.reynolds.net.au",
    "bl.shlink.org",
    "bl.spamthwart.com",
    "bl.starloop.com",
    "bl.student.pw.edu.pl",
    "bl.technovision.dk",
    "bl.tiopan.com",
    "bl.tolkien.dk",
    "blackhole.cantv.net",
    "blackhole.compu.net",
    "blackholes.brainerd.net",
    "blackholes.intersil.net",
    "blackholes.uceb.org",
    "blacklist.informationwave.net",
    "blacklist.sci.kun.nl",
    "blars.org",
    "block.transip.nl",
    "blocked.hilli.dk",
    "blocklist.squawk.com",
    "blocklist2.squawk.com",
    "bondedsender.com",
    "bsb.empty.us",
    "bsb.spamlookup.net",
    "cart00ney.surriel.com",
    "catchspam.com",
    "chickenboner.biz",
    "combined.abuse.ch",
    "csma.biz",
    "dev.null.dk",
    "dews.qmail.org",
    "dialups.visi.com",
    "dnsbl.abuse.ch",
    "dnsbl.antispam.or.id",
    "dnsbl.burnt-tech.com",
    "dnsbl.clue-by-4.org",
    "dnsbl.delink.net",
    "dnsbl.jammconsulting.com",
    "dnsbl.mcu.edu.tw",
    "dnsbl.net.au",
    "dnsbl.openresolvers.org",
    "dnsbl.regedit64.net",
    "dnsbl.rv-soft.info",
    "dnsbl.rymsho.ru",
    "dnsbl.solid.net",
    "dnsbl.stopspam.org",
    "dnsbl.webequipped.com",
    "dnsbl.wpbl.pc9.org",
    "dnsrbl.com",
    "dnsrbl.net",
    "dnsrbl.org",
    "dob.sibl.support-intelligence.net",
    "dorkslayers.com",
    "drone.abuse.ch",
    "dul.orca.bc.ca",
    "flowgoaway.com",
    "forbidden.icm.edu.pl",
    "hil.habeas.com",
    "httpbl.abuse.ch",
    "hul.habeas.com",
    "intercept.datapacket.net",
    "jippg.org",
    "korea.services.net",
    "list.quorum.to",
    "mail.people.it",
    "moensted.dk",
    "netblock.pedantic.org",
    "niku.2ch.net",
    "okrelays.nthelp.com",
    "open-whois.org",
    "opm.tornevall.org",
    "orbitrbl.com",
    "orbl.org",
    "pm0-no-more.compu.net",
    "proxies.exsilia.net",
    "proxies.monkeys.com",
    "proxybl.org",
    "pss.spambusters.org.ar",
    "query.bondedsender.org",
    "radparker.com",
    "rangers.eu.org",
    "rbl-plus.mail-abuse.ja.net",
    "rbl.blakjak.net",
    "rbl.firstbase.com",
    "rbl.jp",
    "rbl.ntvinet.net",
    "rbl.polarcomm.net",
    "rbl.rope.net",
    "rbl.schulte.org",
    "rbl.snark.net",
    "rbl.talkactive.net",
    "rbl.triumf.ca",
    "rbl2.triumf.ca",
    "relays.nether.net",
    "relays.nthelp.com",
    "relays.visi.com",
    "relaytest.kundenserver.de",
    "relaywatcher.n13mbl.com",
    "rfc-clueless.org",
    "rhs.mailpolice.com",
    "rominet.net",
    "sandes.dk",
    "sbbl.they.com",
    "securitysage.com",
    "selwerd.cx",
    "selwerd.nl",
    "spam-champuru.livedoor.com",
    "spam-rbl.com",
    "spam.exsilia.net",
    "spam.olsentech.net",
    "spam.pedantic.org",
    "spam.shri.net",
    "spam.wonk.org",
    "spam.wytnij.to",
    "spam.zoneedit.com",
    "spambag.org",
    "spamblock.outblaze.com",
    "spamblocks.leadmon.net",
    "spamguard.leadmon.net",
    "spamsources.dnsbl.info",
    "swiftbl.net",
    "swiftbl.org",
    "tqmcube.com",
    "unsure.nether.net",
    "uribl.abuse.ch",
    "v4bl.org",
    "vote.drbl.gremlin.ru",
    "vox.schpider.com",
    "will-spam-for-food.eu.org",
    "wormrbl.imp.ch",
    "zebl.zoneedit.com",
];

/// Zones that are part of another now.
const REPLACED: &[(&str, &str)] = &[
    ("cbl.abuseat.org", "zen.spamhaus.org, which holds it as XBL"),
    ("sbl-xbl.spamhaus.org", "zen.spamhaus.org, which holds it"),
    ("spamrbl.imp.ch", "dnsrbl.swinog.ch"),
    ("ab.surbl.org", "multi.surbl.org, which holds it"),
    ("jp.surbl.org", "multi.surbl.org, which holds it"),
    ("ob.surbl.org", "multi.surbl.org, which holds it"),
    ("ph.surbl.org", "multi.surbl.org, which holds it"),
    ("sc.surbl.org", "multi.surbl.org, which holds it"),
    ("ws.surbl.org", "multi.surbl.org, which holds it"),
    ("xs.surbl.org", "multi.surbl.org, which holds it"),
];

/// How a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In that year, if it is known.
    Dead(Option<u16>),
    /// By this one.
    Replaced(&'static str),
}

/// How a list ended, if it has.
pub(super) fn end_of(zone: &str) -> Option<End> {
    let zone = zone.to_ascii_lowercase();
    let below =
        |dead: &str| zone == dead || zone.strip_suffix(dead).is_some_and(|z| z.ends_with('.'));
    let dated = DEAD.iter().find(|(dead, _)| below(dead));
    let replaced = || REPLACED.iter().find(|(old, _)| below(old));
    if let Some((_, year)) = dated {
        Some(End::Dead(Some(*year)))
    } else if UNDATED.iter().any(|dead| below(dead)) {
        Some(End::Dead(None))
    } else {
        replaced().map(|(_, by)| End::Replaced(by))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let danger = "dead lists come to list the world: remove it";
        match self {
            Self::Dead(Some(year)) => write!(f, "the list ended in {year}; {danger}"),
            Self::Dead(None) => write!(f, "the list has ended; {danger}"),
            Self::Replaced(by) => write!(f, "the list has been replaced: ask {by}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DEAD, End, REPLACED, UNDATED, end_of};

    /// Field case 85.
    #[test]
    fn lists_that_have_ended_are_known_with_all_that_lies_below() {
        for (zone, end) in [
            ("dnsbl.sorbs.net", End::Dead(Some(2024))),
            ("sorbs.net", End::Dead(Some(2024))),
            ("Relays.ORDB.org", End::Dead(Some(2006))),
            ("blackholes.easynet.nl", End::Dead(Some(2003))),
            ("proxies.blackholes.easynet.nl", End::Dead(Some(2003))),
            ("dsn.rfc-ignorant.org", End::Dead(Some(2012))),
            ("rbl.maps.vix.com", End::Dead(Some(2000))),
            ("blackholes.mail-abuse.org", End::Dead(Some(2001))),
            ("t1.dnsbl.net.au", End::Dead(None)),
            ("xbl.selwerd.cx", End::Dead(None)),
            ("no-more-funn.moensted.dk", End::Dead(None)),
            ("cbl.abuseat.org", End::Replaced("zen.spamhaus.org, which holds it as XBL")),
        ] {
            assert_eq!(end_of(zone), Some(end), "{zone}");
        }
        for zone in ["notsorbs.net", "zen.spamhaus.org", "multi.surbl.org", "spamrbl.swinog.ch"] {
            assert_eq!(end_of(zone), None, "{zone}");
        }
        for preset in dnsbl_client::PRESETS {
            assert_eq!(end_of(preset.zone), None, "{}", preset.zone);
        }
    }

    #[test]
    fn no_entry_lies_below_another() {
        let zones = DEAD.iter().map(|(zone, _)| *zone).chain(UNDATED.iter().copied());
        let zones: Vec<&str> = zones.chain(REPLACED.iter().map(|(zone, _)| *zone)).collect();
        for (i, zone) in zones.iter().enumerate() {
            let others = zones.iter().enumerate().filter(|(j, _)| i != *j);
            let above = others
                .map(|(_, other)| *other)
                .find(|other| zone == other || zone.ends_with(&format!(".{other}")));
            assert_eq!(above, None, "{zone}");
        }
    }
}
