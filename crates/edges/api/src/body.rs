//! Request bodies, bounded and wiped.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf as _;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::error::{ApiError, ErrorKind};

/// A body beyond its limit is read and thrown away up to this many times the limit, so that a client
/// that writes first and reads then gets its answer instead of a reset.
const DRAIN_FACTOR: usize = 8;

/// Bytes of the smallest share of the budget.
const UNIT: usize = 1024;

/// How long a refused request may go on sending.
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// The memory that all bodies may take together, so that nobody makes the service hold more by opening
/// more connections. It is counted in [`UNIT`]s.
#[derive(Debug)]
pub(crate) struct Budget {
    all: Arc<Semaphore>,
    /// What those may have of it who name a key that nobody has.
    strangers: Arc<Semaphore>,
}

/// Who sends a body, as far as can be told before it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Who names a key of this installation.
    Known,
    /// Anybody else.
    Stranger,
}

impl Budget {
    /// A budget of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(units)),
            strangers: Arc::new(Semaphore::new((units / 4).max(1))),
        }
    }

    /// What one body may take of it; nothing yet.
    pub(crate) fn allowance(&self, sender: Sender) -> Allowance {
        let pools = match sender {
            Sender::Known => vec![Arc::clone(&self.all)],
            Sender::Stranger => vec![Arc::clone(&self.strangers), Arc::clone(&self.all)],
        };
        Allowance { taken: Vec::with_capacity(pools.len()), pools, units: 0 }
    }
}

/// What one body has taken of the budget, given back when it drops.
#[derive(Debug)]
pub(crate) struct Allowance {
    pools: Vec<Arc<Semaphore>>,
    taken: Vec<OwnedSemaphorePermit>,
    units: usize,
}

impl Allowance {
    /// Takes as much as a body of so many bytes needs in all.
    fn cover(&mut self, bytes: usize) -> Result<(), ApiError> {
        let missing = bytes.div_ceil(UNIT).saturating_sub(self.units);
        if missing == 0 {
            return Ok(());
        }
        let more = u32::try_from(missing).unwrap_or(u32::MAX);
        for pool in &self.pools {
            let taken = Arc::clone(pool).try_acquire_many_owned(more).map_err(|_| no_room())?;
            self.taken.push(taken);
        }
        self.units += missing;
        Ok(())
    }
}

/// A body, and its share of the budget.
pub(crate) struct Held {
    bytes: Zeroizing<Vec<u8>>,
    _allowance: Allowance,
}

impl std::ops::Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a whole body of at most `limit` bytes into memory that is wiped when it drops.
///
/// What the HTTP library itself buffered is not ours to wipe.
pub(crate) async fn read(
    body: Incoming,
    limit: usize,
    time: Duration,
    mut allowance: Allowance,
) -> Result<Held, ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit.saturating_mul(DRAIN_FACTOR) {
        return Err(too_large(limit));
    }
    if let Err(refusal) = allowance.cover(announced.min(limit)) {
        drop(allowance);
        discard(body, limit).await;
        return Err(refusal);
    }
    let reading = read_chunks(body, announced.min(limit), limit, &mut allowance);
    let read = timeout(time, reading).await;
    let read = read.map(|bytes| bytes.map(|bytes| Held { bytes, _allowance: allowance }));
    read.unwrap_or_else(|_elapsed| {
        Err(ApiError::bad_request(format!(
            "the request's body did not arrive within {time:?}; send it faster"
        )))
    })
}

/// Reads what a refused request still sends and throws it away, within bounds, so that its client gets
/// to the answer instead of a reset.
pub(crate) async fn discard(mut body: Incoming, limit: usize) {
    let discarded = async {
        let mut seen = 0_usize;
        while let Some(Ok(frame)) = body.frame().await {
            seen = seen.saturating_add(frame.data_ref().map_or(0, |it| it.len()));
            if seen > limit.saturating_mul(DRAIN_FACTOR) {
                break;
            }
        }
    };
    if timeout(DISCARD_TIME, discarded).await.is_err() {
        tracing::debug!("a refused request's body was cut off");
    }
}

async fn read_chunks(
    mut body: Incoming,
    expected: usize,
    limit: usize,
    allowance: &mut Allowance,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let mut whole = Zeroizing::new(Vec::with_capacity(expected));
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::bad_request("the request's body ended before it was complete; send it again")
                .caused_by(error)
        })?;
        let Ok(mut data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.remaining());
        if seen > limit.saturating_mul(DRAIN_FACTOR) {
            return Err(too_large(limit));
        }
        if seen <= limit {
            allowance.cover(seen)?;
            reserve(&mut whole, data.remaining());
            whole.extend_from_slice(&data);
        }
        data.advance(data.remaining());
    }
    if seen > limit { Err(too_large(limit)) } else { Ok(whole) }
}

/// Makes room without leaving a copy of the old text behind, as growing a plain `Vec` would.
fn reserve(whole: &mut Zeroizing<Vec<u8>>, more: usize) {
    if whole.capacity() - whole.len() < more {
        let mut larger = Zeroizing::new(Vec::with_capacity((whole.len() + more) * 2));
        larger.extend_from_slice(whole);
        *whole = larger;
    }
}

fn no_room() -> ApiError {
    ApiError::new(
        ErrorKind::ServiceUnavailable,
        "the bodies of too many requests are held already; nothing was done, come back in a moment",
    )
    .retry_after(1)
}

fn too_large(limit: usize) -> ApiError {
    ApiError::bad_request(format!(
        "the request's body is larger than {limit} bytes, the most that is taken; send less at once"
    ))
}
