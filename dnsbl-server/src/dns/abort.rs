//! The end of a process that has lost a thread.

/// A guard that ends the process when its thread panics.
///
/// A server with a dead worker would leave a share of its queries unanswered: better start again.
pub(super) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}
