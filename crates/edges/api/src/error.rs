//! Every way a request may fail, and what it looks like on the wire.
//!
//! `docs/wire-errors.md` is this table for readers.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use model::Refused;
use store::StoreError;

use crate::live::LiveError;

/// A failed request: what kind, the sentence for the caller, and the cause for the log.
#[derive(Debug)]
pub struct ApiError {
    /// The wire identity.
    pub kind: ErrorKind,
    /// What the caller may read: member, value (secrets excepted), rule, remedy.
    pub message: String,
    /// When to come back, in seconds; sent as `Retry-After`.
    pub retry_after_s: Option<u64>,
    /// The methods that would have been right; sent as `Allow` (RFC 9110 §15.5.6).
    pub allow: Option<String>,
    /// What the log needs and the caller must not see.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:ident, $shape:literal, $code:literal;)+) => {
        /// The wire identity of a failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind { $($(#[$doc])* $kind),+ }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Whether the operator should look into it, since the caller cannot help it.
            pub const fn is_ours(self) -> bool {
                matches!(self, Self::ServiceFailure | Self::ServiceUnavailable)
            }

            /// HTTP status, `x-amzn-ErrorType`, and the body's `Code`.
            pub const fn wire(self) -> (StatusCode, &'static str, &'static str) {
                match self { $(Self::$kind => (StatusCode::$status, $shape, $code)),+ }
            }
        }
    };
}

kinds! {
    /// The request cannot be understood, or a value breaks a rule.
    BadRequest = BAD_REQUEST, "BadRequestException", "BadRequest";
    /// A quota is used up.
    ResourceLimitExceeded = BAD_REQUEST, "ResourceLimitExceededException", "ResourceLimitExceeded";
    /// The signature lacks a part or is not of the form that is served.
    IncompleteSignature = BAD_REQUEST, "IncompleteSignatureException", "IncompleteSignature";
    /// The request is signed for a service that is not served here.
    ServiceNotServed = BAD_REQUEST, "ServiceNotServedException", "ServiceNotServed";
    /// An STS action other than the one that is served.
    InvalidAction = BAD_REQUEST, "InvalidAction", "InvalidAction";
    /// Nobody knows the access key.
    UnknownKey = UNAUTHORIZED, "UnauthorizedClientException", "Unauthorized";
    /// The access key is disabled.
    DisabledKey = UNAUTHORIZED, "UnauthorizedClientException", "AccessKeyDisabled";
    /// There is no signature.
    MissingAuthenticationToken = FORBIDDEN, "MissingAuthenticationTokenException", "MissingAuthenticationToken";
    /// The signature is not that of the key's secret over this request.
    InvalidSignature = FORBIDDEN, "InvalidSignatureException", "InvalidSignature";
    /// The signature's time is too far from ours. SDKs correct their clock on this name.
    RequestExpired = FORBIDDEN, "RequestExpired", "RequestExpired";
    /// The key may not do this.
    Forbidden = FORBIDDEN, "ForbiddenException", "Forbidden";
    /// The key may not do this, for operations that declare this name alone.
    AccessDenied = FORBIDDEN, "AccessDeniedException", "AccessDenied";
    /// There is no such resource in the caller's account.
    NotFound = NOT_FOUND, "NotFoundException", "NotFound";
    /// No operation has this method, path and query.
    UnknownOperation = NOT_FOUND, "UnknownOperationException", "UnknownOperation";
    /// The path exists, but not with this method.
    MethodNotServed = METHOD_NOT_ALLOWED, "UnknownOperationException", "UnknownOperation";
    /// Something else must go or end first.
    Conflict = CONFLICT, "ConflictException", "Conflict";
    /// What it takes is over: a call, a voiceprint, a feature of the service.
    Gone = GONE, "GoneException", "Gone";
    /// The request is right, but what it is about is not in a state for it.
    UnprocessableEntity = UNPROCESSABLE_ENTITY, "UnprocessableEntityException", "Unprocessable";
    /// The key asks too fast.
    Throttled = TOO_MANY_REQUESTS, "ThrottledClientException", "Throttled";
    /// A fault of this service.
    ServiceFailure = INTERNAL_SERVER_ERROR, "ServiceFailureException", "ServiceFailure";
    /// An operation of the API that this release does not have yet.
    NotImplemented = NOT_IMPLEMENTED, "NotImplementedException", "NotImplemented";
    /// The store or the signalling side is away; nothing was changed.
    ServiceUnavailable = SERVICE_UNAVAILABLE, "ServiceUnavailableException", "ServiceUnavailable";
}

