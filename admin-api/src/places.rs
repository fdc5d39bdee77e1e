//! Places for requests that take long: so many in all, and fewer for each token, so that none has all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Problem;

/// The places of one kind of request.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    /// How many one token may have.
    each: usize,
    taken: Arc<Taken>,
    what: &'static str,
}

/// How many places each token has; tokens without any are not in it.
#[derive(Default)]
struct Taken(Mutex<HashMap<String, usize>>);

impl Taken {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place; dropping it gives it back.
pub(crate) struct Place {
    token: String,
    taken: Arc<Taken>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(what: &'static str, all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, taken: Arc::default(), what }
    }

    /// A place for the holder of a token, whose id this is.
    pub(crate) fn take(&self, token: &str) -> Result<Place, Problem> {
        let mut taken = self.taken.lock();
        if taken.get(token).is_some_and(|count| *count >= self.each) {
            let detail = format!(
                "{} {} of this token are under way, as many as one may have; try again",
                self.each, self.what
            );
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Err(Problem::new(status, "too-many-requests", detail).retry_after(5));
        }
        let permit = self.all.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Problem::too_many(self.what))?;
        *taken.entry(token.into()).or_default() += 1;
        Ok(Place { token: token.into(), taken: self.taken.clone(), _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(count) = taken.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_leaves_places_to_others_and_gets_its_own_back() {
        let places = Places::new("searches", 3, 2);
        let mut held: Vec<Place> = (0..2).map(|_| places.take("a").ok().unwrap()).collect();
        assert!(places.take("a").is_err());
        let other = places.take("b").ok().unwrap();
        assert!(places.take("c").is_err(), "all are taken");
        held.pop();
        assert!(places.take("a").is_ok());
        drop((held, other));
        assert!(places.taken.lock().is_empty());
    }
}
