//! The engine as its server meets it: messages in, messages out, time by hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admission;
mod calls;
mod carrier_digest;
mod circling;
mod dtmf;
mod encryption;
mod ending;
mod failover;
mod families;
mod fax;
mod groups;
mod headers;
mod hostile;
mod inward;
mod large;
mod masking;
mod numbers;
mod origination;
mod peer;
mod probing;
mod redirects;
mod reliable;
mod replaces;
mod session;
mod strangers;
mod totality;
mod within;
mod world;
