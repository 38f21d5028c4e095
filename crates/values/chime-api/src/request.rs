//! The client's side of the wire: an input as method, path, query and body.

use zeroize::Zeroizing;

use crate::check::{Place, check_wire, unknown_members};
use crate::decode::parse_body;
use crate::node::{Node, Text};
use crate::operation::{Input, Method, Operation};
use crate::percent;
use crate::shape::{Location, Member, Presence};
use crate::violation::{Rule, Shown, Violation};

/// An operation's request as it goes on the wire, before signing.
#[derive(Clone)]
pub struct RequestParts {
    /// HTTP method.
    pub method: Method,
    /// Path with its labels percent-encoded.
    pub path: String,
    /// Query without its question mark; empty when there is none.
    pub query: String,
    /// JSON body, wiped on drop; `None` for operations without body members.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for RequestParts {
    /// Method and path template only: labels, query and body may be sensitive.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body_bytes = self.body.as_ref().map_or(0, |body| body.len());
        write!(f, "RequestParts({} with a body of {body_bytes} bytes)", self.method)
    }
}

/// Puts a typed input on the wire.
///
/// # Errors
/// A [`Violation`] when a path label is empty. Constraints are left to the server to judge, whose
/// model may be newer.
pub fn request_parts<T: Input>(input: &T) -> Result<RequestParts, Violation> {
    request_parts_of(T::OPERATION, &wiped_json(input))
}

/// Puts an operation's input, given as one JSON object with all members by their names in the model,
/// on the wire. Labels and query members stand beside those of the body, as in the AWS CLI's
/// `--cli-input-json`.
///
/// # Errors
/// A [`Violation`] when the text is no JSON object, has a member that the operation does not have
/// (most often misspelled), lacks a required one, or cannot be put in the path or query.
pub fn request_parts_of(operation: Operation, json: &[u8]) -> Result<RequestParts, Violation> {
    let spec = operation.spec();
    let document = parse_body(spec.input, if json.is_empty() { b"{}" } else { json })?;
    if !matches!(document, Node::Object(_)) {
        let rule = Rule::Type { expected: "an object", found: document.describe() };
        return Err(Violation::of_body(rule));
    }
    unknown_members(spec.input, &document, Place::Root)?;

    let mut query = String::new();
    if let Some(selector) = spec.selector {
        push_query(&mut query, selector.key, selector.value);
    }
    let mut body = Vec::new();
    let mut path = spec.path.to_owned();
    for member in spec.input.members() {
        let Some(value) = document.member(member.name) else {
            absent(member)?;
            continue;
        };
        check_wire(member.shape, value, member.location, member.name)?;
        match member.location {
            Location::Body => body.push((Text::new(member.name), value)),
            Location::Label(label) => path = fill(&path, label, member, &plain(value))?,
            Location::Query(key) => push_query(&mut query, key, &plain(value)),
        }
    }
    let body = spec.input.has_body().then(|| body_json(&body));
    Ok(RequestParts { method: spec.method, path, query, body })
}

fn absent(member: &Member) -> Result<(), Violation> {
    match member.presence {
        Presence::Optional => Ok(()),
        Presence::Required => {
            Err(Violation::new(member.name, Shown::Nothing, Rule::Required(member.location)))
        }
    }
}

/// Puts a value in place of `{label}`.
fn fill(path: &str, label: &str, member: &Member, value: &str) -> Result<String, Violation> {
    if value.is_empty() {
        return Err(Violation::new(member.name, Shown::Nothing, Rule::EmptyLabel));
    }
    let mut encoded = String::new();
    match value {
        // Left plain, these two would be taken for steps within the path (RFC 3986 §5.2.4).
        "." => encoded.push_str("%2E"),
        ".." => encoded.push_str("%2E%2E"),
        _ => percent::encode_into(&mut encoded, value),
    }
    Ok(path.replace(&format!("{{{label}}}"), &encoded))
}

fn push_query(query: &mut String, key: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    percent::encode_into(query, key);
    query.push('=');
    percent::encode_into(query, value);
}

/// A scalar as path and query spell it.
fn plain(node: &Node<'_>) -> String {
    match node {
        Node::Text(text) => text.as_str().to_owned(),
        Node::Boolean(value) => value.to_string(),
        Node::Integer(value) => value.to_string(),
        Node::Float(value) => value.to_string(),
        Node::Null | Node::List(_) | Node::Object(_) => String::new(),
    }
}

fn body_json(entries: &[(Text<'_>, &Node<'_>)]) -> Zeroizing<Vec<u8>> {
    struct Body<'b, 'a>(&'b [(Text<'a>, &'b Node<'a>)]);
    impl serde::Serialize for Body<'_, '_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key.as_str(), value)))
        }
    }
    wiped_json(&Body(entries))
}

/// JSON in a buffer that is wiped on drop. It is measured first, because a buffer that grows leaves
/// its earlier, smaller copies behind unwiped.
fn wiped_json(value: &impl serde::Serialize) -> Zeroizing<Vec<u8>> {
    const HOLDS: &str = "wire types have string keys, and neither writer fails";
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).expect(HOLDS);
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, value).expect(HOLDS);
    json
}

/// A writer that only counts.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
