//! The request with an `Idempotency-Key` that a task carries out: what handlers' changes are to be remembered with.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use dnsbl_store::{Carried, RequestId};

tokio::task_local! {
    /// The request with a key that this task carries out.
    static CARRYING: Arc<Carrying>;
}

/// A request with a key while it is carried out.
pub(crate) struct Carrying {
    request: RequestId,
    /// Of all of it that was read so far.
    hasher: Mutex<blake3::Hasher>,
    committed: AtomicBool,
}

/// The requests with keys that are being carried out.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<Mutex<HashSet<RequestId>>>);

/// One of them, until it is dropped.
pub(crate) struct Run {
    running: Running,
    request: RequestId,
}

impl Running {
    /// Begins to carry a request out; `None` where that is done already.
    pub(crate) fn begin(&self, request: &RequestId) -> Option<Run> {
        let is_new = self.lock().insert(request.clone());
        is_new.then(|| Run { running: self.clone(), request: request.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.running.lock().remove(&self.request);
    }
}

/// The request that is carried out here, to be remembered with the change that is made for it.
pub(crate) fn carried() -> Option<Carried> {
    let carried = |carrying: &Arc<Carrying>| Carried {
        request: carrying.request.clone(),
        fingerprint: carrying.fingerprint(),
    };
    CARRYING.try_with(carried).ok()
}

/// Takes note that a change was made for the request that is carried out here.
pub(crate) fn committed() {
    // Without a key there is nothing to note.
    let _ = CARRYING.try_with(|carrying| carrying.committed.store(true, Ordering::Relaxed));
}

impl Carrying {
    /// A request of which the head was hashed.
    pub(crate) fn new(request: RequestId, head: blake3::Hasher) -> Arc<Self> {
        Arc::new(Self { request, hasher: Mutex::new(head), committed: AtomicBool::new(false) })
    }

    /// Runs what carries it out.
    pub(crate) fn scope<F: Future>(
        self: Arc<Self>,
        work: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        CARRYING.scope(self, work)
    }

    pub(crate) fn request(&self) -> &RequestId {
        &self.request
    }

    /// Whether a change was made for it.
    pub(crate) fn has_committed(&self) -> bool {
        self.committed.load(Ordering::Relaxed)
    }

    /// A digest of all of it, as far as it was read.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).finalize().into()
    }

    /// Adds what was read of its body.
    pub(crate) fn add(&self, bytes: &[u8]) {
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
    }
}
