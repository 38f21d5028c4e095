//! The table of calls: found by key, by dialog, by transaction identifier.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::ops::Bound;
use std::time::Instant;

use media::{CallMediaId, Side};
use model::TransactionId;
use rustc_hash::FxHashMap;
use sip_core::Wheel;
use siphasher::sip::SipHasher13;

use crate::bridge::Call;

/// A call's place in the table, and which of the calls that lived there it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallKey {
    index: u32,
    generation: u32,
}

/// Generations count modulo 2²⁴, so that key and role fit a transaction's owner.
const GENERATION_MASK: u32 = 0x00ff_ffff;

impl CallKey {
    /// The call's name in the media plane.
    pub(crate) fn media_id(self) -> CallMediaId {
        CallMediaId(u64::from(self.generation) << 32 | u64::from(self.index))
    }

    /// The call behind a name in the media plane.
    pub(crate) fn of_media(id: CallMediaId) -> Self {
        Self { index: low_32(id.0), generation: low_32(id.0 >> 32) }
    }
}

/// What a transaction is to the call that owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The INVITE that the call came by.
    Caller,
    /// An INVITE to a carrier.
    Invite,
    /// A request within a dialog, handed on from the other leg, or the one it was made from.
    Within,
    /// A BYE of ours.
    Bye,
    /// A refresh of a session that we keep alive.
    Refresh,
    /// A PRACK of ours.
    Prack,
    /// An INFO of ours with a digit.
    Digit,
}

/// The owner of a transaction: a call, and what the transaction is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) key: CallKey,
    pub(crate) role: Role,
}

impl Owner {
    /// The number that stands for nobody.
    pub(crate) const NOBODY: u64 = 0;

    const ROLES: [Role; 7] = [
        Role::Caller,
        Role::Invite,
        Role::Within,
        Role::Bye,
        Role::Refresh,
        Role::Prack,
        Role::Digit,
    ];

    pub(crate) fn pack(self) -> u64 {
        let role = match self.role {
            Role::Caller => 1,
            Role::Invite => 2,
            Role::Within => 3,
            Role::Bye => 4,
            Role::Refresh => 5,
            Role::Prack => 6,
            Role::Digit => 7,
        };
        u64::from(self.key.generation) << 40 | u64::from(self.key.index) << 8 | role
    }

    pub(crate) fn unpack(owner: u64) -> Option<Self> {
        let role = usize::try_from(owner & 0xff).ok()?.checked_sub(1)?;
        let key = CallKey { index: low_32(owner >> 8), generation: low_32(owner >> 40) };
        Some(Self { key, role: *Self::ROLES.get(role)? })
    }
}

fn low_32(bits: u64) -> u32 {
    u32::try_from(bits & 0xffff_ffff).expect("32 bits were kept")
}

/// All calls of an engine.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_transaction: BTreeMap<TransactionId, CallKey>,
    wheel: Wheel,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    call: Option<Box<Call>>,
}

impl Calls {
    /// The key that the next call will have.
    pub(crate) fn next_key(&self) -> CallKey {
        match self.free.last() {
            Some(&index) => CallKey { index, generation: self.slots[index as usize].generation },
            None => {
                let index = u32::try_from(self.slots.len()).expect("calls are limited below 2³²");
                CallKey { index, generation: 0 }
            }
        }
    }

    /// Puts a new call in, which was made with [`Calls::next_key`].
    pub(crate) fn insert(&mut self, now: Instant, call: Box<Call>) {
        let key = call.key;
        debug_assert_eq!(key, self.next_key(), "a call is made with the next key");
        if self.free.pop().is_none() {
            self.slots.push(Slot { generation: 0, call: None });
        }
        self.by_transaction.insert(call.transaction_id, key);
        self.put_back(now, call);
    }

