//! Memory that the kernel reads and writes by addresses that it was told before.
#![expect(unsafe_code, reason = "a Box cannot be pointed into while it is moved about")]

use std::ptr::{self, NonNull};
use std::slice;

/// A slice on the heap that the kernel may write to through pointers kept elsewhere.
///
/// A `Box` claims to be the only way to its content, and moving it would make those pointers
/// invalid; this claims nothing until it is asked for a slice.
pub(crate) struct Lent<T> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: the values belong to this one alone, as those of a Box do; the kernel does not care which
// thread its addresses are used by.
unsafe impl<T: Send> Send for Lent<T> {}

impl<T: Clone> Lent<T> {
    pub(crate) fn new(value: T, len: usize) -> Self {
        let start = Box::into_raw(vec![value; len].into_boxed_slice()).cast::<T>();
        Self { start: NonNull::new(start).expect("a Box is never null"), len }
    }
}

impl<T> Lent<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where a value lies.
    pub(crate) fn at(&self, index: usize) -> *mut T {
        assert!(index < self.len, "slot {index} of {}", self.len);
        // SAFETY: the index is within the allocation.
        unsafe { self.start.as_ptr().add(index) }
    }

    /// All values. The owner sees to it that the kernel has nothing to write meanwhile.
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the allocation holds `len` initialised values, and the kernel writes to it only
        // inside calls of an owner that borrows itself mutably for them.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All values, to be changed.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        let slice = ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.len);
        // SAFETY: `new` made this allocation from a Box of just this length, and nobody else frees it.
        drop(unsafe { Box::from_raw(slice) });
    }
}
