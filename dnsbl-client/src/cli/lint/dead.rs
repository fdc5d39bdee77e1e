//! Lists that have ended. Some of them list the world since.

/// Zones and the year of their end; what lies below a zone ended with it.
const DEAD: &[(&str, u16)] = &[
    ("ahbl.org", 2015),
    ("bl.emailbasura.org", 2019),
    ("blackholes.five-ten-sg.com", 2013),
    ("bl.spamcannibal.org", 2018),
    ("db.wpbl.info", 2023),
    ("dnsbl.cyberlogic.net", 2020),
    ("dnsbl.inps.de", 2020),
    ("dsbl.org", 2008),
    ("dul.ru", 2015),
    ("ix.dnsbl.manitu.net", 2025),
    ("megarbl.net", 2019),
    ("njabl.org", 2013),
    ("opm.blitzed.org", 2006),
    ("ordb.org", 2006),
    ("rbl.msrbl.net", 2019),
    ("sorbs.net", 2024),
    ("virbl.bit.nl", 2017),
];

/// The year in which a list ended, if it has.
pub(super) fn ended(zone: &str) -> Option<u16> {
    let below =
        |dead: &str| zone == dead || zone.strip_suffix(dead).is_some_and(|z| z.ends_with('.'));
    DEAD.iter().find(|(dead, _)| below(dead)).map(|(_, year)| *year)
}

#[cfg(test)]
mod tests {
    use super::ended;

    #[test]
    fn what_lies_below_a_dead_zone_is_dead() {
        assert_eq!(ended("dnsbl.sorbs.net"), Some(2024));
        assert_eq!(ended("relays.ordb.org"), Some(2006));
        assert_eq!(ended("sorbs.net"), Some(2024));
        assert_eq!(ended("notsorbs.net"), None);
        assert_eq!(ended("zen.spamhaus.org"), None);
    }
}
