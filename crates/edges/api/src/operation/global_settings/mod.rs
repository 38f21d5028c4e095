//! What an account chooses for all of its connectors.

pub(super) mod get;
pub(super) mod update;
