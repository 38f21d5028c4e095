//! Whole-product simulation by seed: a PBX, the trunk, and carriers on a network that misbehaves.
//!
//! A [`World`] holds the engines that the server runs — `call::Engine` with its `media::Relay` — and
//! puts `agent::Agent`s on both sides, in virtual time. The network loses, repeats, delays and so
//! reorders datagrams, signalling and audio alike; in a rude world ([`Manners::Rude`]) messages to
//! the trunk are mangled, repeated long after, forked and forged as well, and a stranger sends audio.
//! In half of the worlds some or all audio is encrypted ([`Encryption`]), and somebody without the keys
//! forges, replays and cuts it.
//! Everything comes out of one seed: a failing world is replayed with `cargo sim SEED`. It is no
//! load test and no conformance test; it knows only what must hold in *every* world
//! ([`World::judge`]).
//!
//! ```
//! use sim::{Link, Plan, World};
//!
//! let mut world = World::new(7, Link::PERFECT);
//! let call = world.place(&Plan::to("+12065550100"));
//! world.run_for(std::time::Duration::from_secs(2));
//! world.hang_up(call);
//! world.settle();
//! world.judge().unwrap();
//! assert_eq!(world.records().len(), 1);
//! ```

mod attacker;
mod customer;
mod encryption;
mod life;
mod mischief;
mod network;
mod rude;
mod service;
mod verdict;
mod world;

pub use customer::{Caller, Party, Password, Plan};
pub use encryption::Encryption;
pub use life::live_through;
pub use mischief::Manners;
pub use network::{Link, Rng};
pub use rude::RudeWorld;
pub use service::Service;
pub use verdict::Broken;
pub use world::{Placed, World};
