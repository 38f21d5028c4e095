//! From an output or an error to status and body.

use serde::Serialize;

use crate::error::ErrorShape;
use crate::operation::{Operation, Output};

/// The status and JSON body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// HTTP status code.
    pub status: u16,
    /// JSON, or nothing where the operation answers without a body.
    pub body: Vec<u8>,
}

/// Encodes the success of an operation: its status, and its output without absent members.
#[must_use]
pub fn encode<T: Output>(operation: Operation, output: &T) -> Encoded {
    let spec = operation.spec();
    let body = spec.output.map(|_| json(output)).unwrap_or_default();
    Encoded { status: spec.status, body }
}

/// Encodes a failure: `{"Code":"NotFound","Message":"…"}`. The header `x-amzn-ErrorType` carries
/// [`ErrorShape::name`]; newer clients go by it, older ones by `Code`.
#[must_use]
pub fn encode_error(error: ErrorShape, message: &str) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        code: &'a str,
        message: &'a str,
    }
    let body = json(&Body { code: error.code().as_str(), message });
    Encoded { status: error.status(), body }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire types have string keys and no failing serializer")
}
