//! An agent's calls, by their ids.

use crate::call::Call;
use crate::io::CallId;

const SLOT_BITS: u32 = 24;

/// Calls in slots with dense numbers; an id names a slot and which of its calls is meant.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Option<Call>>,
    free: Vec<u32>,
    serial: u64,
    count: usize,
}

impl Table {
    /// The most calls a table can hold.
    pub(crate) const COUNT_MAX: usize = (1 << SLOT_BITS) - 1;

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Makes a call in a free slot.
    pub(crate) fn insert(&mut self, make: impl FnOnce(CallId) -> Call) -> CallId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.serial += 1;
        self.count += 1;
        let id = CallId(self.serial << SLOT_BITS | u64::from(slot));
        self.slots[slot as usize] = Some(make(id));
        id
    }

    /// An id that no call will ever have.
    pub(crate) fn spend_id(&mut self) -> CallId {
        self.serial += 1;
        CallId(self.serial << SLOT_BITS | Self::COUNT_MAX as u64)
    }

    pub(crate) fn get(&self, id: CallId) -> Option<&Call> {
        self.slots.get(id.slot() as usize)?.as_ref().filter(|call| call.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.slots.get_mut(id.slot() as usize)?.as_mut().filter(|call| call.id == id)
    }

    /// The call that lives in a slot now.
    pub(crate) fn in_slot(&self, slot: u32) -> Option<CallId> {
        self.slots.get(slot as usize)?.as_ref().map(|call| call.id)
    }

    pub(crate) fn remove(&mut self, id: CallId) -> Option<Call> {
        self.get(id)?;
        self.count -= 1;
        self.free.push(id.slot());
        self.slots[id.slot() as usize].take()
    }
}

impl CallId {
    /// Where the call lives: dense, and used again after its end.
    pub(crate) fn slot(self) -> u32 {
        self.0 as u32 & ((1 << SLOT_BITS) - 1)
    }
}
