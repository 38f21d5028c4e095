//! The B2BUA: admit, route, pair two dialogs, order media, explain, record.

pub mod config;
pub mod country;
pub mod directory;
pub mod explain;
pub mod limit;
pub mod record;
pub mod reject;

mod admission;
mod bridge;
mod caller_id;
mod calls;
mod counters;
mod engine;
mod headers;
mod hub;
mod invite;
mod io;
mod leg;
mod live;
mod media_plan;
mod route;
mod strangers;
mod timers;

pub use caller_id::{Caller, CallerIdPolicy, Origin, Presentation};
pub use config::{Config, DigestConfig, Listener, OnSilence, Patience, Seeds, Strangers};
pub use counters::Counters;
pub use directory::{Change, Connector, Directory, ResolvedCarrier};
pub use engine::Engine;
pub use headers::HeaderPolicy;
pub use io::{Command, Input, MediaCommand, MediaEvent, Now, Output, Reason};
pub use limit::Limits;
pub use live::{LiveCall, LiveState};
pub use reject::Reject;
pub use timers::Timer;
