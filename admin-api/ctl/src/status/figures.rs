//! The server's metrics, read from Prometheus' text format.

/// Figures, in the order in which the server tells them.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

#[derive(Clone, Debug)]
struct Figure {
    name: String,
    /// What stands in the braces.
    labels: String,
    value: f64,
}

impl Figures {
    /// Reads them; lines that are none are left out.
    pub(super) fn read(text: &str) -> Self {
        Self(text.lines().filter_map(Figure::read).collect())
    }

    /// The sum of all that have this name, if any has.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        self.sum_where(name, |_| true)
    }

    /// The sum of those of this name that have a label of this value, if any has.
    pub(super) fn sum_with(&self, name: &str, label: &str, value: &str) -> Option<f64> {
        self.sum_where(name, |figure| figure.label(label) == Some(value))
    }

    /// The values of a label of those of this name that are not 0.
    pub(super) fn labels_of(&self, name: &str, label: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|figure| figure.name == name && figure.value != 0.0);
        named.filter_map(|figure| figure.label(label)).collect()
    }

    /// How many have this name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|figure| figure.name == name).count()
    }

    /// The names that begin and end so, each once, with what stands in between and their sums.
    pub(super) fn between(&self, start: &str, end: &str) -> Vec<(&str, f64)> {
        let mut found: Vec<(&str, f64)> = Vec::new();
        for figure in &self.0 {
            let middle = figure.name.strip_prefix(start).and_then(|name| name.strip_suffix(end));
            let Some(middle) = middle else { continue };
            match found.iter_mut().find(|(name, _)| *name == middle) {
                Some((_, sum)) => *sum += figure.value,
                None => found.push((middle, figure.value)),
            }
        }
        found
    }

    /// Each with its name as the server writes it, labels included.
    pub(super) fn series(&self) -> impl Iterator<Item = (String, f64)> {
        self.0.iter().map(|Figure { name, labels, value }| {
            let series =
                if labels.is_empty() { name.clone() } else { format!("{name}{{{labels}}}") };
            (series, *value)
        })
    }

    fn sum_where(&self, name: &str, is_meant: impl Fn(&Figure) -> bool) -> Option<f64> {
        let mut meant =
            self.0.iter().filter(|figure| figure.name == name && is_meant(figure)).peekable();
        meant.peek().is_some().then(|| meant.map(|figure| figure.value).sum())
    }
}

impl Figure {
    fn read(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}')?),
            None => (series, ""),
        };
        Some(Self { name: name.into(), labels: labels.into(), value: value.parse().ok()? })
    }

    /// The value of a label; those that are asked for have nothing that is escaped.
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.split("\",").find_map(|label| {
            let value = label.strip_prefix(name)?.strip_prefix("=\"")?;
            Some(value.strip_suffix('"').unwrap_or(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    const TEXT: &str = "\
# HELP dnsbl_listings Listings.
# TYPE dnsbl_listings gauge
dnsbl_listings{zone=\"a.example\"} 5
dnsbl_listings{zone=\"b.example\"} 2
dnsbl_feed_failing{feed=\"drop\"} 1
dnsbl_feed_failing{feed=\"ours\"} 0
dnsbl_reports_waiting{category=\"spam\"} 1
dnsbl_reports_waiting{category=\"relay\"} 2
dnsbl_relay_tests_waiting 4
dnsbl_head_seq 37
not a figure
";

    #[test]
    fn figures_are_added_up_by_name_and_label() {
        let figures = Figures::read(TEXT);
        assert_eq!(figures.sum("dnsbl_listings"), Some(7.0));
        assert_eq!(figures.sum_with("dnsbl_listings", "zone", "b.example"), Some(2.0));
        assert_eq!(figures.sum("dnsbl_head_seq"), Some(37.0));
        assert_eq!(figures.sum("dnsbl_head"), None);
        assert_eq!(figures.labels_of("dnsbl_feed_failing", "feed"), ["drop"]);
        assert_eq!(figures.count("dnsbl_feed_failing"), 2);
        let waiting = figures.between("dnsbl_", "_waiting");
        assert_eq!(waiting, [("reports", 3.0), ("relay_tests", 4.0)]);
        let (first, value) = figures.series().next().unwrap();
        assert_eq!((&*first, value), ("dnsbl_listings{zone=\"a.example\"}", 5.0));
    }
}
