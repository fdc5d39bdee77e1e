//! Open files: as many as the system allows, and some of them out of the reach of connections.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to `wanted`, as far as the system allows, and returns what it is then.
///
/// systemd gives a process 1,024 but lets it take many more.
pub fn raise(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let target = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    if current >= target {
        return current;
    }
    let raised = Rlimit { current: Some(target), maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => target,
        Err(err) => {
            let err = io::Error::from(err);
            tracing::warn!(%err, wanted, current, "the limit of open files can't be raised");
            current
        }
    }
}

/// Cuts the permits for connections down to what `allowed` open files leave beside a `reserve` that no
/// connection may use; each keeps its share, and at least `floor` where it had that.
///
/// Returns whether anything was cut.
pub fn share(allowed: u64, reserve: u64, floor: usize, permits: &mut [&mut usize]) -> bool {
    let wanted: u64 = permits.iter().map(|permits| **permits as u64).sum();
    let left = allowed.saturating_sub(reserve);
    if wanted <= left {
        return false;
    }
    for limit in permits {
        let cut = (**limit as u128 * u128::from(left) / u128::from(wanted)) as usize;
        **limit = cut.max(floor.min(**limit));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn connections_get_what_the_reserve_leaves_in_shares() {
        let (mut dns, mut http) = (1024, 1024);
        assert!(!share(65_536, 1024, 8, &mut [&mut dns, &mut http]));
        assert_eq!((dns, http), (1024, 1024));
        assert!(share(1024, 768, 8, &mut [&mut dns, &mut http]));
        assert_eq!((dns, http), (128, 128));
        let (mut dns, mut http) = (1024, 16);
        assert!(share(1024, 768, 8, &mut [&mut dns, &mut http]));
        assert_eq!((dns, http), (252, 8));
        assert!(share(100, 768, 8, &mut [&mut dns, &mut http]));
        assert_eq!((dns, http), (8, 8));
    }
}
