//! What a call can come to besides its output.

use std::fmt;

use chime_api::{ErrorShape, Violation};
use serde::Deserialize;

use crate::client::UnknownOperation;
use crate::transport::{ExchangeError, Exchanged};

/// Longest part of an answer that is no JSON which a message repeats, in characters.
const PLAIN_ANSWER_CHARACTERS_MAX: usize = 200;

/// Why a call has no output. `E` is the error enum of its operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The input cannot be put on the wire; nothing was sent.
    #[error(transparent)]
    Input(Violation),
    /// There is no operation of this name; nothing was sent.
    #[error(transparent)]
    UnknownOperation(UnknownOperation),
    /// The service could not be asked, or did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The service answered with something that is no output of the operation.
    #[error(
        "the answer of {operation} cannot be read at line {line} column {column} \
         (request id {request_id}); the service speaks another version of the API"
    )]
    Unreadable {
        /// The operation.
        operation: &'static str,
        /// Line of the JSON body, from 1.
        line: usize,
        /// Column of the JSON body, from 1.
        column: usize,
        /// The service's name for the request, or `none`.
        request_id: String,
    },
    /// The service refused.
    #[error(transparent)]
    Service(E),
}

/// The error enum of an operation.
pub trait OperationError: std::error::Error + Sized {
    /// Makes the variant that the failure's code names, or `Unhandled`.
    fn from_failure(failure: Failure) -> Self;

    /// What the service said.
    fn failure(&self) -> &Failure;
}

/// A refusal as the service words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Name of the exception, such as `NotFoundException`; `Unknown` when the answer names none.
    pub code: String,
    /// The service's message.
    pub message: String,
    /// HTTP status.
    pub status: u16,
    /// The service's name for the request, to be quoted to its operator.
    pub request_id: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, status, request_id } = self;
        let request_id = request_id.as_deref().unwrap_or("none");
        write!(f, "{code} ({status}): {message} (request id {request_id})")
    }
}

impl std::error::Error for Failure {}

/// The error of calls that are not typed: every refusal is just a failure.
impl OperationError for Failure {
    fn from_failure(failure: Failure) -> Self {
        failure
    }

    fn failure(&self) -> &Failure {
        self
    }
}

impl Failure {
    /// The exception of the API that the code names.
    #[must_use]
    pub fn shape(&self) -> Option<ErrorShape> {
        ErrorShape::parse(&self.code)
    }

    /// Reads a refusal out of an answer: the header `x-amzn-ErrorType`, or the body's own code.
    pub(crate) fn of(answer: &Exchanged) -> Self {
        #[derive(Default, Deserialize)]
        struct Body {
            #[serde(rename = "__type")]
            kind: Option<String>,
            #[serde(alias = "Code")]
            code: Option<String>,
            #[serde(alias = "Message")]
            message: Option<String>,
        }
        let json = serde_json::from_slice::<Body>(&answer.body).ok();
        let plain = || {
            let text = String::from_utf8_lossy(&answer.body);
            text.chars().take(PLAIN_ANSWER_CHARACTERS_MAX).collect::<String>()
        };
        let message = match &json {
            Some(body) => body.message.clone().unwrap_or_default(),
            None => plain(),
        };
        let body = json.unwrap_or_default();
        let code = answer.error_type.clone().or(body.kind).or(body.code);
        Self {
            code: code.as_deref().map_or("Unknown", bare_code).to_owned(),
            message,
            status: answer.status,
            request_id: answer.request_id.clone(),
        }
    }
}

/// `aws.model#NotFoundException:http://…` → `NotFoundException`.
fn bare_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

/// Declares the error enums of operations from a table of their exceptions.
macro_rules! operation_errors {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident,)* })+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", stringify!($variant), "`, which the model declares.")]
                $variant(crate::Failure),
            )*
            /// An error that the model does not declare for this operation.
            Unhandled(crate::Failure),
        }

        impl crate::OperationError for $name {
            fn from_failure(failure: crate::Failure) -> Self {
                match failure.shape() {
                    $(Some(chime_api::ErrorShape::$variant) => Self::$variant(failure),)*
                    _ => Self::Unhandled(failure),
                }
            }

            fn failure(&self) -> &crate::Failure {
                match self {
                    $(Self::$variant(failure) => failure,)*
                    Self::Unhandled(failure) => failure,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::OperationError::failure(self).fmt(f)
            }
        }

        impl std::error::Error for $name {}
    )+ };
}

pub(crate) use operation_errors;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::errors::GetVoiceConnectorError;

    fn answer(error_type: Option<&str>, body: &'static str) -> Exchanged {
        Exchanged {
            status: 404,
            error_type: error_type.map(str::to_owned),
            request_id: Some("r-1".to_owned()),
            retry_after: None,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn the_header_names_the_exception() {
        let failure = Failure::of(&answer(
            Some("NotFoundException:http://internal/"),
            r#"{"Code":"NotFound","Message":"no such connector"}"#,
        ));
        assert_eq!(
            failure.to_string(),
            "NotFoundException (404): no such connector (request id r-1)"
        );
        assert!(matches!(
            GetVoiceConnectorError::from_failure(failure),
            GetVoiceConnectorError::NotFoundException(_)
        ));
    }

    #[test]
    fn without_a_header_the_body_names_it() {
        let of = |body| Failure::of(&answer(None, body)).code;
        assert_eq!(of(r#"{"__type":"a.b#NotFoundException","message":"x"}"#), "NotFoundException");
        assert_eq!(of(r#"{"code":"ConflictException"}"#), "ConflictException");
        assert_eq!(of(r#"{"Code":"Conflict"}"#), "Conflict");
        assert_eq!(of("{}"), "Unknown");
    }

    #[test]
    fn what_the_model_does_not_declare_is_unhandled_and_keeps_what_was_said() {
        let failure = Failure::of(&answer(Some("GoneException"), r#"{"message":"gone"}"#));
        let error = GetVoiceConnectorError::from_failure(failure.clone());
        assert_eq!(error, GetVoiceConnectorError::Unhandled(failure));
        assert_eq!(error.to_string(), "GoneException (404): gone (request id r-1)");
    }

    #[test]
    fn an_answer_that_is_no_json_is_quoted_and_cut() {
        let failure = Failure::of(&answer(None, "<html>Bad Gateway</html>"));
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            ("Unknown", "<html>Bad Gateway</html>")
        );
    }
}
