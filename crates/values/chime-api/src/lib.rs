//! The 96 operations of the Chime SDK Voice API on the wire: bytes to checked values and back.
//!
//! Most of this crate is generated from `api-model/chime-sdk-voice-2022-08-03.json` by
//! `cargo xtask codegen`: the input and output types, one [`Spec`] per [`Operation`], the route
//! table, and a [`shape::Shape`] per type that carries every constraint of the model. The rest is
//! the small engine that walks those tables:
//!
//! | step | function | refusal |
//! |---|---|---|
//! | which operation is this? | [`route()`] | [`RouteError`] |
//! | is the request well formed? | [`decode()`] | [`Violation`] |
//! | what does the answer look like? | [`encode()`], [`encode_error()`] | none |
//! | (client) how is a call put on the wire? | [`request_parts()`] | [`Violation`] |
//!
//! It refuses to be a server: it knows no HTTP library, no authentication, no storage, and nothing
//! of what an operation means beyond its shape.
//!
//! The invariant: **a decoded input satisfies every constraint of the model.** Unknown enum values,
//! numbers out of range and texts that do not match their pattern do not exist behind [`decode()`].
//!
//! ```
//! use chime_api::types::PutVoiceConnectorTerminationCredentialsRequest;
//! use chime_api::{Method, Operation, decode, route};
//!
//! let path = "/voice-connectors/dr3rbaar376u5r4ntcnlq4/termination/credentials";
//! let matched = route(Method::Post, path, "operation=put")?;
//! assert_eq!(matched.operation, Operation::PutVoiceConnectorTerminationCredentials);
//!
//! let body = br#"{"Credentials":[{"Username":"pbx","Password":"correct horse"}]}"#;
//! let input: PutVoiceConnectorTerminationCredentialsRequest =
//!     decode(&matched.labels, "operation=put", body)?;
//! assert_eq!(input.voice_connector_id, "dr3rbaar376u5r4ntcnlq4");
//! assert!(!format!("{input:?}").contains("correct horse"), "secrets do not reach Debug");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accommodate;
mod check;
mod decode;
mod encode;
mod enumeration;
mod error;
pub mod fuzzing;
mod generated;
mod members;
mod node;
mod operation;
mod pattern;
mod percent;
mod phone_number_id;
mod request;
mod route;
mod sensitive;
pub mod shape;
mod timestamp;
mod violation;

pub use decode::{BODY_BYTES_MAX, DEPTH_MAX, NODES_MAX, decode};
pub use encode::{Encoded, encode, encode_error};
pub use error::ErrorShape;
pub use members::Members;

pub use operation::{Effect, Input, Method, Operation, Output, Selector, Spec, Support};
pub use phone_number_id::{e164_of_phone_number_id, phone_number_id};
pub use request::{RequestParts, request_parts, request_parts_of};
pub use route::{Label, Labels, Matched, RouteError, RouteErrorWire, route, route_error_of_method};
pub use sensitive::Sensitive;
pub use timestamp::{Timestamp, TimestampError};
pub use violation::{Rule, Shown, Violation};

/// Inputs, outputs, structures and enums of the model, with the exact wire names.
pub mod types {
    pub use crate::generated::types::*;
}

/// Shape descriptors of everything in [`types`], named in capitals after the model.
pub mod shapes {
    pub use crate::generated::shapes::*;
}
