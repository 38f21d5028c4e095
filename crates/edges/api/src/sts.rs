//! The small part of STS that the AWS tools ask before they work: who am I?
//!
//! AWS query protocol: a form in, XML out. Terraform and others call it on the same endpoint when
//! only `AWS_ENDPOINT_URL` is set.

use http::StatusCode;
use http::request::Parts;

use crate::answer::{Answer, escape_xml};
use crate::authenticate::Caller;
use crate::error::{ApiError, ErrorKind};

/// Answers a verified request that was signed for `sts`.
pub(crate) fn answer(
    parts: &Parts,
    body: &[u8],
    caller: &Caller,
    request_id: &str,
) -> Result<Answer, ApiError> {
    let form = std::str::from_utf8(body).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let action = [form, query].iter().find_map(|it| action(it)).unwrap_or_default();
    if action != "GetCallerIdentity" {
        let shown: String = action.chars().take(64).collect();
        return Err(ApiError::new(
            ErrorKind::InvalidAction,
            format!("of sts, this endpoint serves GetCallerIdentity alone, not '{shown}'"),
        ));
    }
    let (account, key_id) = (caller.account(), escape_xml(caller.key_id()));
    Ok(Answer::xml(
        StatusCode::OK,
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/{key_id}</Arn><UserId>{key_id}</UserId>\
             <Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>\
             <RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        ),
    ))
}

/// The value of `Action` in a form; names of actions need no decoding.
fn action(form: &str) -> Option<&str> {
    form.split('&').find_map(|it| it.strip_prefix("Action="))
}
