//! Alexa skills of SIP media applications, which the service no longer has.

pub(super) mod get;
pub(super) mod put;

use crate::error::{ApiError, ErrorKind};

/// What both operations answer, whichever application they name.
fn gone() -> ApiError {
    ApiError::new(
        ErrorKind::Gone,
        "Alexa skills of SIP media applications are no longer served, here or at AWS; have the application's \
         function (Endpoints) decide on calls instead",
    )
}
