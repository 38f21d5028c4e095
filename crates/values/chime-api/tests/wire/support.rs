//! Samples made of the descriptors: valid documents of any shape, and documents that break exactly
//! one constraint.

use chime_api::shape::{Bounds, Kind, Location, Member, Pattern, Presence, Secrecy, Shape};
use chime_api::{
    Input, Labels, Method, Operation, RouteError, Spec, Violation, decode, for_each_operation,
    route,
};
use serde_json::{Map, Value, json};

/// A request in parts, as a server sees it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

/// Why a request was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    Route(RouteError),
    Violation(Violation),
}

impl Refusal {
    /// What the caller reads.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Route(error) => error.to_string(),
            Self::Violation(violation) => violation.to_string(),
        }
    }
}

/// Routes and decodes a request; the input comes back as JSON.
pub(crate) fn accept(request: &Request) -> Result<(Operation, Value), Refusal> {
    let matched = route(request.method, &request.path, &request.query).map_err(Refusal::Route)?;
    let input = decode_any(matched.operation, &matched.labels, &request.query, &request.body)
        .map_err(Refusal::Violation)?;
    Ok((matched.operation, input))
}

macro_rules! decode_by_operation {
    ($($operation:ident => $input:ident;)+) => {
        /// Decodes the input of any operation; it comes back as JSON.
        pub(crate) fn decode_any(
            operation: Operation,
            labels: &Labels,
            query: &str,
            body: &[u8],
        ) -> Result<Value, Violation> {
            fn one<T: Input>(labels: &Labels, query: &str, body: &[u8]) -> Result<Value, Violation> {
                let input: T = decode(labels, query, body)?;
                Ok(serde_json::to_value(&input).expect("inputs serialize"))
            }
            match operation {
                $(Operation::$operation => one::<chime_api::types::$input>(labels, query, body),)+
            }
        }
    };
}
for_each_operation!(decode_by_operation);

/// Puts a flat document on the wire, without judging it.
pub(crate) fn request(spec: &Spec, document: &Value) -> Request {
    let mut path = spec.path.to_owned();
    let mut query = spec
        .selector
        .map(|selector| format!("{}={}", selector.key, selector.value))
        .unwrap_or_default();
    let mut body = Map::new();
    for member in spec.input.members() {
        let value = document.get(member.name);
        match (member.location, value) {
            (Location::Body, Some(value)) => {
                body.insert(member.name.to_owned(), value.clone());
            }
            (Location::Label(label), value) => {
                let plain = value.map(plain).unwrap_or_default();
                path = path.replace(&format!("{{{label}}}"), &percent_encoded(&plain));
            }
            (Location::Query(key), Some(value)) => {
                let separator = if query.is_empty() { "" } else { "&" };
                query += &format!("{separator}{key}={}", percent_encoded(&plain(value)));
            }
            (Location::Body | Location::Query(_), None) => {}
        }
    }
    let body = if spec.input.has_body() {
        serde_json::to_vec(&body).expect("documents serialize")
    } else {
        Vec::new()
    };
    Request { method: spec.method, path, query, body }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Which members a sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Members {
    /// Only what is required.
    Required,
    /// Everything.
    All,
}

/// A valid document of a shape.
pub(crate) fn valid(shape: &Shape, which: Members) -> Value {
    match &shape.kind {
        Kind::Structure(members) => Value::Object(
            members
                .iter()
                .filter(|it| which == Members::All || it.presence == Presence::Required)
                .map(|it| (it.name.to_owned(), valid(it.shape, which)))
                .collect(),
        ),
        Kind::Text { length, pattern } => json!(valid_text(*length, pattern.map(|it| it.source()))),
        Kind::Enumeration(values) => json!(values[0]),
        Kind::Integer(bounds) => json!(bounds.min.unwrap_or(1)),
        Kind::Float(bounds) => json!(bounds.max.unwrap_or(1)),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!("2026-11-23T10:11:12.345Z"),
        Kind::List { element, size } => {
            let count = size.min.unwrap_or(1).max(1);
            Value::Array((0..count).map(|_| valid(element, which)).collect())
        }
        Kind::Map { key, value, .. } => {
            let Value::String(key) = valid(key, which) else { panic!("keys are texts") };
            Value::Object(Map::from_iter([(key, valid(value, which))]))
        }
    }
}

/// A text for each pattern of the model. A new pattern fails here until it has its sample.
const SAMPLES: &[&str] = &[
    "x",
    "US",
    "206",
    "844",
    "+12065550100",
    "dr3rbaar376u5r4ntcnlq4",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "arn:aws:chime:us-east-1:000000000000:vc/abc",
    "arn:aws:lambda:us-east-1:000000000000:function:answer",
    "amzn1.application-oa2-client.00112233445566778899aabbccddeeff",
    "call-records",
    "Some name",
];

fn valid_text(length: Bounds, pattern: Option<&'static str>) -> String {
    let fits = |text: &&&str| {
        let count = i64::try_from(text.chars().count()).expect("samples are short");
        length.allow(count) && pattern.is_none_or(|it| matches(it, text))
    };
    let sample = SAMPLES.iter().find(fits);
    (*sample.unwrap_or_else(|| panic!("no sample for {pattern:?} and {length:?}"))).to_owned()
}

fn matches(pattern: &'static str, text: &str) -> bool {
    Pattern::new(pattern).matches(text)
}

/// A document with one fault, and the path of the member that has it.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) document: Value,
    pub(crate) member: String,
    pub(crate) fault: &'static str,
}