impl ApiError {
    /// The HTTP status that it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.kind.wire().0
    }

    /// A failure that the caller is told about in `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_s: None, allow: None, cause: None }
    }

    /// A value of `member` that a rule refused.
    pub fn bad_value(member: &str, refused: &Refused) -> Self {
        Self::new(ErrorKind::BadRequest, format!("{member}: {refused}"))
    }

    /// A request that breaks a rule.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, message)
    }

    /// A resource that the caller's account does not have, in the service's own words.
    pub fn no_such(noun: &str, id: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("Could not find {noun} with Id '{id}'"))
    }

    /// A fault of ours. The caller learns no more than where to look.
    pub fn failure() -> Self {
        Self::new(
            ErrorKind::ServiceFailure,
            "the service failed; its log has the cause under the request id of this answer",
        )
    }

    /// Adds what the log needs.
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says which methods would have been right.
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.allow = Some(methods.into());
        self
    }

    /// Says when to come back.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|it| it as &(dyn Error + 'static))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { fault, .. } => Self::new(
                ErrorKind::ServiceUnavailable,
                format!(
                    "{fault}; nothing was changed, ask again when the operator has put it right"
                ),
            )
            .retry_after(1),
            StoreError::Closed => Self::new(
                ErrorKind::ServiceUnavailable,
                "the service is shutting down; nothing was changed, ask again in a moment",
            )
            .retry_after(1),
            StoreError::Corrupt { .. }
            | StoreError::SchemaTooNew { .. }
            | StoreError::Locked { .. }
            | StoreError::RestoreUnfinished { .. }
            | StoreError::Seal(_) => Self::failure(),
        }
        .caused_by(error)
    }
}

impl From<LiveError> for ApiError {
    fn from(error: LiveError) -> Self {
        if error == LiveError::NotServed {
            return Self::new(
                ErrorKind::ServiceUnavailable,
                format!("{error}; nothing was done, and asking again does not help"),
            );
        }
        Self::new(
            ErrorKind::ServiceUnavailable,
            format!("{error}; nothing was done, ask again in a moment"),
        )
        .retry_after(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_store_that_is_away_is_told_from_one_that_is_broken() {
        let away =
            StoreError::Unavailable { fault: store::Fault::DiskFull, detail: "/data".into() };
        let away = ApiError::from(away);
        assert_eq!(away.kind, ErrorKind::ServiceUnavailable);
        assert!(away.message.contains("no space") && !away.message.contains("/data"));
        assert!(away.cause.is_some(), "the log gets the detail");

        let broken = ApiError::from(StoreError::Corrupt { detail: "row 7".into() });
        assert_eq!(broken.kind, ErrorKind::ServiceFailure);
        assert!(!broken.message.contains("row 7"));
    }

    #[test]
    fn the_documented_table_is_the_one_in_the_code() {
        let page = include_str!("../../../../docs/wire-errors.md");
        let cells = |line: &'static str| line.split('|').map(|it| it.trim().trim_matches('`'));
        let documented: BTreeSet<(u16, &str, &str)> = page
            .lines()
            .filter_map(|line| {
                let mut cells = cells(line).skip(1);
                Some((cells.next()?.parse().ok()?, cells.next()?, cells.next()?))
            })
            .collect();
        let coded: BTreeSet<(u16, &str, &str)> = ErrorKind::ALL
            .iter()
            .map(|kind| kind.wire())
            .map(|(status, shape, code)| (status.as_u16(), shape, code))
            .collect();
        assert_eq!(documented, coded);
    }
}
