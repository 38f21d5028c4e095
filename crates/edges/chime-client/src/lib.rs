//! A typed async client of the Chime SDK Voice API: trunkline's, Amazon's, or any that speaks it.
//!
//! One method per operation, one error enum per operation with one variant per exception that the
//! model declares, requests signed with Signature Version 4, and endpoint, region, profile and
//! credentials found the way the AWS CLI finds them ([`Config::from_process`]).
//!
//! It refuses to be an SDK: no waiters, no credential sources beyond the environment and the two
//! shared files (single sign-on, assumed roles and instance metadata are named in the error and
//! left to `aws configure export-credentials`), and no validation beyond what can be put on the wire; the
//! server judges the rest.
//!
//! The invariant: **no secret in `Debug`, `Display` or an error.** Passwords and secret keys are in
//! types that do not print them, and request bodies are wiped when they are sent.
//!
//! ```no_run
//! use chime_client::errors::PutVoiceConnectorTerminationCredentialsError as PutError;
//! use chime_client::types::{Credential, PutVoiceConnectorTerminationCredentialsRequest};
//! use chime_client::{Client, Config, Error, Overrides, Sensitive};
//!
//! # async fn put() -> Result<(), Box<dyn std::error::Error>> {
//! // AWS_ENDPOINT_URL_CHIME_SDK_VOICE, AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE … decide where to.
//! let client = Client::new(Config::from_process(&Overrides::default())?)?;
//!
//! let put = client
//!     .put_voice_connector_termination_credentials(
//!         PutVoiceConnectorTerminationCredentialsRequest {
//!             voice_connector_id: "dr3rbaar376u5r4ntcnlq4".to_owned(),
//!             credentials: Some(vec![Credential {
//!                 username: Some(Sensitive::new("office-pbx")),
//!                 password: Some(Sensitive::new("correct horse battery staple")),
//!             }]),
//!         },
//!     )
//!     .await;
//!
//! match put {
//!     Ok(_) => println!("the next INVITE of office-pbx is admitted"),
//!     Err(Error::Service(PutError::NotFoundException(failure))) => {
//!         println!("no such connector: {failure}");
//!     }
//!     Err(other) => return Err(other.into()),
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod config;
mod error;
mod generated;
mod retry;
mod sign;
mod transport;

pub use chime_api::{Operation, Sensitive, Timestamp, Violation, types};
pub use client::{Answer, Client, UnknownOperation, operation_named};
pub use config::{
    Config, ConfigError, Credentials, Endpoint, Limits, Overrides, SourceFile, Sources,
};
pub use error::{Error, Failure, OperationError};
pub use generated::errors;
pub use transport::ExchangeError;
