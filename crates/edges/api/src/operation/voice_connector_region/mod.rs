//! Regions that a Voice Connector can be created in.

pub(super) mod list;
