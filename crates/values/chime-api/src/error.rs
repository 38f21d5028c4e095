//! The exceptions of the API.

use crate::generated::types::ErrorCode;

pub use crate::generated::operation::ErrorShape;

impl ErrorShape {
    /// The `Code` member of the body, as the older model of the API spells it.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::AccessDeniedException => ErrorCode::AccessDenied,
            Self::BadRequestException => ErrorCode::BadRequest,
            Self::ConflictException => ErrorCode::Conflict,
            Self::ForbiddenException => ErrorCode::Forbidden,
            Self::GoneException => ErrorCode::Gone,
            Self::NotFoundException => ErrorCode::NotFound,
            Self::ResourceLimitExceededException => ErrorCode::ResourceLimitExceeded,
            Self::ServiceFailureException => ErrorCode::ServiceFailure,
            Self::ServiceUnavailableException => ErrorCode::ServiceUnavailable,
            Self::ThrottledClientException => ErrorCode::Throttled,
            Self::UnauthorizedClientException => ErrorCode::Unauthorized,
            Self::UnprocessableEntityException => ErrorCode::Unprocessable,
        }
    }
}

impl std::fmt::Display for ErrorShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
