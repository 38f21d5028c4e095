//! Whole-product simulation by seed: a PBX, the trunk, and carriers on a network that misbehaves.
//!
//! A [`World`] holds the engines that the server runs — `call::Engine` with its `media::Relay` — and
//! puts `agent::Agent`s on both sides, in virtual time. The network loses, repeats, delays and so
//! reorders datagrams, signalling and audio alike. Everything comes out of one seed: a failing world
//! is replayed with `TRUNKLINE_SEED=n`. It is no load test and no conformance test; it knows only
//! what must hold in *every* world ([`World::judge`]).
//!
//! ```
//! use sim::{Link, Plan, World};
//!
//! let mut world = World::new(7, Link::PERFECT);
//! let call = world.place(&Plan::to("+12065550100"));
//! world.run_for(std::time::Duration::from_secs(2));
//! world.pbx.hang_up(world.now(), call);
//! world.settle();
//! world.judge().unwrap();
//! assert_eq!(world.records().len(), 1);
//! ```

mod customer;
mod network;
mod service;
mod verdict;
mod world;

pub use customer::{Caller, Password, Plan};
pub use network::{Link, Rng};
pub use service::Service;
pub use verdict::Broken;
pub use world::World;
