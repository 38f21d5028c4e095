//! Deadlines in a hierarchical timing wheel: arming and stopping cost the same whatever is armed.
//!
//! Most SIP timers are armed and never fire, or fire half a minute later among hundreds of
//! thousands of others; a heap would pay for all of them at each step. Here a deadline is one node
//! in a linked list, found by its owner's index.

use std::time::{Duration, Instant};

const LEVELS: usize = 6;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// The list of deadlines that are due and not yet taken.
const DUE: usize = LEVELS * SLOTS;
const NONE: u32 = u32::MAX;

/// At most one deadline for each owner, an index that its user keeps dense.
///
/// Resolution is one millisecond, rounded up, so that nothing fires early. Setting an owner's
/// deadline twice leaves one; there is no handle that could leak or go stale.
#[derive(Debug)]
pub struct Wheel {
    /// The instant of tick 0; known when the first deadline is set.
    epoch: Option<Instant>,
    /// The tick up to which everything due has been moved to the `DUE` list.
    elapsed: u64,
    nodes: Vec<Node>,
    lists: Box<[List; DUE + 1]>,
    occupied: [u64; LEVELS],
}

#[derive(Debug, Clone, Copy)]
struct Node {
    tick: u64,
    previous: u32,
    next: u32,
    /// The list it is in, or `IDLE`.
    list: u16,
}

const IDLE: u16 = u16::MAX;

#[derive(Debug, Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

/// When to wake, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// Nothing fires before this instant.
    pub at: Instant,
    /// Whose deadline it is; `None` when far deadlines merely come near enough to be sorted.
    pub owner: Option<u32>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self::new()
    }
}

impl Wheel {
    /// A wheel with nothing armed.
    #[must_use]
    pub fn new() -> Self {
        Self {
            epoch: None,
            elapsed: 0,
            nodes: Vec::new(),
            lists: Box::new([List { first: NONE, last: NONE }; DUE + 1]),
            occupied: [0; LEVELS],
        }
    }

    /// Sets the owner's one deadline, replacing an earlier one.
    ///
    /// `now` must not run backwards from call to call.
    pub fn set(&mut self, now: Instant, owner: u32, at: Instant) {
        let epoch = *self.epoch.get_or_insert(now);
        let index = owner as usize;
        if index >= self.nodes.len() {
            let idle = Node { tick: 0, previous: NONE, next: NONE, list: IDLE };
            self.nodes.resize(index + 1, idle);
        }
        let tick = ticks_up(at.saturating_duration_since(epoch));
        let node = self.nodes[index];
        if node.list != IDLE {
            if node.tick == tick {
                return;
            }
            self.unlink(owner);
        }
        self.nodes[index].tick = tick;
        self.link(owner);
    }

    /// Stops the owner's deadline, if it has one.
    pub fn stop(&mut self, owner: u32) {
        if self.nodes.get(owner as usize).is_some_and(|node| node.list != IDLE) {
            self.unlink(owner);
        }
    }

    /// The soonest instant at which [`Wheel::pop_due`] has something to do.
    #[must_use]
    pub fn next(&self) -> Option<Wake> {
        let epoch = self.epoch?;
        let due = self.lists[DUE].first;
        if due != NONE {
            let at = epoch + Duration::from_millis(self.nodes[due as usize].tick);
            return Some(Wake { at, owner: Some(due) });
        }
        let (level, slot, tick) = self.soonest()?;
        let owner = (level == 0).then(|| self.lists[slot].first);
        Some(Wake { at: epoch + Duration::from_millis(tick), owner })
    }

    /// Takes one owner whose deadline has come, the soonest first; equal ones in the order they
    /// were set. Call it until it says `None`.
    pub fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let now = ticks_down(now.saturating_duration_since(self.epoch?));
        loop {
            let first = self.lists[DUE].first;
            if first != NONE {
                self.unlink(first);
                return Some(first);
            }
            match self.soonest() {
                Some((level, slot, tick)) if tick <= now => {
                    self.elapsed = tick;
                    self.empty_slot(level, slot);
                }
                Some(_) | None => {
                    self.elapsed = self.elapsed.max(now);
                    return None;
                }
            }
        }
    }

    /// Moves a slot whose time has come to the due list, or its nodes to finer slots.
    fn empty_slot(&mut self, level: usize, slot: usize) {
        let list = level * SLOTS + slot;
        let mut at = self.lists[list].first;
        self.lists[list] = List { first: NONE, last: NONE };
        self.occupied[level] &= !(1 << slot);
        while at != NONE {
            let next = self.nodes[at as usize].next;
            self.link(at);
            at = next;
        }
    }

    /// Level, slot, and the first tick of the soonest occupied slot.
    fn soonest(&self) -> Option<(usize, usize, u64)> {
        (0..LEVELS).find_map(|level| {
            let shift = SLOT_BITS * level as u32;
            let here = (self.elapsed >> shift) as u32 % SLOTS as u32;
            // Slots behind `here` belong to the next turn, which only the last level has.
            let ahead = self.occupied[level].rotate_right(here);
            if ahead == 0 {
                return None;
            }
            let distance = ahead.trailing_zeros();
            let slot = (here + distance) as usize % SLOTS;
            let tick = ((self.elapsed >> shift) + u64::from(distance)) << shift;
            Some((level, slot, tick.max(self.elapsed)))
        })
    }

    /// Files a node whose `tick` is set.
    fn link(&mut self, owner: u32) {
        let tick = self.nodes[owner as usize].tick;
        let list = if tick <= self.elapsed {
            DUE
        } else {
            // The highest digit in which the tick differs from `elapsed` names the level.
            let differing = (tick ^ self.elapsed) | (SLOTS as u64 - 1);
            let level = ((63 - differing.leading_zeros()) / SLOT_BITS) as usize;
            let (level, digit) = if level < LEVELS {
                (level, tick >> (SLOT_BITS * level as u32))
            } else {
                // Beyond this turn of the last level: a slot of its next turn, the last one for
                // what lies beyond two years, to be sorted again when that slot comes.
                let shift = SLOT_BITS * (LEVELS as u32 - 1);
                let last = (self.elapsed >> shift) + SLOTS as u64 - 1;
                (LEVELS - 1, (tick >> shift).min(last))
            };
            let slot = digit as usize % SLOTS;
            self.occupied[level] |= 1 << slot;
            level * SLOTS + slot
        };
        let last = self.lists[list].last;
        let node = &mut self.nodes[owner as usize];
        (node.previous, node.next, node.list) = (last, NONE, list as u16);
        match last {
            NONE => self.lists[list].first = owner,
            last => self.nodes[last as usize].next = owner,
        }
        self.lists[list].last = owner;
    }

    fn unlink(&mut self, owner: u32) {
        let Node { previous, next, list, .. } = self.nodes[owner as usize];
        self.nodes[owner as usize].list = IDLE;
        let list = usize::from(list);
        match previous {
            NONE => self.lists[list].first = next,
            previous => self.nodes[previous as usize].next = next,
        }
        match next {
            NONE => self.lists[list].last = previous,
            next => self.nodes[next as usize].previous = previous,
        }
        if list != DUE && self.lists[list].first == NONE {
            self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
        }
    }
}

/// Whole milliseconds, rounded up.
fn ticks_up(since: Duration) -> u64 {
    u64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Whole milliseconds, rounded down.
fn ticks_down(since: Duration) -> u64 {
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "wheel_tests.rs"]
mod tests;
