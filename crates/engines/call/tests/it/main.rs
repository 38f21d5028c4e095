//! The engine as its server meets it: messages in, messages out, time by hand.

mod admission;
mod calls;
mod ending;
mod failover;
mod peer;
mod strangers;
mod totality;
mod within;
mod world;
