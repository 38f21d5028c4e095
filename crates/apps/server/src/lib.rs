//! The service as a library: configuration, sockets, engines, store, API, loops.
//!
//! [`Server::start`] turns a [`Config`] into a [`Running`] service. Everything that the other crates
//! keep apart meets here and nowhere else: the engines that decide, the edges that touch the world,
//! and the threads between them.
//!
//! ```text
//!              ┌── HTTP tasks ──► api ──► store ──► projection ──► Directory (one pointer)
//!  the world ──┤                   │                                   │
//!              ├── signalling thread ◄── questions ── api              ▼
//!              │        sockets ◄────────────────────────────── call::Engine ──► records ──► store
//!              └── media thread ◄── orders ── signalling
//!                       sockets ◄── media::Relay
//! ```
//!
//! What it refuses to be: a place for decisions about calls, requests or packets. It wires.
//!
//! **The invariant.** What the API has acknowledged is what the next INVITE is decided by, and the
//! call path never waits for the database.
//!
//! ```no_run
//! use server::config::{Config, Sources};
//! use server::Server;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::load(Sources::text("http.listen = '127.0.0.1:0'"))?;
//! let running = Server::start(config).await?;
//! println!("the API is at http://{}", running.addresses().http);
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod admin;
pub mod backup;
mod census;
pub mod config;
mod credentials;
mod engine_config;
mod flight;
mod media;
mod metrics;
pub mod peer;
mod projection;
mod records;
mod resolve;
mod running;
mod signalling;
mod simulated;
mod start;
mod tls;

pub use config::Config;
pub use credentials::{CredentialsError, PROFILE, create_key};
pub use media::MediaStartError;
pub use running::{PartEnded, Running};
pub use simulated::{CarrierTap, NUMBERS as SIMULATED_NUMBERS};
pub use start::{Addresses, Server, StartError};

/// The release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
