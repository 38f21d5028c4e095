//! The legs of all calls, each at a place of its own for as long as it is open.
//!
//! The table grows by chunks and moves nothing: a table of 4,096 legs that was copied to make room for
//! one more would keep every packet waiting meanwhile, and hold its memory twice.

use std::ops::{Index, IndexMut};

use crate::leg::Leg;

/// Legs per chunk, some 64 KiB.
const CHUNK: usize = 64;

/// Legs by their place. A place belongs to the next leg once its own was removed.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    chunks: Vec<Vec<Option<Leg>>>,
    free: Vec<u32>,
}

impl Legs {
    /// A place for one more leg, which [`Legs::put`] fills.
    pub(crate) fn claim(&mut self) -> u32 {
        if let Some(at) = self.free.pop() {
            return at;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let full = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("a chunk was pushed if there was none");
        chunk.push(None);
        (full + chunk.len() - 1) as u32
    }

    /// Opens a leg at a place that was claimed for it.
    pub(crate) fn put(&mut self, at: u32, leg: Leg) {
        *self.slot(at) = Some(leg);
    }

    /// Takes a leg out; its place is free.
    pub(crate) fn remove(&mut self, at: u32) -> Leg {
        let leg = self.slot(at).take().expect("slots, peers, calls and deadlines name open legs");
        self.free.push(at);
        leg
    }

    /// Every leg that is open.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Leg> {
        self.chunks.iter().flatten().flatten()
    }

    fn slot(&mut self, at: u32) -> &mut Option<Leg> {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }
}

impl Index<u32> for Legs {
    type Output = Leg;

    fn index(&self, at: u32) -> &Leg {
        let leg = self.chunks[at as usize / CHUNK][at as usize % CHUNK].as_ref();
        leg.expect("slots, peers, calls and deadlines name open legs")
    }
}

impl IndexMut<u32> for Legs {
    fn index_mut(&mut self, at: u32) -> &mut Leg {
        self.slot(at).as_mut().expect("slots, peers, calls and deadlines name open legs")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{CallMediaId, LegSpec, LegTerms, LocalPort, Side};

    #[expect(clippy::disallowed_methods, reason = "a test needs some time to count from")]
    fn leg(call: u64) -> Leg {
        let port = LocalPort::parse(20_000).unwrap();
        let terms = LegTerms::to("198.51.100.7:4000".parse().unwrap());
        Leg::new(Instant::now(), CallMediaId(call), Side::A, 0, &LegSpec { port, terms })
    }

    #[test]
    fn legs_stay_where_they_are_while_the_table_grows_and_free_places_are_used_first() {
        let mut legs = Legs::default();
        let places: Vec<u32> = (0..200).map(|_| legs.claim()).collect();
        assert!(places.iter().copied().eq(0..200));
        for at in 0..200 {
            legs.put(at, leg(u64::from(at)));
        }
        let first: *const Leg = &raw const legs[0];

        assert_eq!(legs.remove(70).call, CallMediaId(70));
        assert_eq!(legs.claim(), 70);
        assert_eq!(legs.claim(), 200, "no other place is free");

        assert!(
            (0..200).filter(|at| *at != 70).all(|at| legs[at].call == CallMediaId(u64::from(at)))
        );
        assert_eq!(first, &raw const legs[0]);
    }
}
