//! The service as a library: configuration, sockets, engines, store, API, loops.

pub mod config;

pub use config::Config;