    /// Takes a call out for one step; [`Calls::put_back`] or [`Calls::remove`] follows.
    pub(crate) fn take(&mut self, key: CallKey) -> Option<Box<Call>> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation { slot.call.take() } else { None }
    }

    /// Puts a call back after a step and sets its wake-up.
    pub(crate) fn put_back(&mut self, now: Instant, call: Box<Call>) {
        let index = call.key.index;
        match call.alarms.next() {
            Some((at, _)) => self.wheel.set(now, index, at),
            None => self.wheel.stop(index),
        }
        self.slots[index as usize].call = Some(call);
    }

    /// Forgets a call that was taken out.
    pub(crate) fn remove(&mut self, call: &Call) {
        let slot = &mut self.slots[call.key.index as usize];
        slot.generation = (slot.generation + 1) & GENERATION_MASK;
        self.free.push(call.key.index);
        self.wheel.stop(call.key.index);
        self.by_transaction.remove(&call.transaction_id);
    }

    pub(crate) fn get(&self, key: CallKey) -> Option<&Call> {
        let slot = self.slots.get(key.index as usize)?;
        slot.call.as_deref().filter(|_| slot.generation == key.generation)
    }

    pub(crate) fn find(&self, transaction: TransactionId) -> Option<CallKey> {
        self.by_transaction.get(&transaction).copied()
    }

    /// Keys in order of their transaction identifiers, beginning behind `after`.
    pub(crate) fn keys_after(
        &self,
        after: Option<TransactionId>,
    ) -> impl Iterator<Item = CallKey> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_transaction.range((from, Bound::Unbounded)).map(|(_, key)| *key)
    }

    /// The next call whose wake-up has come.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<CallKey> {
        loop {
            let index = self.wheel.pop_due(now)?;
            let slot = &self.slots[index as usize];
            if slot.call.is_some() {
                return Some(CallKey { index, generation: slot.generation });
            }
        }
    }

    /// When the first call wants to be woken.
    pub(crate) fn next_wake(&self) -> Option<(Instant, Option<CallKey>)> {
        let wake = self.wheel.next()?;
        let key = wake
            .owner
            .map(|index| CallKey { index, generation: self.slots[index as usize].generation });
        Some((wake.at, key))
    }

    pub(crate) fn len(&self) -> usize {
        self.by_transaction.len()
    }
}

/// Calls by the half of their dialogs that we chose: Call-ID and our tag.
///
/// The rest of a message is compared with the dialog itself. Strangers write Call-IDs, so the hash
/// is keyed.
#[derive(Clone)]
pub(crate) struct DialogIndex {
    hasher: SipHasher13,
    legs: FxHashMap<u64, (CallKey, Side)>,
}

impl std::fmt::Debug for DialogIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DialogIndex({} legs)", self.legs.len())
    }
}

impl DialogIndex {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self { hasher: SipHasher13::new_with_key(key), legs: FxHashMap::default() }
    }

    pub(crate) fn insert(&mut self, call_id: &str, tag: &str, leg: (CallKey, Side)) {
        self.legs.insert(self.hash(call_id, tag), leg);
    }

    pub(crate) fn remove(&mut self, call_id: &str, tag: &str) {
        self.legs.remove(&self.hash(call_id, tag));
    }

    pub(crate) fn find(&self, call_id: &str, tag: &str) -> Option<(CallKey, Side)> {
        self.legs.get(&self.hash(call_id, tag)).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.legs.len()
    }

    /// A fork's tag is its call's tag with a dot and a number behind: all are one entry.
    fn hash(&self, call_id: &str, tag: &str) -> u64 {
        let tag = tag.split_once('.').map_or(tag, |(base, _)| base);
        let mut hasher = self.hasher;
        hasher.write(call_id.as_bytes());
        hasher.write(&[0xff]);
        hasher.write(tag.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_unpacks_to_what_it_was() {
        for role in Owner::ROLES {
            for (index, generation) in [(0, 0), (u32::MAX, GENERATION_MASK), (7, 9)] {
                let owner = Owner { key: CallKey { index, generation }, role };
                assert_eq!(Owner::unpack(owner.pack()), Some(owner));
            }
        }
        assert_eq!(Owner::unpack(Owner::NOBODY), None);
        assert_eq!(Owner::unpack(9), None);
    }

    #[test]
    fn a_media_name_leads_back_to_its_call() {
        let key = CallKey { index: 12, generation: GENERATION_MASK };
        assert_eq!(CallKey::of_media(key.media_id()), key);
    }

    #[test]
    fn a_forks_tag_finds_its_call() {
        let mut index = DialogIndex::new(&[1; 16]);
        let key = CallKey { index: 1, generation: 0 };
        index.insert("call", "tag", (key, Side::A));
        assert_eq!(index.find("call", "tag.2"), Some((key, Side::A)));
        assert_eq!(index.find("call", "other"), None);
        index.remove("call", "tag");
        assert_eq!(index.len(), 0);
    }
}
