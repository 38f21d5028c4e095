//! The facts-only model as `scripts/extract-model.py` writes it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole model.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) http: Http,
    pub(crate) input: Option<Reference>,
    pub(crate) output: Option<Reference>,
    #[serde(default)]
    pub(crate) errors: Vec<Reference>,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(rename = "deprecatedSince")]
    pub(crate) deprecated_since: Option<String>,
    #[serde(default)]
    pub(crate) idempotent: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) request_uri: String,
    /// The model leaves it out where it means 200.
    #[serde(default = "ok")]
    pub(crate) response_code: u16,
}

fn ok() -> u16 {
    200
}

/// A use of a shape, as a member, element, key or value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) shape: String,
    pub(crate) location: Option<Location>,
    pub(crate) location_name: Option<String>,
    /// A client may fill it with a random value; nothing to generate for.
    #[serde(default, rename = "idempotencyToken")]
    pub(crate) _idempotency_token: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    Uri,
    Querystring,
}

/// A shape with all the facts that any kind of shape may have. Unknown facts are refused, so that a
/// new kind of constraint in a newer model cannot be dropped silently.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) members: BTreeMap<String, Reference>,
    #[serde(default)]
    pub(crate) required: Vec<String>,
    pub(crate) member: Option<Reference>,
    pub(crate) key: Option<Reference>,
    pub(crate) value: Option<Reference>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) pattern: Option<String>,
    #[serde(rename = "enum")]
    pub(crate) enumeration: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) sensitive: bool,
    #[serde(rename = "timestampFormat")]
    pub(crate) timestamp_format: Option<String>,
    pub(crate) error: Option<HttpError>,
    #[serde(default)]
    pub(crate) exception: bool,
    #[serde(default, rename = "fault")]
    pub(crate) _fault: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct HttpError {
    pub(crate) http_status_code: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Structure,
    String,
    Integer,
    Float,
    Boolean,
    Timestamp,
    List,
    Map,
}

impl Model {
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The shape of this name.
    ///
    /// # Panics
    /// When the model refers to a shape that it does not have.
    pub(crate) fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or_else(|| panic!("the model refers to {name} and has none"))
    }

    /// Exceptions with their status, by name.
    pub(crate) fn exceptions(&self) -> impl Iterator<Item = (&str, u16)> {
        self.shapes.iter().filter(|(_, shape)| shape.exception).map(|(name, shape)| {
            (name.as_str(), shape.error.as_ref().map_or(500, |error| error.http_status_code))
        })
    }
}

impl Operation {
    /// Name of the input type; where the model has none, the name it would have.
    pub(crate) fn input_type(&self) -> String {
        self.input.as_ref().map_or_else(|| format!("{}Request", self.name), |it| it.shape.clone())
    }

    /// Name of the output type.
    pub(crate) fn output_type(&self) -> &str {
        self.output.as_ref().map_or("NoContent", |it| &it.shape)
    }

    /// The path template without its query.
    pub(crate) fn path(&self) -> &str {
        self.http.request_uri.split('?').next().unwrap_or_default()
    }

    /// The fixed query pair, such as `("operation", "put")`.
    pub(crate) fn selector(&self) -> Option<(&str, &str)> {
        self.http.request_uri.split_once('?').and_then(|(_, query)| query.split_once('='))
    }

    /// The request line as documentation shows it.
    pub(crate) fn request_line(&self) -> String {
        format!("{} {}", self.http.method, self.http.request_uri)
    }
}

impl Shape {
    /// Lower and upper limit, of whatever the kind counts.
    pub(crate) fn bounds(&self) -> (Option<i64>, Option<i64>) {
        (self.min, self.max)
    }
}
