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
//!
//! ```
//! use agent::{Agent, CallOrder, Cause, Config, Event, Input, Output};
//! use media::LocalPort;
//! use sip_message::Flow;
//! # let now = std::time::Instant::now();
//!
//! let here = "192.0.2.1:5060".parse().unwrap();
//! let there = "192.0.2.2:5060".parse().unwrap();
//! let mut agent = Agent::new(Config::new(here), [7; 32]);
//! agent.handle_input(now, Input::PortsReady(vec![LocalPort::parse(20_000).unwrap()]));
//! let order = CallOrder::new(Flow::udp(here, there), "sip:a@192.0.2.1", "sip:b@192.0.2.2");
//! let call = agent.call(now, order);
//!
//! let Some(Output::Send { bytes, .. }) = agent.poll_output() else { panic!() };
//! assert!(bytes.starts_with(b"INVITE sip:b@192.0.2.2 SIP/2.0\r\n"));
//!
//! // Nobody answers, and half a minute later the call is over.
//! while let Some((at, _why)) = agent.poll_timeout() {
//!     agent.handle_timeout(at);
//! }
//! let ended = std::iter::from_fn(|| agent.poll_output()).any(|output| {
//!     matches!(output, Output::Event { event: Event::Ended(it), .. } if it.cause == Cause::TimedOut)
//! });
//! assert!(ended);
//! ```

pub mod config;

mod agent;
mod audio;
mod call;
mod gate;
mod io;
mod script;
mod table;

pub use agent::Agent;
pub use config::{Answering, Config, Gate, MediaPlan, Srtp, Trace};
pub use io::{
    CallId, CallOrder, Cause, Credential, Ended, Event, Hold, Input, Output, Reason, Traced, Way,
};
pub use script::{Script, Sound, Step};
