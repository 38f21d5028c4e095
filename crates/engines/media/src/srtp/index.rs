//! How far each stream has come under one key, and which packets it has shown.

/// Synchronisation sources that are told apart under one key. A call has one at a time, and a new
/// one with each transfer or music on hold. Of what is received, the one unheard for longest makes
/// room; of what is sent, none does, because its numbers would be used again.
pub const STREAMS_MAX: usize = 64;

/// Packets behind the newest that may still come, each once. RFC 3711 §3.3.2 asks for 64.
pub const WINDOW: u64 = 128;

/// Sequence numbers of one rollover counter.
const ROLLOVER: u64 = 1 << 16;

/// A packet's number under its key: for RTP the rollover counter and the sequence number (48 bits),
/// for RTCP the number that stands in the packet (31 bits).
pub(super) type Index = u64;

/// Positions of the streams in one direction.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: Vec<Stream>,
    /// Counts packets, so that the stream unheard for longest is known.
    clock: u64,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    /// The highest number that was seen.
    highest: Index,
    /// Bit n: the packet n before the highest was seen.
    seen: u128,
    /// When the stream last moved, on the clock of [`Streams`].
    moved: u64,
}

/// There are as many sources under this key as are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// The number was used, or is too old for anybody to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replayed;

impl Streams {
    /// The number that a sequence number most likely stands for. RFC 3711 §3.3.1 and appendix A.
    ///
    /// `None` if it would lie before the stream's beginning.
    pub(super) fn estimate(&self, ssrc: u32, sequence: u16) -> Option<Index> {
        let Some(stream) = self.of(ssrc) else { return Some(sequence.into()) };
        let ahead = i64::from(sequence.wrapping_sub(stream.highest as u16) as i16);
        stream.highest.checked_add_signed(ahead)
    }

    /// Whether there is a place for a source without another one's being forgotten.
    pub(super) fn has_room(&self, ssrc: u32) -> Result<(), Full> {
        let is_full = self.streams.len() >= STREAMS_MAX && self.of(ssrc).is_none();
        if is_full { Err(Full) } else { Ok(()) }
    }

    /// Whether a number may be used now.
    pub(super) fn check(&self, ssrc: u32, index: Index) -> Result<(), Replayed> {
        let Some(stream) = self.of(ssrc) else { return Ok(()) };
        let Some(behind) = stream.highest.checked_sub(index) else { return Ok(()) };
        if behind < WINDOW && stream.seen & 1 << behind == 0 { Ok(()) } else { Err(Replayed) }
    }

    /// Notes a number that was used. It has passed [`Streams::check`].
    pub(super) fn note(&mut self, ssrc: u32, index: Index) {
        self.clock += 1;
        let moved = self.clock;
        let Some(stream) = self.streams.iter_mut().find(|it| it.ssrc == ssrc) else {
            return self.add(Stream { ssrc, highest: index, seen: 1, moved });
        };
        stream.moved = moved;
        match stream.highest.checked_sub(index) {
            Some(behind) => stream.seen |= 1 << behind,
            None => {
                let ahead = index - stream.highest;
                stream.seen = if ahead < WINDOW { stream.seen << ahead | 1 } else { 1 };
                stream.highest = index;
            }
        }
    }

    /// A new key: rollover counters go on (RFC 3711 §3.3.1), and no number was used under it yet.
    pub(super) fn rekeyed(&self) -> Self {
        let mut streams = self.streams.clone();
        for stream in &mut streams {
            stream.seen = 0;
        }
        Self { streams, clock: self.clock }
    }

    /// What else a sequence number may stand for: right after a new key, a peer that begins its
    /// rollover counter anew, as many do against the standard.
    pub(super) fn begun_anew(&self, ssrc: u32, sequence: u16) -> Option<Index> {
        let stream = self.of(ssrc)?;
        (stream.seen == 0 && stream.highest >= ROLLOVER).then_some(sequence.into())
    }

    /// The peer did begin anew.
    pub(super) fn forget(&mut self, ssrc: u32) {
        self.streams.retain(|stream| stream.ssrc != ssrc);
    }

    fn of(&self, ssrc: u32) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.ssrc == ssrc)
    }

    fn add(&mut self, stream: Stream) {
        if self.streams.len() >= STREAMS_MAX {
            let oldest = self.streams.iter().enumerate().min_by_key(|(_, it)| it.moved);
            let (at, _) = oldest.expect("a full table has streams");
            self.streams.swap_remove(at);
        }
        self.streams.push(stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: u32 = 7;

    fn at(index: Index) -> Streams {
        let mut streams = Streams::default();
        streams.note(SSRC, index);
        streams
    }

    #[test]
    fn a_sequence_number_stands_for_the_nearest_index() {
        assert_eq!(Streams::default().estimate(SSRC, 65_535), Some(65_535), "the first one");
        assert_eq!(at(65_535).estimate(SSRC, 0), Some(65_536), "rolled over");
        assert_eq!(at(65_536).estimate(SSRC, 65_535), Some(65_535), "late, from before");
        assert_eq!(at(65_530).estimate(SSRC, 10), Some(65_546), "some lost at the rollover");
        assert_eq!(at(5 << 16).estimate(SSRC, 65_535), Some((5 << 16) - 1));
        assert_eq!(at(3).estimate(SSRC, 65_535), None, "before the beginning");
    }

    #[test]
    fn each_number_within_the_window_is_taken_once() {
        let mut streams = at(1000);
        assert_eq!(streams.check(SSRC, 1000), Err(Replayed));
        assert_eq!(streams.check(SSRC, 1000 - WINDOW), Err(Replayed), "too old to know");
        for index in [1001, 999, 1000 - WINDOW + 2, 5000] {
            assert_eq!(streams.check(SSRC, index), Ok(()), "{index}");
            streams.note(SSRC, index);
            assert_eq!(streams.check(SSRC, index), Err(Replayed), "{index}");
        }
    }

    #[test]
    fn the_stream_unheard_for_longest_makes_room() {
        let mut streams = Streams::default();
        for ssrc in 0..STREAMS_MAX as u32 {
            streams.note(ssrc, 70_000);
        }
        streams.note(0, 70_001);
        streams.note(99, 1);
        assert_eq!(streams.estimate(0, 4466), Some(70_002), "heard lately, and kept");
        assert_eq!(streams.estimate(1, 4466), Some(4466), "made room");
        assert_eq!(streams.streams.len(), STREAMS_MAX);
    }

    #[test]
    fn a_new_key_keeps_the_rollover_counter_and_no_number_is_used_under_it() {
        let streams = at(70_000).rekeyed();
        assert_eq!(streams.estimate(SSRC, 4465), Some(70_001));
        assert_eq!(streams.check(SSRC, 70_000), Ok(()));
        assert_eq!(streams.begun_anew(SSRC, 4465), Some(4465));
        assert_eq!(at(70_000).begun_anew(SSRC, 4465), None, "only right after a new key");
    }
}
