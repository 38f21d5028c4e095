//! Whole-product simulation by seed.
