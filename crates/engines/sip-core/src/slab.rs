//! Entries found by index, with generations that tell an old index from a new one.

/// Entries per chunk. Growing allocates a chunk and moves nothing.
const CHUNK: usize = 1024;

/// An entry's place, and which of the entries that lived there it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) index: u32,
    generation: u32,
}

/// A growable table of entries with dense indices.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Slot<T>>>,
    free: Vec<u32>,
    count: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    entry: Option<T>,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), count: 0 }
    }

    /// Entries in the table.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Slots that were ever used: every index is below it.
    pub(crate) fn indices(&self) -> std::ops::Range<u32> {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        0..(full + self.chunks.last().map_or(0, Vec::len)) as u32
    }

    pub(crate) fn insert(&mut self, entry: T) -> Place {
        self.count += 1;
        if let Some(index) = self.free.pop() {
            let slot = &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK];
            slot.entry = Some(entry);
            return Place { index, generation: slot.generation };
        }
        let index = self.indices().end;
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.last_mut().expect("a chunk was pushed if there was none");
        chunk.push(Slot { generation: 0, entry: Some(entry) });
        Place { index, generation: 0 }
    }

    pub(crate) fn get(&self, place: Place) -> Option<&T> {
        let slot =
            self.chunks.get(place.index as usize / CHUNK)?.get(place.index as usize % CHUNK)?;
        slot.entry.as_ref().filter(|_| slot.generation == place.generation)
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        let slot = self
            .chunks
            .get_mut(place.index as usize / CHUNK)?
            .get_mut(place.index as usize % CHUNK)?;
        slot.entry.as_mut().filter(|_| slot.generation == place.generation)
    }

    /// The place of the entry that lives at an index now.
    pub(crate) fn place(&self, index: u32) -> Option<Place> {
        let slot = self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)?;
        slot.entry.as_ref().map(|_| Place { index, generation: slot.generation })
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        let slot = self
            .chunks
            .get_mut(place.index as usize / CHUNK)?
            .get_mut(place.index as usize % CHUNK)?;
        if slot.generation != place.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(place.index);
        self.count -= 1;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_outlives_its_entry_without_finding_the_next_one() {
        let mut slab = Slab::new();
        let first = slab.insert('a');
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!(second.index, first.index);
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&'b')));
        assert_eq!((slab.remove(first), slab.len()), (None, 1));
    }

    #[test]
    fn indices_stay_dense_across_chunks() {
        let mut slab = Slab::new();
        let places: Vec<Place> = (0..3000).map(|it| slab.insert(it)).collect();
        assert_eq!(slab.indices(), 0..3000);
        assert!(places.iter().enumerate().all(|(at, place)| slab.get(*place) == Some(&at)));
        assert_eq!(slab.place(2999), Some(places[2999]));
        assert_eq!(slab.place(3000), None);
    }
}
