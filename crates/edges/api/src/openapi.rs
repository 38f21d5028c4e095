//! The OpenAPI documents of both APIs, for whoever asks.
//!
//! `GET /openapi/chime-sdk-voice.json` and `GET /openapi/operator.json` need no signature: they are the same for every
//! installation of a release and tell nothing of this one. `cargo xtask codegen` writes them.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::answer::{Dialect, REQUEST_ID};
use crate::error::{ApiError, ErrorKind};

/// A document with the tag that tells it from those of other releases.
struct Document {
    text: &'static str,
    tag: LazyLock<HeaderValue>,
}

impl Document {
    const fn new(text: &'static str, tag: fn() -> HeaderValue) -> Self {
        Self { text, tag: LazyLock::new(tag) }
    }
}

static CHIME: Document = Document::new(CHIME_TEXT, || tag_of(CHIME_TEXT));
static OPERATOR: Document = Document::new(OPERATOR_TEXT, || tag_of(OPERATOR_TEXT));
const CHIME_TEXT: &str = include_str!("../../../../docs/openapi/chime-sdk-voice.json");
const OPERATOR_TEXT: &str = include_str!("../../../../docs/openapi/operator.json");

/// A strong validator: the same text has the same one (RFC 9110 §8.8.3).
fn tag_of(text: &str) -> HeaderValue {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    let hex: String = sum.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).expect("quotes and hexadecimal digits")
}

/// The answer to a request for a document; `None` if it is for anything else.
pub(crate) fn answer(parts: &Parts, request_id: &str) -> Option<Response<Full<Bytes>>> {
    let document = match parts.uri.path() {
        "/openapi/chime-sdk-voice.json" => &CHIME,
        "/openapi/operator.json" => &OPERATOR,
        _ => return None,
    };
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let message = format!("{} is served by GET alone; ask with that", parts.uri.path());
        let refused = ApiError::new(ErrorKind::MethodNotServed, message).allow("GET, HEAD");
        return Some(refused.into_response(request_id, Dialect::Json));
    }
    let known = is_known(parts, &document.tag);
    let body = if known { Bytes::new() } else { Bytes::from_static(document.text.as_bytes()) };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(ETAG, document.tag.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REQUEST_ID, HeaderValue::from_str(request_id).expect("a request id is a UUID"));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    Some(response)
}

/// Whether the client has this text already (RFC 9110 §13.1.2).
fn is_known(parts: &Parts, tag: &HeaderValue) -> bool {
    let values = parts.headers.get_all(IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let tag = tag.to_str().unwrap_or_default();
    values
        .flat_map(|it| it.split(','))
        .map(str::trim)
        .any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}
