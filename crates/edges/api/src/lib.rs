//! The HTTP control plane: authenticate, decode, authorize, operate, encode.
//!
//! It speaks the Amazon Chime SDK Voice API (96 operations, REST-JSON, Signature Version 4), a small
//! part of STS, and the [operator API](operator). [`serve`] takes a listener and a [`Context`].
//!
//! What it refuses to be: a web framework, a place for calls (it asks [`LiveCalls`]), a store of
//! passwords (they become digest keys before they are written).
//!
//! **The invariant.** No operation runs without a permission that only a proof of a key's secret can
//! lead to, and before it nothing is read but what the key's policy asks about the caller's own
//! resources; so what another account owns cannot be told from what does not exist.
//!
//! ```no_run
//! # async fn example(store: store::Store) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use api::{ApiConfig, Context, Encryption, NoCalls, SystemClock};
//!
//! let context =
//!     Context::open(store, ApiConfig::default(), Arc::new(NoCalls), Arc::new(SystemClock)).await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8060").await?;
//! api::serve(listener, Encryption::Plaintext, context, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod address;
mod answer;
mod audit;
mod authenticate;
mod authorize;
mod body;
mod client_request;
mod clock;
pub mod config;
mod context;
mod error;
pub mod live;
mod openapi;
pub mod operation;
pub mod operator;
mod origin;
mod page;
pub mod pages;
mod quota;
mod random;
mod server;
mod service;
mod sts;
mod sweep;
mod tally;
mod throttle;
mod tls;
mod unreadable;

pub use answer::{ERROR_TYPE, REQUEST_ID};
pub use clock::{Clock, SystemClock};
pub use config::{ApiConfig, Limits, PrivateNetworks, Quotas, Rate};
pub use context::Context;
pub use error::{ApiError, ErrorKind};
pub use live::{
    ApplicationCall, ApplicationUpdate, HungUp, LiveCall, LiveCalls, LiveError, LiveFuture,
    NoCalls, ServiceInfo, Streamed, Updated,
};
pub use server::{Drained, serve};
pub use tally::Served;
pub use tls::{Encryption, Identity, IdentityError, KeyReaders, PemFile, Tls, certificates};
