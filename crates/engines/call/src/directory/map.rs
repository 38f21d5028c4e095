//! A persistent hash map: cloning it copies a pointer, changing a clone copies only the path to
//! what changed.
//!
//! A trie over the key's hash, five bits a level, with small buckets at its ends. A change to a map
//! that nobody else holds is made in place, so filling one at start-up copies nothing.

mod bulk;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

pub(super) use bulk::Entries;

/// Bits of the hash that choose a child of one branch.
const BITS: u32 = 5;
/// Entries in a bucket before it becomes a branch: enough that the trie's own nodes weigh little.
const BUCKET_MAX: usize = 16;

/// A map whose clones share what they have in common.
///
/// Keys come from the operator and from our own identifiers, never from a stranger's message, so a
/// fast unkeyed hash is safe.
#[derive(Debug, Clone)]
pub(super) struct Map<K, V> {
    root: Arc<Node<K, V>>,
    len: usize,
}

#[derive(Debug, Clone)]
enum Node<K, V> {
    /// A child for each bit of `occupied`, in the order of the bits.
    Branch { occupied: u32, children: Vec<Arc<Self>> },
    /// At most [`BUCKET_MAX`] entries, unless the hash has no bits left to tell them apart.
    Bucket(Vec<(K, V)>),
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Bucket(Vec::new())), len: 0 }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Map<K, V> {
    /// How many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The value of a key.
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let mut hash = hash_of(key);
        let mut node = &*self.root;
        loop {
            match node {
                Node::Bucket(entries) => {
                    return entries.iter().find(|(k, _)| k.borrow() == key).map(|(_, v)| v);
                }
                Node::Branch { occupied, children } => {
                    node = children.get(place(*occupied, hash).ok()?)?;
                    hash >>= BITS;
                }
            }
        }
    }

    /// Sets the value of a key; returns the value it had.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = hash_of(&key);
        let before = Arc::make_mut(&mut self.root).insert(0, hash, key, value);
        self.len += usize::from(before.is_none());
        before
    }

    /// Forgets a key; returns the value it had.
    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        // Looked up first, so that a key that is not there copies nothing.
        self.get(key)?;
        let removed = Arc::make_mut(&mut self.root).remove(hash_of(key), key);
        self.len -= usize::from(removed.is_some());
        removed
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Node<K, V> {
    /// `hash` without the bits of the levels above; `depth` says how many those were.
    fn insert(&mut self, depth: u32, hash: u64, key: K, value: V) -> Option<V> {
        match self {
            Self::Bucket(entries) => {
                if let Some((_, known)) = entries.iter_mut().find(|(k, _)| *k == key) {
                    return Some(std::mem::replace(known, value));
                }
                if entries.len() >= BUCKET_MAX && depth < u64::BITS {
                    self.split(depth);
                    return self.insert(depth, hash, key, value);
                }
                entries.push((key, value));
                None
            }
            Self::Branch { occupied, children } => {
                let at = place(*occupied, hash).unwrap_or_else(|at| {
                    *occupied |= bit(hash);
                    children.insert(at, Arc::new(Self::Bucket(Vec::new())));
                    at
                });
                Arc::make_mut(&mut children[at]).insert(depth + BITS, hash >> BITS, key, value)
            }
        }
    }

    /// Turns a full bucket into a branch with the same entries.
    fn split(&mut self, depth: u32) {
        let empty = Self::Branch { occupied: 0, children: Vec::new() };
        if let Self::Bucket(entries) = std::mem::replace(self, empty) {
            for (key, value) in entries {
                let hash = hash_of(&key) >> depth;
                self.insert(depth, hash, key, value);
            }
        }
    }

    fn remove<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Bucket(entries) => {
                let at = entries.iter().position(|(k, _)| k.borrow() == key)?;
                Some(entries.swap_remove(at).1)
            }
            Self::Branch { occupied, children } => {
                let at = place(*occupied, hash).ok()?;
                let removed = Arc::make_mut(&mut children[at]).remove(hash >> BITS, key);
                if children[at].is_empty() {
                    children.remove(at);
                    *occupied &= !bit(hash);
                }
                removed
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Branch { occupied, .. } => *occupied == 0,
            Self::Bucket(entries) => entries.is_empty(),
        }
    }
}

fn hash_of<Q: Hash + ?Sized>(key: &Q) -> u64 {
    FxBuildHasher.hash_one(key)
}

/// The bit that the hash's lowest digit stands for.
const fn bit(hash: u64) -> u32 {
    1 << (hash & ((1 << BITS) - 1))
}

/// Where the child for this hash is, or where it would have to be.
const fn place(occupied: u32, hash: u64) -> Result<usize, usize> {
    let before = (occupied & (bit(hash) - 1)).count_ones() as usize;
    if occupied & bit(hash) == 0 { Err(before) } else { Ok(before) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A key whose hash says little, so that buckets overflow and hashes collide.
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Coarse(u16);

    impl Hash for Coarse {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            (self.0 % 3).hash(state);
        }
    }

    proptest! {
        /// Against the standard map: the same answers, and clones that do not see later changes.
        #[test]
        fn it_answers_like_an_ordered_map_and_its_clones_stay_as_they_were(
            steps in prop::collection::vec((0u16..200, any::<Option<u8>>()), 0..400),
        ) {
            let (mut map, mut model) = (Map::default(), BTreeMap::new());
            let mut snapshots = Vec::new();
            for (n, (key, value)) in steps.into_iter().enumerate() {
                match value {
                    Some(value) => prop_assert_eq!(map.insert(Coarse(key), value), model.insert(key, value)),
                    None => prop_assert_eq!(map.remove(&Coarse(key)), model.remove(&key)),
                }
                prop_assert_eq!(map.len(), model.len());
                if n % 50 == 0 {
                    snapshots.push((map.clone(), model.clone()));
                }
            }
            snapshots.push((map, model));
            for (map, model) in snapshots {
                for key in 0..200 {
                    prop_assert_eq!(map.get(&Coarse(key)), model.get(&key));
                }
            }
        }
    }

    #[test]
    fn a_hundred_thousand_keys_are_found_and_removed_again() {
        let mut map = Map::default();
        for n in 0..100_000_u64 {
            assert_eq!(map.insert(n, n * 2), None);
        }
        let full = map.clone();
        assert!((0..100_000).all(|n| map.get(&n) == Some(&(n * 2))));
        assert!((0..100_000).all(|n| map.remove(&n) == Some(n * 2)));
        assert_eq!((map.len(), full.len()), (0, 100_000));
        assert_eq!(map.get(&7), None);
    }
}
