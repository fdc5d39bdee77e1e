//! The time zone of this machine, as its C library finds it (tzset(3)).

use std::{env, fs, path::Path};

use jiff::tz::TimeZone;

const LOCAL: &str = "/etc/localtime";
const ZONES: &str = "/usr/share/zoneinfo";

/// The zone of TZ, else that of /etc/localtime, else UTC.
pub(crate) fn local() -> TimeZone {
    find(env::var("TZ").ok().as_deref())
}

fn find(variable: Option<&str>) -> TimeZone {
    let found = match variable.map(|name| name.strip_prefix(':').unwrap_or(name)) {
        None => read(Path::new(LOCAL)),
        Some("") => None,
        Some(name) => read(&Path::new(ZONES).join(name)).or_else(|| TimeZone::posix(name).ok()),
    };
    found.unwrap_or(TimeZone::UTC)
}

fn read(file: &Path) -> Option<TimeZone> {
    let data = fs::read(file).ok()?;
    TimeZone::tzif(&file.display().to_string(), &data).ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::find;

    #[test]
    fn a_zone_is_named_or_told_by_its_rule() {
        let now = "2026-11-29T06:10:36Z".parse().unwrap();
        assert_eq!(find(Some("JST-9")).to_datetime(now).to_string(), "2026-11-29T15:10:36");
        for utc in ["", ":", "UTC0", "no/such/zone"] {
            assert_eq!(find(Some(utc)).to_datetime(now), TimeZone::UTC.to_datetime(now), "{utc}");
        }
    }
}
