//! Ending another thread's wait.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::reactor::{Interest, Reactor, Token};
use crate::sys;

/// Wakes a loop from another thread: put something into its queue, then [`Waker::wake`].
///
/// Many wakes before the loop looks cost one system call together. The loop calls
/// [`Waker::acknowledge`] **before** it drains its queue, so that nothing put in later is missed, and
/// keeps a clone for as long as it runs: with the last clone go the wakes not yet seen.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    eventfd: OwnedFd,
    is_pending: AtomicBool,
}

impl Waker {
    /// A waker for the loop of `reactor`, told to it as `token`.
    pub fn new(reactor: &Reactor, token: Token) -> io::Result<Self> {
        let waker =
            Self(Arc::new(Shared { eventfd: sys::eventfd()?, is_pending: AtomicBool::new(false) }));
        // Each write is an edge of its own, so the counter need never be read.
        reactor.add(&waker, token, Interest::ReadOnce)?;
        Ok(waker)
    }

    /// Ends the loop's present wait, or its next.
    pub fn wake(&self) {
        if self.0.is_pending.swap(true, Ordering::SeqCst) {
            return;
        }
        // The only possible failure is a full counter, and then the loop is being woken anyway.
        let _ = sys::eventfd_signal(self.0.eventfd.as_fd());
    }

    /// Says that the loop is awake and about to look into its queue.
    pub fn acknowledge(&self) {
        self.0.is_pending.store(false, Ordering::SeqCst);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.eventfd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn woken(reactor: &mut Reactor, timeout: Duration) -> usize {
        reactor.wait(Some(timeout)).unwrap().len()
    }

    #[test]
    fn a_wake_before_the_wait_ends_it() {
        let mut reactor = Reactor::new().unwrap();
        let waker = Waker::new(&reactor, Token(7)).unwrap();
        waker.wake();
        waker.wake();
        assert_eq!(woken(&mut reactor, Duration::from_secs(5)), 1);
        assert_eq!(woken(&mut reactor, Duration::ZERO), 0, "two wakes are one event");
    }

    #[test]
    fn each_acknowledged_wake_is_followed_by_another() {
        let mut reactor = Reactor::new().unwrap();
        let waker = Waker::new(&reactor, Token(7)).unwrap();
        for _ in 0..3 {
            waker.wake();
            assert_eq!(woken(&mut reactor, Duration::from_secs(5)), 1);
            waker.acknowledge();
        }
    }

    #[test]
    fn another_thread_ends_a_wait_that_has_begun() {
        let mut reactor = Reactor::new().unwrap();
        let waker = Waker::new(&reactor, Token(7)).unwrap();
        let elsewhere = waker.clone();
        let thread = std::thread::spawn(move || elsewhere.wake());
        let mut events = 0;
        while events == 0 {
            events = woken(&mut reactor, Duration::from_secs(5));
        }
        thread.join().unwrap();
        waker.acknowledge();
        assert_eq!(events, 1);
    }
}
