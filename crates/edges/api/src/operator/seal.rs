//! The seal of secrets at rest.

use http::StatusCode;
use store::Resumed;

use super::dto::SealRotation;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::ApiError;

/// Makes a new seal key and seals every secret anew. Asked again after it was cut short, it goes on.
pub(super) async fn rotate(context: &Context, _permit: OperatorPermit) -> Result<Answer, ApiError> {
    let done = context.store.rotate().await?;
    let answer = SealRotation {
        key: done.key.to_string(),
        resealed: done.resealed,
        resumed: done.resumed == Resumed::Yes,
    };
    Ok(Answer::json(StatusCode::OK, &answer))
}
