//! A whole map at once: for start-up, where ten million inserts would each walk the trie.
//!
//! Entries are sorted by one digit of their hashes after the other, so memory is read and written in
//! order, and each node is made once, as large as it must be.

use std::hash::Hash;
use std::sync::Arc;

use super::{BITS, BUCKET_MAX, Map, Node, hash_of};

/// Children of a full branch.
const FANOUT: usize = 1 << BITS;

/// Entries of a map that is to be, by the first digit of their hashes.
#[derive(Debug)]
pub(in crate::directory) struct Entries<K, V>(Vec<Vec<(K, V)>>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self((0..FANOUT).map(|_| Vec::new()).collect())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Entries<K, V> {
    /// Adds an entry. Of two with one key, one counts.
    pub(in crate::directory) fn push(&mut self, key: K, value: V) {
        self.0[digit(hash_of(&key))].push((key, value));
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Map<K, V> {
    /// The map of all these entries.
    pub(in crate::directory) fn of(shares: Vec<Entries<K, V>>) -> Self {
        let mut len = 0;
        let mut shares: Vec<_> = shares.into_iter().map(|it| it.0.into_iter()).collect();
        let parts: Vec<Vec<(K, V)>> = (0..FANOUT)
            .map(|_| {
                // The first share's vector takes the others' entries, so that most are not moved.
                let mut same_digit = shares.iter_mut().filter_map(Iterator::next);
                let mut part = same_digit.next().unwrap_or_default();
                same_digit.for_each(|mut other| part.append(&mut other));
                part
            })
            .collect();
        let root = if parts.iter().map(Vec::len).sum::<usize>() <= BUCKET_MAX {
            bucket(parts.into_iter().flatten().collect(), &mut len)
        } else {
            branch(parts, BITS, &mut len)
        };
        Self { root: Arc::new(root), len }
    }
}

/// The node of entries whose hashes agree in the first `depth` bits.
fn node<K: Hash + Eq + Clone, V: Clone>(
    entries: Vec<(K, V)>,
    depth: u32,
    len: &mut usize,
) -> Node<K, V> {
    if entries.len() <= BUCKET_MAX || depth >= u64::BITS {
        return bucket(entries, len);
    }
    // A hash spreads evenly, so a little more than its share is room enough for nearly every child.
    let room = entries.len() / FANOUT + entries.len() / (FANOUT * 4) + 4;
    let mut parts: Vec<Vec<(K, V)>> = (0..FANOUT).map(|_| Vec::with_capacity(room)).collect();
    for entry in entries {
        parts[digit(hash_of(&entry.0) >> depth)].push(entry);
    }
    branch(parts, depth + BITS, len)
}

fn branch<K: Hash + Eq + Clone, V: Clone>(
    parts: Vec<Vec<(K, V)>>,
    depth: u32,
    len: &mut usize,
) -> Node<K, V> {
    let mut occupied = 0;
    let mut children = Vec::with_capacity(parts.iter().filter(|it| !it.is_empty()).count());
    for (digit, part) in parts.into_iter().enumerate() {
        if !part.is_empty() {
            occupied |= 1 << digit;
            children.push(Arc::new(node(part, depth, len)));
        }
    }
    Node::Branch { occupied, children }
}

fn bucket<K: Eq, V>(mut entries: Vec<(K, V)>, len: &mut usize) -> Node<K, V> {
    let mut at = 1;
    while at < entries.len() {
        if entries[..at].iter().any(|(key, _)| *key == entries[at].0) {
            entries.swap_remove(at);
        } else {
            at += 1;
        }
    }
    entries.shrink_to_fit();
    *len += entries.len();
    Node::Bucket(entries)
}

/// The first digit of a hash.
const fn digit(hash: u64) -> usize {
    (hash & (FANOUT as u64 - 1)) as usize
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
            (self.0 % 97).hash(state);
        }
    }

    proptest! {
        /// However the entries are shared out, the map answers and changes like one of inserts.
        #[test]
        fn a_map_of_shares_is_the_map_of_inserts(
            entries in prop::collection::vec((0_u16..2000, 0_usize..3), 0..600),
            changes in prop::collection::vec((0_u16..2000, any::<Option<u8>>()), 0..100),
        ) {
            let mut shares = vec![Entries::default(), Entries::default(), Entries::default()];
            let mut model = BTreeMap::new();
            for (key, share) in entries {
                shares[share].push(Coarse(key), u32::from(key));
                model.insert(key, u32::from(key));
            }
            let mut map = Map::of(shares);
            prop_assert_eq!(map.len(), model.len());
            for (key, value) in changes {
                match value {
                    Some(value) => {
                        let value = u32::from(value);
                        prop_assert_eq!(map.insert(Coarse(key), value), model.insert(key, value));
                    }
                    None => prop_assert_eq!(map.remove(&Coarse(key)), model.remove(&key)),
                }
                prop_assert_eq!(map.len(), model.len());
            }
            for key in 0..2000 {
                prop_assert_eq!(map.get(&Coarse(key)), model.get(&key));
            }
        }
    }

    #[test]
    fn a_hundred_thousand_keys_are_found() {
        let mut shares = vec![Entries::default(), Entries::default()];
        for n in 0..100_000_u64 {
            shares[usize::from(n > 60_000)].push(n, n * 2);
        }
        shares[1].push(7, 14);
        let map = Map::of(shares);
        assert_eq!(map.len(), 100_000);
        assert!((0..100_000).all(|n| map.get(&n) == Some(&(n * 2))));
        assert_eq!(map.get(&100_000), None);
    }
}
