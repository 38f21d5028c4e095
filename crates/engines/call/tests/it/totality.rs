//! totality
