//! Signature Version 4 in headers, as the AWS CLI signs for this service.
//!
//! The signing name is `chime`. The canonical path is the path of the request encoded once more
//! (`/phone-numbers/%2B1206…` is signed as `/phone-numbers/%252B1206…`), and no
//! `x-amz-content-sha256` header is sent.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderName, HeaderValue};

use crate::config::Credentials;

/// The name of the service in the credential scope.
const SIGNING_NAME: &str = "chime";

/// The request to be signed.
#[derive(Clone, Copy)]
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'a str,
    /// The whole URL, percent-encoded as it goes on the wire.
    pub(crate) url: &'a str,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// The request cannot be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("the request cannot be signed: {0}")]
    Canonical(#[from] aws_sigv4::http_request::SigningError),
    #[error("the credentials hold characters that no header can carry")]
    Header,
}

/// The headers that sign a request: `x-amz-date`, `authorization`, and `x-amz-security-token` for
/// temporary credentials.
pub(crate) fn headers(
    request: Unsigned<'_>,
    credentials: &Credentials,
    region: &str,
    now: SystemTime,
) -> Result<Vec<(HeaderName, HeaderValue)>, SignError> {
    let identity = aws_credential_types::Credentials::new(
        credentials.access_key_id(),
        credentials.secret_access_key(),
        credentials.session_token().map(str::to_owned),
        None,
        "chime-client",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SIGNING_NAME)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .expect("every field of the parameters is set");
    let signed_headers = request.content_type.map(|it| ("content-type", it));
    let signable = SignableRequest::new(
        request.method,
        request.url,
        signed_headers.into_iter(),
        SignableBody::Bytes(request.body),
    )?;
    let (instructions, _signature) = sign(signable, &parameters.into())?.into_parts();
    let (headers, _query) = instructions.into_parts();
    headers
        .into_iter()
        .map(|header| {
            let name = HeaderName::from_static(header.name());
            let mut value = HeaderValue::from_str(header.value()).map_err(|_| SignError::Header)?;
            value.set_sensitive(true);
            Ok((name, value))
        })
        .collect()
}
