//! Answers: status, headers, body.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::error::ApiError;

/// The header that names a request in logs and support questions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The header that SDKs type errors by.
pub const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// A successful answer before it becomes HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, PartialEq, Eq)]
enum Body {
    Empty,
    Json(Vec<u8>),
    Xml(String),
    Octets(Vec<u8>),
}

impl Answer {
    /// Nothing to say: 204.
    pub(crate) const NO_CONTENT: Self = Self { status: StatusCode::NO_CONTENT, body: Body::Empty };

    /// JSON text that is already encoded; empty means no body.
    pub(crate) fn encoded(status: u16, json: Vec<u8>) -> Self {
        let body = if json.is_empty() { Body::Empty } else { Body::Json(json) };
        let status = StatusCode::from_u16(status).expect("the operation table has HTTP statuses");
        Self { status, body }
    }

    /// A value as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let json =
            serde_json::to_vec(value).expect("answers have text keys and no failing serializer");
        Self { status, body: Body::Json(json) }
    }

    /// Bytes that are no text.
    pub(crate) fn octets(bytes: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, body: Body::Octets(bytes) }
    }

    /// XML, as the AWS query protocol answers.
    pub(crate) fn xml(status: StatusCode, text: String) -> Self {
        Self { status, body: Body::Xml(text) }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The JSON text; nothing if it has another body or none.
    pub(crate) fn into_json(self) -> Vec<u8> {
        match self.body {
            Body::Json(json) => json,
            Body::Empty | Body::Xml(_) | Body::Octets(_) => Vec::new(),
        }
    }

    /// The HTTP response.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Full<Bytes>> {
        let (body, content_type) = match self.body {
            Body::Empty => (Bytes::new(), None),
            Body::Json(json) => (Bytes::from(json), Some(JSON)),
            Body::Xml(text) => (Bytes::from(text), Some(XML)),
            Body::Octets(bytes) => (Bytes::from(bytes), Some(OCTETS)),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        if let Some(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        response.headers_mut().insert(REQUEST_ID, header(request_id));
        response
    }
}

/// How an error is written: each AWS protocol has its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `{"Code","Message"}`, as this API does.
    Json,
    /// `{"__type","message"}`, as services do that name their operation in `x-amz-target`.
    JsonRpc,
    /// `<ErrorResponse><Error>…`, as STS and other query services do.
    Query,
    /// `<Error>…`, as S3 does.
    RestXml,
}

impl ApiError {
    /// The HTTP response.
    pub(crate) fn into_response(self, request_id: &str, dialect: Dialect) -> Response<Full<Bytes>> {
        #[derive(Serialize)]
        struct Envelope<'a> {
            #[serde(rename = "Code")]
            code: &'a str,
            #[serde(rename = "Message")]
            message: &'a str,
        }
        #[derive(Serialize)]
        struct RpcEnvelope<'a> {
            #[serde(rename = "__type")]
            shape: &'a str,
            message: &'a str,
        }
        let (status, shape, code) = self.kind.wire();
        let message = &self.message;
        let inner = || format!("<Code>{code}</Code><Message>{}</Message>", escape_xml(message));
        let answer = match dialect {
            Dialect::Json => Answer::json(status, &Envelope { code, message }),
            Dialect::JsonRpc => Answer::json(status, &RpcEnvelope { shape, message }),
            Dialect::Query => Answer::xml(
                status,
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type>{}</Error><RequestId>{request_id}</RequestId>\
                     </ErrorResponse>",
                    inner()
                ),
            ),
            Dialect::RestXml => Answer::xml(
                status,
                format!("<Error>{}<RequestId>{request_id}</RequestId></Error>", inner()),
            ),
        };
        let mut response = answer.into_response(request_id);
        response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(shape));
        if let Some(allow) = self.allow.and_then(|it| HeaderValue::try_from(it).ok()) {
            response.headers_mut().insert(ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Escapes text for XML content.
pub(crate) fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            control if control.is_control() => out.push(' '),
            plain => out.push(plain),
        }
    }
    out
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a request id is a UUID")
}
