//! Request bodies, bounded and wiped.

use std::time::Duration;

use bytes::Buf as _;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::error::ApiError;

/// A body beyond its limit is read and thrown away up to this many times the limit, so that a client
/// that writes first and reads then gets its answer instead of a reset.
const DRAIN_FACTOR: usize = 8;

/// How long a refused request may go on sending.
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Reads a whole body of at most `limit` bytes into memory that is wiped when it drops.
///
/// What the HTTP library itself buffered is not ours to wipe.
pub(crate) async fn read(
    body: Incoming,
    limit: usize,
    time: Duration,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit.saturating_mul(DRAIN_FACTOR) {
        return Err(too_large(limit));
    }
    let read = timeout(time, read_chunks(body, announced.min(limit), limit)).await;
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

fn too_large(limit: usize) -> ApiError {
    ApiError::bad_request(format!(
        "the request's body is larger than {limit} bytes, the most that is taken; send less at once"
    ))
}
