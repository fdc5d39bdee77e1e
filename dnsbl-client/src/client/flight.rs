//! Questions on their way, each asked once for all who wait for its answer.
//!
//! Who asks first leads: the question is part of its future, as if nobody else could ever want it. Who
//! asks the same meanwhile follows, and is told what came of it. A leader that leaves hands the
//! question over to a follower just as it is; without one it ends.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::{sync::oneshot, time::timeout_at};

use super::{
    Source,
    inner::Inner,
    list::{Key, List},
};
use crate::{Failure, Status, Transport};

/// The question itself.
pub(super) type Asking = Pin<Box<dyn Future<Output = Landed> + Send>>;

/// The answer, as all who waited get it.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    pub(super) status: Status,
    pub(super) source: Source,
}

/// What a follower hears.
pub(super) enum News {
    Landed(Landed),
    /// It leads from now on.
    Lead(Asking),
}

/// A question on its way, for one of those who wait for its answer.
pub(super) struct Flight<'a, T: Transport> {
    inner: &'a Inner<T>,
    list: &'a List,
    key: Key,
    part: Part,
}

enum Part {
    Leads(Asking),
    Follows(oneshot::Receiver<News>),
    Over,
}

impl<'a, T: Transport> Flight<'a, T> {
    /// Of the first who asks; [`Knowledge::take_off`](super::list::Knowledge::take_off) has been told.
    pub(super) fn leads(inner: &'a Inner<T>, list: &'a List, key: Key, asking: Asking) -> Self {
        Self { inner, list, key, part: Part::Leads(asking) }
    }

    /// Of one who asks what is on its way already.
    pub(super) fn follows(
        inner: &'a Inner<T>,
        list: &'a List,
        key: Key,
        news: oneshot::Receiver<News>,
    ) -> Self {
        Self { inner, list, key, part: Part::Follows(news) }
    }

    /// Waits for the answer, at most until then.
    ///
    /// The transport keeps the deadline of a question, so that a timer would be a waste for who leads.
    /// A leader may take its time, though: followers have one.
    pub(super) async fn until(self, deadline: Instant) -> Landed {
        if matches!(self.part, Part::Leads(_)) {
            return self.await;
        }
        let waits = Box::pin(timeout_at(deadline.into(), self));
        waits.await.unwrap_or_else(|_| Landed::too_late())
    }

    /// Tells the followers.
    fn land(&self, landed: &Landed) {
        let followers = self.list.lock().land(&self.key);
        self.inner.flying.fetch_sub(1, Relaxed);
        for follower in followers {
            // It may have left.
            let _ = follower.send(News::Landed(landed.clone()));
        }
    }

    /// Hands the question over to a follower that is still there.
    fn leave(&self, mut asking: Asking) {
        while let Some(follower) = self.next_leader() {
            match follower.send(News::Lead(asking)) {
                Err(News::Lead(back)) => asking = back,
                _ => return,
            }
        }
        self.inner.flying.fetch_sub(1, Relaxed);
    }

    /// A follower; forgets the question if there is none.
    fn next_leader(&self) -> Option<oneshot::Sender<News>> {
        let mut known = self.list.lock();
        let follower = known.next_leader(&self.key);
        if follower.is_none() {
            known.land(&self.key);
        }
        follower
    }
}

impl<T: Transport> Future for Flight<'_, T> {
    type Output = Landed;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Landed> {
        let this = self.get_mut();
        if let Part::Follows(news) = &mut this.part {
            match ready!(Pin::new(news).poll(cx)) {
                Ok(News::Lead(asking)) => this.part = Part::Leads(asking),
                Ok(News::Landed(landed)) => {
                    this.part = Part::Over;
                    return Poll::Ready(landed);
                }
                // Leaders tell before they go.
                Err(_) => {
                    this.part = Part::Over;
                    return Poll::Ready(Landed::too_late());
                }
            }
        }
        let Part::Leads(asking) = &mut this.part else { return Poll::Pending };
        let landed = ready!(asking.as_mut().poll(cx));
        this.part = Part::Over;
        this.land(&landed);
        Poll::Ready(landed)
    }
}

impl<T: Transport> Drop for Flight<'_, T> {
    fn drop(&mut self) {
        match mem::replace(&mut self.part, Part::Over) {
            Part::Leads(asking) => self.leave(asking),
            Part::Follows(mut news) => {
                // It may have been made the leader just now.
                news.close();
                if let Ok(News::Lead(asking)) = news.try_recv() {
                    self.leave(asking);
                }
            }
            Part::Over => {}
        }
    }
}

impl Landed {
    fn too_late() -> Self {
        Self { status: Status::Failed(Failure::Deadline), source: Source::Nowhere }
    }
}
