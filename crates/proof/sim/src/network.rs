//! A network that loses, repeats and delays.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Pseudorandom numbers (SplitMix64): the whole of a world's chance.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Numbers that depend on the seed alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % bound
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// How a network treats each datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Lost, of a hundred.
    pub loss_percent: u64,
    /// Delivered twice, of a hundred.
    pub repeat_percent: u64,
    /// Each takes up to this long, so that later ones overtake earlier ones; milliseconds.
    pub delay_ms_max: u64,
}

impl Link {
    /// Everything arrives once, within a millisecond.
    pub const PERFECT: Self = Self { loss_percent: 0, repeat_percent: 0, delay_ms_max: 1 };

    /// Anything up to a bad day.
    pub fn any(rng: &mut Rng) -> Self {
        Self {
            loss_percent: rng.below(25),
            repeat_percent: rng.below(25),
            delay_ms_max: rng.below(600),
        }
    }
}

/// A datagram on its way.
#[derive(Debug)]
pub(crate) struct Parcel {
    at: Instant,
    order: u64,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    /// The stream that it is on; 0 for a datagram.
    pub(crate) connection: u64,
}

/// Datagrams under way, by the time they arrive.
#[derive(Debug)]
pub(crate) struct Network {
    link: Link,
    rng: Rng,
    under_way: Vec<Parcel>,
    posted: u64,
}

impl Network {
    pub(crate) fn new(link: Link, rng: Rng) -> Self {
        Self { link, rng, under_way: Vec::new(), posted: 0 }
    }

    pub(crate) fn post(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let copies = 1 + u64::from(self.rng.percent(self.link.repeat_percent));
        for _ in 0..copies {
            if self.rng.percent(self.link.loss_percent) {
                continue;
            }
            let delay = Duration::from_millis(self.rng.below(self.link.delay_ms_max + 1));
            self.posted += 1;
            let order = self.posted;
            let (at, bytes, connection) = (now + delay, bytes.into(), 0);
            self.under_way.push(Parcel { at, order, from, to, bytes, connection });
        }
    }

    /// Posts a message on a stream: late perhaps, never lost, repeated or overtaken. 0 is none.
    pub(crate) fn post_on(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        connection: u64,
        bytes: &[u8],
    ) {
        if connection == 0 {
            return self.post(now, from, to, bytes);
        }
        let delay = Duration::from_millis(self.rng.below(self.link.delay_ms_max + 1));
        let before = self.under_way.iter().filter(|it| it.connection == connection && it.to == to);
        let at = before.map(|it| it.at).max().map_or(now + delay, |last| last.max(now + delay));
        self.posted += 1;
        let (order, bytes) = (self.posted, bytes.into());
        self.under_way.push(Parcel { at, order, from, to, bytes, connection });
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.under_way.iter().map(|it| it.at).min()
    }

    pub(crate) fn arrived(&mut self, now: Instant) -> Option<Parcel> {
        let due = self.under_way.iter().enumerate().filter(|(_, it)| it.at <= now);
        let (at, _) = due.min_by_key(|(_, it)| (it.at, it.order))?;
        Some(self.under_way.swap_remove(at))
    }
}
