//! The flight recorder: the latest SIP messages as they were on the wire, for `trunkline trace`.
//!
//! Every message that comes or leaves is copied once into a segment of memory; nothing is parsed,
//! sorted or allocated for it, so it may always be on: a call is looked at after it went wrong, when
//! it is too late to switch anything on. Full segments go to a shelf that readers share; the oldest
//! one makes room for the newest. Which messages belong to a call is found out when
//! somebody asks ([`search()`]).
//!
//! Nothing of it is ever written to disk, and [`secrets`] hides keys and digests in what is told.

mod entry;
mod search;
mod secrets;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use call::Now;
use sip_message::Flow;

pub(crate) use search::search;

use entry::Way;

/// The size of one segment in bytes. What a reader wants of the segment that is being written is
/// copied on the signalling thread, so it is kept small.
const SEGMENT_BYTES: usize = 512 * 1024;

/// The writing end: belongs to the signalling thread.
#[derive(Debug)]
pub(crate) struct FlightRecorder {
    current: Vec<u8>,
    shelf: Arc<Shelf>,
    /// The first moment, from which the others are counted: its unix time does not jump.
    epoch: Option<Now>,
}

/// The reading end: segments that are full, oldest first.
#[derive(Debug)]
pub(crate) struct Shelf {
    segments: Mutex<VecDeque<Arc<Vec<u8>>>>,
    segments_max: usize,
}

/// A recorder that keeps about `bytes_max` bytes of messages, and the shelf it fills. With 0 nothing
/// is kept.
pub(crate) fn recorder(bytes_max: usize) -> (FlightRecorder, Arc<Shelf>) {
    let shelf = Arc::new(Shelf {
        segments: Mutex::default(),
        // One more is being written.
        segments_max: bytes_max.div_ceil(SEGMENT_BYTES).saturating_sub(1),
    });
    let current = if bytes_max == 0 { Vec::new() } else { Vec::with_capacity(SEGMENT_BYTES) };
    (FlightRecorder { current, shelf: Arc::clone(&shelf), epoch: None }, shelf)
}

impl FlightRecorder {
    /// Keeps a message that came.
    pub(crate) fn received(&mut self, now: Now, flow: &Flow, bytes: &[u8]) {
        self.keep(now, Way::Received, flow, bytes);
    }

    /// Keeps a message that leaves.
    pub(crate) fn sent(&mut self, now: Now, flow: &Flow, bytes: &[u8]) {
        self.keep(now, Way::Sent, flow, bytes);
    }

    /// A copy of the segment that is being written; the full ones are on the shelf.
    pub(crate) fn current(&self) -> Vec<u8> {
        self.current.clone()
    }

    fn keep(&mut self, now: Now, way: Way, flow: &Flow, bytes: &[u8]) {
        let room = self.current.capacity() - self.current.len();
        if entry::size(bytes) > room && !self.turn_over(entry::size(bytes)) {
            return;
        }
        let epoch = *self.epoch.get_or_insert(now);
        let since = now.instant.saturating_duration_since(epoch.instant);
        let at_us = epoch.unix.0 * 1000 + u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        entry::write(&mut self.current, at_us, way, flow, bytes);
    }

    /// Puts the full segment on the shelf and begins another one. Says whether `size` bytes fit now.
    fn turn_over(&mut self, size: usize) -> bool {
        if self.current.capacity() < size {
            return false;
        }
        let full = std::mem::take(&mut self.current);
        self.current = self.shelf.put(full);
        true
    }
}

impl Shelf {
    /// Takes a full segment in, and gives an empty one out: the oldest one's memory if nobody reads
    /// in it.
    fn put(&self, full: Vec<u8>) -> Vec<u8> {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.push_back(Arc::new(full));
        let oldest = (segments.len() > self.segments_max).then(|| segments.pop_front()).flatten();
        drop(segments);
        match oldest.and_then(|it| Arc::try_unwrap(it).ok()) {
            Some(mut reused) => {
                reused.clear();
                reused
            }
            None => Vec::with_capacity(SEGMENT_BYTES),
        }
    }

