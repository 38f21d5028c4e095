//! What an account chooses for all of its phone numbers.

pub(super) mod get;
pub(super) mod update;
