//! Calls of SIP media applications.

pub(super) mod create;
mod header;
pub(super) mod update;
