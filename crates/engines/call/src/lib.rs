//! The B2BUA: admit, route, pair two dialogs, order media, explain, record.
//!
//! An [`Engine`] takes the messages of a shard and an immutable [`Directory`], and gives out
//! messages, orders to the media relay, signs of health, and one record for each INVITE that named
//! a Voice Connector. Admission, routing and limits are pure questions whose answers are enums: a
//! [`Reject`] is at once a SIP status, a metric label, the record's reason and the row of the
//! explanation.
//!
//! It refuses to be a transport, a transaction layer (that is `sip-core`), a media relay (that is
//! `media`), a resolver or a database client. It has no clock, no socket, no thread and no
//! randomness of its own: the same seeds and the same inputs replay the same calls.
//!
//! The invariant: **whatever comes, in whatever order, every INVITE that names a connector and is
//! not merely challenged has one record, and when its call is over, ports, dialogs and media have
//! been given back.**
//!
//! ```
//! use std::time::Instant;
//!
//! use call::{Config, Directory, Engine, Input, Listener, Now, Output, Seeds};
//! use model::UnixMillis;
//! use sip_message::{Flow, Transport};
//!
//! let us = "203.0.113.1:5060".parse().unwrap();
//! let listener = Listener { transport: Transport::Udp, local: us, advertised: us };
//! let config = Config::new(vec![listener], us.ip());
//! let seeds = Seeds { random: [1; 32], nonce_secret: [2; 16], process: 3 };
//! let mut engine = Engine::new(config, &seeds);
//!
//! let ping = b"OPTIONS sip:203.0.113.1 SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1;rport\r\n\
//!     From: <sip:pbx@192.0.2.10>;tag=a\r\nTo: <sip:203.0.113.1>\r\n\
//!     Call-ID: ping\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
//! let flow = Flow::udp(us, "192.0.2.10:5060".parse().unwrap());
//! let now = Now { instant: Instant::now(), unix: UnixMillis(1_795_428_672_345) };
//! engine.handle_input(now, Input::Message { flow, bytes: ping }, &Directory::new());
//!
//! let Some(Output::Send { bytes, .. }) = engine.poll_output() else { panic!("an answer") };
//! assert!(bytes.starts_with(b"SIP/2.0 200 OK\r\n"));
//! ```
//!
//! # Where to look
//!
//! `engine` routes inputs. `invite` asks the questions of `admission`, `caller_id`, `country` and
//! `limit` in the order of [`explain::Rule`]. `bridge` is a call: `setup` (routing and failover),
//! `progress` (what a carrier answers), `answered`, `within` (re-INVITE, UPDATE, INFO), `ending`,
//! `replace` (a newcomer in the place of a leg, which `replaces` lets in), `orphan` (answers nobody
//! wants). `media_plan` turns offers and answers into orders for the
//! relay; `keying` has the keys of each leg; `headers` says what crosses; `strangers` deals with
//! everything that is no call.
//!
//! Calls in, from a carrier to a customer, meet other questions, those of `inbound`: which number
//! is called, and by `landing` which connectors take its calls. From there on they are calls like
//! others, whose gateways are routes instead of carriers.

pub mod config;
pub mod country;
pub mod directory;
pub mod explain;
pub mod limit;
pub mod record;
pub mod redirect;
mod reject;

mod abilities;
mod admission;
mod bodies;
mod bridge;
mod caller_id;
mod calls;
mod carrier_digest;
mod counters;
mod dtmf;
mod emergency;
mod engine;
mod face;
mod headers;
mod health;
mod hub;
mod identity;
mod inbound;
mod invite;
mod io;
mod keying;
mod landing;
mod leg;
mod live;
mod media_plan;
mod replaces;
mod route;
mod strangers;
mod streamless;
mod talking;
mod timers;
mod trial;

pub use caller_id::{Caller, CallerIdPolicy, Origin, Presentation};
pub use config::{
    Advertised, Config, DigestConfig, Listener, OnSilence, Patience, Probing, ReliableProgress,
    ReplacesPolicy, Seeds, Strangers,
};
pub use counters::Counters;
pub use directory::{Change, Connector, Directory, ResolvedCarrier};
pub use dtmf::DtmfPolicy;
pub use engine::Engine;
pub use headers::HeaderPolicy;
pub use health::{PeerHealth, PeerState};
pub use io::{Command, Input, MediaCommand, MediaEvent, Now, Output, Reason};
pub use limit::Limits;
pub use live::{LiveCall, LiveState};
pub use reject::Reject;
pub use replaces::NotReplaced;
pub use timers::Timer;
pub use trial::{Trial, Tried, Untried, try_route};
