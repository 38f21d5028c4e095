//! Addresses for emergency calls.

pub(super) mod rules;
pub(super) mod validate;
