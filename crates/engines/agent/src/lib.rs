//! A scripted SIP user agent, without I/O: the simulated carrier, the test caller, the load
//! generator.
//!
//! An [`Agent`] places calls ([`Agent::call`]) and answers them by a [`Script`], many at once,
//! signalling and audio both. It is a *peer* of the service, never a part of it: what it says on
//! the wire is all that the service knows of it. It opens no socket and reads no clock; four verbs
//! drive it, and its driver keeps the sockets.
//!
//! The invariant: every call that begins ends with exactly one [`Event::Ended`], and then holds
//! neither port nor timer.

pub mod config;

mod agent;
mod audio;
mod call;
mod gate;
mod io;
mod script;
mod table;

pub use agent::Agent;
pub use config::{Answering, Config, Gate, MediaPlan, Trace};
pub use io::{
    CallId, CallOrder, Cause, Credential, Ended, Event, Hold, Input, Output, Reason, Traced, Way,
};
pub use script::{Script, Sound, Step};
