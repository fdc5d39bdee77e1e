//! A histogram of the server's metrics (Prometheus text format).

use std::time::Duration;

use anyhow::{Result, ensure};

/// Counts of what took at most so many seconds, ascending.
pub(crate) struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    /// Finds one by its name.
    pub(crate) fn read(metrics: &str, name: &str) -> Result<Self> {
        let prefix = format!("{name}_bucket{{");
        let buckets: Vec<_> =
            metrics.lines().filter(|line| line.starts_with(&prefix)).filter_map(bucket).collect();
        ensure!(!buckets.is_empty(), "no {name} in the metrics");
        Ok(Self(buckets))
    }

    /// The bound that this share of what came since `earlier` did not exceed; infinite times are
    /// beyond the last bucket.
    pub(crate) fn quantile_since(&self, earlier: &Self, share: f64) -> Option<Duration> {
        let counts = self.0.iter().zip(&earlier.0);
        let since: Vec<_> = counts.map(|(now, then)| (now.0, now.1 - then.1)).collect();
        let (_, all) = since.last()?;
        let (bound, _) = since.iter().find(|(_, count)| *count >= all * share)?;
        Duration::try_from_secs_f64(*bound).ok()
    }
}

/// `NAME_bucket{le="0.005"} 12`.
fn bucket(line: &str) -> Option<(f64, f64)> {
    let (_, rest) = line.split_once("le=\"")?;
    let (bound, rest) = rest.split_once('"')?;
    let count = rest.rsplit(' ').next()?;
    Some((bound.parse().ok()?, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Histogram;

    #[test]
    fn a_quantile_is_of_what_came_between() {
        let read = |a, b, c| {
            let text = format!(
                "# TYPE t histogram\nt_bucket{{le=\"0.01\"}} {a}\nt_bucket{{le=\"0.1\"}} {b}\n\
                 t_bucket{{le=\"+Inf\"}} {c}\nt_sum 1\nt_count {c}\n"
            );
            Histogram::read(&text, "t").unwrap()
        };
        let (earlier, later) = (read(10, 10, 10), read(10, 108, 110));
        assert_eq!(later.quantile_since(&earlier, 0.98), Some(Duration::from_millis(100)));
        assert_eq!(later.quantile_since(&earlier, 0.99), None);
    }
}
