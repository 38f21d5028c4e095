//! Countries that numbers can be ordered in.

pub(super) mod list;
