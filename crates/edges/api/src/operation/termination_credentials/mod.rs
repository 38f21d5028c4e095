//! Termination credentials: who may place calls through a connector.

pub(super) mod delete;
pub(super) mod list;
pub(super) mod put;