/// Every way to break one constraint of an input.
pub(crate) fn broken_inputs(spec: &Spec) -> Vec<Broken> {
    let whole = valid(spec.input, Members::All);
    let mut found = Vec::new();
    for member in spec.input.members() {
        let without = |value: Option<Value>| {
            let mut document = whole.clone();
            let members = document.as_object_mut().expect("inputs are structures");
            match value {
                Some(value) => members.insert(member.name.to_owned(), value),
                None => members.remove(member.name),
            };
            document
        };
        let name = member.name.to_owned();
        if member.presence == Presence::Required {
            found.push(Broken { document: without(None), member: name.clone(), fault: "absent" });
        }
        if member.presence == Presence::Required && member.location == Location::Body {
            let document = without(Some(Value::Null));
            found.push(Broken { document, member: name.clone(), fault: "null" });
        }
        for (value, inside, fault) in broken_values(member.shape) {
            if wire_can_carry(member, &value, fault) {
                found.push(Broken {
                    document: without(Some(value)),
                    member: format!("{name}{inside}"),
                    fault,
                });
            }
        }
    }
    found
}

/// Path and query carry text alone, so a text of another type cannot be sent there.
fn wire_can_carry(member: &Member, value: &Value, fault: &str) -> bool {
    let text = matches!(member.shape.kind, Kind::Text { .. } | Kind::Enumeration(_));
    match member.location {
        Location::Body => true,
        Location::Label(_) | Location::Query(_) => {
            (value.is_string() || value.is_number()) && !(text && fault == "type")
        }
    }
}

/// A value that breaks one constraint, the path below the value itself, and what is wrong.
type Fault = (Value, String, &'static str);

fn here(value: Value, fault: &'static str) -> Fault {
    (value, String::new(), fault)
}

/// Values of a shape that break one constraint each.
fn broken_values(shape: &Shape) -> Vec<Fault> {
    match &shape.kind {
        Kind::Structure(members) => broken_structures(shape, members),
        Kind::Text { length, pattern } => broken_texts(*length, *pattern),
        Kind::Enumeration(_) => {
            vec![here(json!("NoSuchValue"), "enum"), here(json!(7), "type")]
        }
        Kind::Integer(bounds) => {
            let mut found = vec![
                here(json!("text"), "type"),
                here(json!(1.5), "fraction"),
                here(json!(i64::from(i32::MAX) + 1), "beyond 32 bits"),
            ];
            found.extend(bounds.min.map(|min| here(json!(min - 1), "too small")));
            found.extend(bounds.max.map(|max| here(json!(max + 1), "too large")));
            found
        }
        Kind::Float(_) | Kind::Boolean | Kind::Timestamp => vec![here(json!("neither"), "type")],
        Kind::List { element, size } => broken_lists(element, *size),
        Kind::Map { key, value, size } => {
            assert_ne!(key.secrecy, Secrecy::Open, "the maps of the model have sensitive keys");
            broken_maps(value, *size)
        }
    }
}

fn broken_structures(shape: &Shape, members: &[Member]) -> Vec<Fault> {
    let mut found = vec![here(json!("text"), "type")];
    for member in members {
        let with = |value: Option<Value>| {
            let mut whole = valid(shape, Members::All);
            let inner = whole.as_object_mut().expect("structures are objects");
            match value {
                Some(value) => inner.insert(member.name.to_owned(), value),
                None => inner.remove(member.name),
            };
            whole
        };
        if member.presence == Presence::Required {
            found.push((with(None), format!(".{}", member.name), "absent"));
        }
        for (value, inside, fault) in broken_values(member.shape) {
            found.push((with(Some(value)), format!(".{}{inside}", member.name), fault));
        }
    }
    found
}

fn broken_texts(length: Bounds, pattern: Option<&Pattern>) -> Vec<Fault> {
    let mut found = vec![here(json!(7), "type")];
    if let Some(max) = length.max {
        let long = "8".repeat(usize::try_from(max).expect("limits are positive") + 1);
        found.push(here(json!(long), "too long"));
    }
    if length.min.is_some_and(|min| min > 0) {
        found.push(here(json!(""), "too short"));
    }
    if let Some(pattern) = pattern {
        let bad = ["!", " ", "\u{1}"].into_iter().find(|it| !pattern.matches(it));
        found.push(here(json!(bad.expect("some text breaks each pattern")), "pattern"));
    }
    found
}

fn broken_lists(element: &Shape, size: Bounds) -> Vec<Fault> {
    let list =
        |count: i64| Value::Array((0..count).map(|_| valid(element, Members::All)).collect());
    let mut found = vec![here(json!("text"), "type")];
    found.extend(size.min.filter(|it| *it > 0).map(|it| here(list(it - 1), "too few")));
    found.extend(size.max.map(|max| here(list(max + 1), "too many")));
    let last = size.min.unwrap_or(1).max(1) - 1;
    for (value, inside, fault) in broken_values(element) {
        let mut whole = list(last + 1);
        *whole.as_array_mut().and_then(|it| it.last_mut()).expect("not empty") = value;
        found.push((whole, format!("[{last}]{inside}"), fault));
    }
    found
}

fn broken_maps(value: &Shape, size: Bounds) -> Vec<Fault> {
    let sample = valid(value, Members::All);
    let many = |count: i64| (0..count).map(|it| (format!("key {it}"), sample.clone())).collect();
    let mut found = vec![here(json!(["text"]), "type")];
    found.extend(size.max.map(|max| here(Value::Object(many(max + 1)), "too many")));
    for (value, inside, fault) in broken_values(value) {
        found.push((json!({ "key": value }), format!("{{entry 0}}{inside}"), fault));
    }
    found
}
