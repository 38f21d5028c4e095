//! OpenAPI 3.1 documents: of the 96 operations from the model, of the operator API from its sources.

mod chime;
mod json;
mod operator;
mod rust_types;
mod schema;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::model::Model;
use super::{Error, SourceFile};

/// Where the documents are kept; the service has them built in.
pub(crate) const FOLDER: &str = "docs/openapi";

/// Both documents.
pub(crate) fn emit(root: &Path, model: &Model) -> Result<Vec<SourceFile>, Error> {
    let file = |name: &str, document: &Value| SourceFile {
        path: Path::new(FOLDER).join(name),
        text: json::pretty(document),
    };
    Ok(vec![
        file("chime-sdk-voice.json", &chime::document(model)?),
        file("operator.json", &operator::document(root)?),
    ])
}

/// A document's frame, the same for both but for what is given.
fn document(
    title: &str,
    version: &str,
    description: &str,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
) -> Value {
    let mut schemas = schemas;
    schemas.insert("Error".to_owned(), error_schema());
    let mut responses = Map::new();
    paths.values().for_each(|it| error_responses(it, &mut responses));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": description,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8060", "description": "The default of http.listen." }],
        "security": [{ "signature": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "securitySchemes": { "signature": signature_scheme() },
            "headers": {
                "RequestId": {
                    "description": "Names the request in the service's log.",
                    "required": true,
                    "schema": { "type": "string", "format": "uuid" },
                },
            },
        },
    })
}

/// The envelope of every error.
fn error_schema() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong: a name for programs, and a sentence that names the member, its value \
                        (secrets excepted), the rule and the remedy.",
        "properties": { "Code": { "type": "string" }, "Message": { "type": "string" } },
        "required": ["Code", "Message"],
    })
}

/// OpenAPI has no scheme for AWS's signatures; this is the way that its tools know.
fn signature_scheme() -> Value {
    json!({
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4 with the signing name `chime`, by an access key of the service.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    })
}

/// A response without a body.
fn empty_response(description: &str) -> Value {
    json!({ "description": description, "headers": headers(&[]) })
}

/// A response with a body of a media type.
fn response(description: &str, media: &str, schema: &Value) -> Value {
    json!({
        "description": description,
        "headers": headers(&[]),
        "content": { media: { "schema": schema } },
    })
}

/// What the name of a shared response is put together with.
const AND: &str = "-";
const RESPONSES: &str = "#/components/responses/";

/// A response that says what went wrong, by one of these names. Each set of names stands in the
/// document once.
fn error_response(names: &[&str]) -> Value {
    json!({ "$ref": format!("{RESPONSES}{}", names.join(AND)) })
}

/// The shared responses that a part of a document refers to.
fn error_responses(part: &Value, found: &mut Map<String, Value>) {
    match part {
        Value::Object(members) => members.values().for_each(|it| error_responses(it, found)),
        Value::Array(elements) => elements.iter().for_each(|it| error_responses(it, found)),
        Value::String(text) => {
            let Some(name) = text.strip_prefix(RESPONSES) else { return };
            let names: Vec<&str> = name.split(AND).collect();
            let response = json!({
                "description": names.join(", "),
                "headers": headers(&names),
                "content": { "application/json": { "schema": reference("Error") } },
            });
            found.insert(name.to_owned(), response);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn headers(errors: &[&str]) -> Value {
    let mut headers = Map::new();
    headers.insert("x-amzn-RequestId".into(), json!({ "$ref": "#/components/headers/RequestId" }));
    if !errors.is_empty() {
        headers.insert(
            "x-amzn-ErrorType".into(),
            json!({ "required": true, "schema": { "type": "string", "enum": errors } }),
        );
    }
    Value::Object(headers)
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// `GetVoiceConnector` → `Get voice connector`.
fn sentence(name: &str) -> String {
    let words = super::names::snake(name).replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
    })
}