    /// The full segments, oldest first.
    pub(crate) fn segments(&self) -> Vec<Arc<Vec<u8>>> {
        let segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::{Duration, Instant};

    use model::UnixMillis;
    use sip_message::Transport;

    use super::entry::{Entry, entries};
    use super::*;

    fn flow() -> Flow {
        let local: SocketAddr = "127.0.0.1:5060".parse().unwrap();
        Flow::udp(local, "[2001:db8::7]:5071".parse().unwrap())
    }

    fn at(base: Instant, micros: u64) -> Now {
        // The wall clock stands still: what is kept counts on the other one.
        Now { instant: base + Duration::from_micros(micros), unix: UnixMillis(1_000) }
    }

    fn kept(recorder: &FlightRecorder, shelf: &Shelf) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        for segment in shelf.segments() {
            all.extend(entries(&segment).map(|it| it.to_owned()));
        }
        all.extend(entries(&recorder.current()).map(|it| it.to_owned()));
        all
    }

    #[test]
    fn a_message_comes_back_as_it_was_with_its_time_and_its_way() {
        let (mut recorder, shelf) = recorder(SEGMENT_BYTES);
        let base = Instant::now();
        recorder.received(at(base, 0), &flow(), b"OPTIONS sip:a SIP/2.0\r\n\r\n");
        recorder.sent(at(base, 1_250), &flow(), b"SIP/2.0 200 OK\r\n\r\n");
        let kept = kept(&recorder, &shelf);
        assert_eq!(kept.len(), 2);
        assert_eq!((kept[0].at_us, kept[1].at_us), (1_000_000, 1_001_250));
        assert_eq!((kept[0].way, kept[1].way), (Way::Received, Way::Sent));
        assert_eq!(kept[0].flow.transport, Transport::Udp);
        assert_eq!((kept[0].flow.local, kept[0].flow.remote), (flow().local, flow().remote));
        assert_eq!(kept[1].bytes, b"SIP/2.0 200 OK\r\n\r\n");
    }

    #[test]
    fn the_newest_messages_are_kept_and_memory_stays_within_its_limit() {
        const SEGMENTS: usize = 3;
        let (mut recorder, shelf) = recorder(SEGMENTS * SEGMENT_BYTES);
        let base = Instant::now();
        let message = vec![b'x'; 60_000];
        for n in 0..100 {
            recorder.received(at(base, n), &flow(), &message);
        }
        let kept = kept(&recorder, &shelf);
        assert_eq!(kept.last().unwrap().at_us, 1_000_099);
        assert!(
            kept.windows(2).all(|it| it[0].at_us + 1 == it[1].at_us),
            "none is missing between"
        );
        assert!(kept.len() * message.len() <= SEGMENTS * SEGMENT_BYTES);
        assert!(kept.len() * message.len() > (SEGMENTS - 1) * SEGMENT_BYTES * 9 / 10);
    }

    #[test]
    fn a_segment_that_somebody_reads_is_not_written_to() {
        let (mut recorder, shelf) = recorder(2 * SEGMENT_BYTES);
        let base = Instant::now();
        let message = vec![b'x'; 60_000];
        (0..9).for_each(|n| recorder.received(at(base, n), &flow(), &message));
        let reading = shelf.segments();
        let before = reading[0].clone();
        (9..60).for_each(|n| recorder.received(at(base, n), &flow(), &message));
        assert_eq!(reading[0], before);
    }

    #[test]
    fn with_no_memory_nothing_is_kept() {
        let (mut recorder, shelf) = recorder(0);
        recorder.received(at(Instant::now(), 0), &flow(), b"OPTIONS sip:a SIP/2.0\r\n\r\n");
        assert_eq!(kept(&recorder, &shelf), []);
    }
}
