//! RTP and RTCP between the two legs of a call, and the two ends that test it.
//!
//! [`Relay`] is a table of legs addressed by local port. [`Relay::handle`] turns a packet that came
//! in on one leg into the packet that leaves on the other, or names the [`DropReason`]: every packet
//! is sent or accounted for, and that is the one invariant. [`Endpoint`] is the other kind of party:
//! it plays a tone or echoes, sends digits, and judges what it hears — the simulated carrier and the
//! test caller are made of it. Nothing here opens a socket, reads a clock, takes a lock, or
//! allocates for a packet; time comes in as `now`, randomness as a [`Seed`]. Each leg of a call is in
//! clear or protected by itself ([`Protection`], [`srtp`]).
//!
//! ```
//! use std::net::SocketAddr;
//! use std::time::Instant;
//! use media::{CallMediaId, LegSpec, LegTerms, LocalPort, PortRange, Relay, RelayConfig};
//!
//! let now = Instant::now();
//! let mut relay = Relay::new(RelayConfig::new(PortRange::parse(20_000, 20_999).unwrap()));
//! let phone: SocketAddr = "198.51.100.7:4000".parse().unwrap();
//! let carrier: SocketAddr = "203.0.113.9:6000".parse().unwrap();
//! let leg = |port, remote| LegSpec { port: LocalPort::parse(port).unwrap(), terms: LegTerms::to(remote) };
//! relay.open(now, CallMediaId(1), [leg(20_000, phone), leg(20_002, carrier)]).unwrap();
//!
//! let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff, 0xff];
//! let sent = relay.handle(now, 20_000, phone, &mut packet).unwrap();
//! assert_eq!((sent.from, sent.to), (20_002, carrier));
//! ```

mod dropped;
mod dtmf;
mod endpoint;
pub mod fuzzing;
mod g711;
mod guard;
mod keypad;
mod latch;
mod leg;
mod legs;
mod mos;
mod one_way;
mod pace;
mod port;
mod quality;
mod receiver;
mod relay;
mod round_trip;
pub mod rtcp;
pub mod rtp;
mod sender;
pub mod srtp;
mod stream;
mod tone;

pub use dropped::{DropReason, Drops};
pub use dtmf::{Digit, EventPhase, EventTap, TelephoneEvent};
pub use endpoint::{Channel, Endpoint, EndpointReport, EndpointSpec, Outgoing, Reply};
pub use g711::Law;
pub use guard::Protection;
pub use keypad::Press;
pub use latch::{LATCH_PACKETS, RELATCH_SILENCE, Sources};
pub use leg::{
    CallMediaId, Content, Events, Expects, LegSpec, LegTerms, PayloadMap, Remote, RtcpTo, Side,
};
pub use mos::mean_opinion_score;
pub use pace::UnverifiedLimit;
pub use port::{Exhausted, LocalPort, PortPool, PortRange, PortRangeRefused};
pub use quality::LegQuality;
pub use receiver::{Arrival, Heard, Receiver};
pub use relay::{Event, OpenError, PressError, Relay, RelayConfig, Sent, Timer, UnknownCall};
pub use sender::{DIGITS_MAX, Play, Seed, Sender, SenderSpec, TooManyDigits};
pub use stream::{Gaps, StreamStats};
pub use tone::{Goertzel, Sound, TONE_HZ};
