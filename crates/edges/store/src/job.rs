//! What waits in the writer's queue: a closure, its result, and somebody waiting for it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::sync::oneshot;

use crate::sqlite::WriteTx;
use crate::{StoreError, WriteError};

/// One unit of work inside a group commit, its types hidden.
pub(crate) trait Job: Send {
    /// Whether nobody waits any more. Such a job is not begun.
    fn is_abandoned(&self) -> bool;
    /// Does the work, whose changes are kept or undone as the verdict says.
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Verdict;
    /// Answers whoever waits, once the group is durable or has failed.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// What is to become of a job's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

enum Done<T, E> {
    Returned(Result<T, E>),
    Panicked(Box<dyn Any + Send>),
}

/// A job made of a closure.
struct Task<T, E, F> {
    work: Option<F>,
    done: Option<Done<T, E>>,
    reply: oneshot::Sender<Result<Done<T, E>, StoreError>>,
}

/// The other end of a [`Task`].
pub(crate) struct Answer<T, E>(oneshot::Receiver<Result<Done<T, E>, StoreError>>);

/// Makes a job of a closure, and the end where its result comes out.
pub(crate) fn task<T, E, F>(work: F) -> (Box<dyn Job>, Answer<T, E>)
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { work: Some(work), done: None, reply }), Answer(answer))
}

impl<T, E, F> Job for Task<T, E, F>
where
    T: Send,
    E: Send,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut WriteTx<'_>) -> Verdict {
        let work = self.work.take().expect("the writer runs a job once");
        // Whatever a panic leaves half done in the transaction is undone with its savepoint.
        let done = match catch_unwind(AssertUnwindSafe(|| work(tx))) {
            Ok(returned) => Done::Returned(returned),
            Err(panic) => Done::Panicked(panic),
        };
        let verdict = match &done {
            Done::Returned(Ok(_)) => Verdict::Keep,
            Done::Returned(Err(_)) | Done::Panicked(_) => Verdict::Undo,
        };
        self.done = Some(done);
        verdict
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { done, reply, .. } = *self;
        // Whoever waited may have left meanwhile; what is done stays done.
        drop(reply.send(outcome.and_then(|()| done.ok_or(StoreError::Closed))));
    }
}

impl<T, E> Answer<T, E> {
    /// Waits for the result. A panic of the closure goes on here, not in the writer.
    pub(crate) async fn wait(self) -> Result<T, WriteError<E>> {
        // The writer drops a job unanswered only when it stops.
        match self.0.await.unwrap_or(Err(StoreError::Closed))? {
            Done::Returned(returned) => returned.map_err(WriteError::Refused),
            Done::Panicked(panic) => resume_unwind(panic),
        }
    }
}
