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

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// 2026-11-23T10:11:12Z.
    const NOW: Duration = Duration::from_secs(1_795_428_672);

    /// The headers of a request signed with the key that AWS uses in its examples.
    fn signed(request: Unsigned<'_>, token: Option<&str>) -> Vec<(String, String)> {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, token.map(str::to_owned));
        headers(request, &credentials, "us-east-1", UNIX_EPOCH + NOW)
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect()
    }

    fn value<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
        &headers.iter().find(|(it, _)| it == name).unwrap().1
    }

    fn authorization(signed_headers: &str, signature: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/chime/aws4_request, \
             SignedHeaders={signed_headers}, Signature={signature}"
        )
    }

    // The three signatures below were computed by botocore for the same request, key and moment.

    #[test]
    fn a_body_is_signed_as_botocore_signs_it() {
        let url = "http://127.0.0.1:8060/voice-connectors/dr3rbaar376u5r4ntcnlq4/termination/\
                   credentials?operation=put";
        let (content_type, body) = (Some("application/json"), &b"{\"Credentials\":[]}"[..]);
        let headers = signed(Unsigned { method: "POST", url, content_type, body }, None);
        assert_eq!(value(&headers, "x-amz-date"), "20261123T101112Z");
        assert_eq!(
            value(&headers, "authorization"),
            authorization(
                "content-type;host;x-amz-date",
                "fe710b7c47fc3f6986ed4c4b42beead1162cea1f69cd6a73d288a8a4551766b6"
            )
        );
        assert_eq!(headers.len(), 2, "no x-amz-content-sha256: {headers:?}");
    }

    #[test]
    fn an_encoded_path_is_encoded_once_more_as_botocore_does() {
        let url = "https://voice-chime.us-east-1.amazonaws.com/phone-numbers/%252B12065550100";
        let request = Unsigned { method: "GET", url, content_type: None, body: b"" };
        assert_eq!(
            value(&signed(request, None), "authorization"),
            authorization(
                "host;x-amz-date",
                "bb4e80c4b8563bcea516ce7bea0dc450b2e21a08ee3a07e9f67cc3d2e7b55439"
            )
        );
    }

    #[test]
    fn a_query_and_a_session_token_are_signed_as_botocore_signs_them() {
        let url = "http://localhost:8060/phone-numbers?filter-name=VoiceConnectorId&\
                   filter-value=a%20b%2B&max-results=5";
        let request = Unsigned { method: "GET", url, content_type: None, body: b"" };
        let headers = signed(request, Some("TOKEN"));
        assert_eq!(value(&headers, "x-amz-security-token"), "TOKEN");
        assert_eq!(
            value(&headers, "authorization"),
            authorization(
                "host;x-amz-date;x-amz-security-token",
                "cc04e4ed69fec9958e872659982378fb698dde88e90319cb5756c9df6b969a2a"
            )
        );
    }

    #[test]
    fn credentials_that_no_header_can_carry_are_refused() {
        let credentials = Credentials::new("AK\n", "s", None);
        let request = Unsigned { method: "GET", url: "http://h/", content_type: None, body: b"" };
        let refused = headers(request, &credentials, "us-east-1", UNIX_EPOCH + NOW);
        assert!(matches!(refused, Err(SignError::Header)));
    }
}
