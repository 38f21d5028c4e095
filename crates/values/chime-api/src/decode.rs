//! From labels, query and body to a checked input.

use crate::accommodate::accommodate;
use crate::check::{Place, check, expected, place_name};
use crate::node::{self, Fault, Limits, Node, Text};
use crate::operation::Input;
use crate::percent::{self, Plus};
use crate::route::Labels;
use crate::shape::{Kind, Location, Member, Shape};
use crate::violation::{Rule, Shown, Violation};

/// Longest body that is looked at, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting of lists and objects in a body. The model needs five.
pub const DEPTH_MAX: u32 = 32;

/// Most JSON values in a body, so that a body of many tiny ones cannot take fifty times its size.
pub const NODES_MAX: u32 = 1 << 16;

pub(crate) const LIMITS: Limits = Limits { depth: DEPTH_MAX, nodes: NODES_MAX };

/// Makes an operation's input of the parts of a request, checked against the model.
///
/// `labels` come from [`route()`](crate::route()), `query` is the raw query string, `body` the whole
/// body. An empty body stands for `{}`; the body of an operation that has none is not looked at.
/// Unknown members and unknown query keys are ignored, as the service ignores them; null is absence.
///
/// # Errors
/// The first [`Violation`]: of the body as JSON, of the query, then of the members in the model's
/// order.
pub fn decode<T: Input>(labels: &Labels, query: &str, body: &[u8]) -> Result<T, Violation> {
    let shape = T::OPERATION.spec().input;
    let mut document = gather(shape, labels, query, body)?;
    accommodate(T::OPERATION, &mut document);
    check(shape, &document, Place::Root)?;
    T::deserialize(&document).map_err(|_| Violation::of_body(Rule::Unreadable))
}

/// One object with every member of the input, wherever in the request it travelled.
pub(crate) fn gather<'a>(
    shape: &Shape,
    labels: &'a Labels,
    query: &str,
    body: &'a [u8],
) -> Result<Node<'a>, Violation> {
    let members = shape.members();
    let mut entries = if shape.has_body() { body_entries(shape, body)? } else { Vec::new() };
    // A body must not speak for the path: what is no body member is unknown there.
    entries.retain(|(key, _)| {
        members.iter().any(|it| it.location == Location::Body && it.name == key.as_str())
    });
    for member in members {
        match member.location {
            Location::Body => {}
            Location::Label(name) => {
                if let Some(value) = labels.get(name) {
                    Node::put(&mut entries, member.name, Node::Text(Text::new(value)));
                }
            }
            Location::Query(key) => {
                if let Some(value) = query_value(member, key, query)? {
                    Node::put(&mut entries, member.name, value);
                }
            }
        }
    }
    Ok(Node::Object(entries))
}

fn body_entries<'a>(shape: &Shape, body: &'a [u8]) -> Result<Vec<(Text<'a>, Node<'a>)>, Violation> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let document = parse_body(shape, body)?;
    let found = document.describe();
    if let Node::Object(entries) = document {
        return Ok(entries);
    }
    Err(Violation::of_body(Rule::Type { expected: expected(&shape.kind), found }))
}

/// Parses a body strictly; `shape` names the places of faults.
pub(crate) fn parse_body<'a>(shape: &Shape, body: &'a [u8]) -> Result<Node<'a>, Violation> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Violation::of_body(Rule::Bytes(BODY_BYTES_MAX)));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| Violation::of_body(Rule::Utf8(error.valid_up_to())))?;
    node::parse(text, LIMITS).map_err(|fault| match fault {
        Fault::Syntax { line, column, reason } => {
            Violation::of_body(Rule::Syntax { line, column, reason })
        }
        Fault::DuplicateKey { place } => {
            Violation::new(place_name(shape, &place), Shown::Nothing, Rule::Twice)
        }
        Fault::Depth => Violation::of_body(Rule::Depth(LIMITS.depth)),
        Fault::Nodes => Violation::of_body(Rule::Nodes(LIMITS.nodes)),
    })
}

/// The value of a query key, typed as its member's shape demands.
fn query_value<'a>(member: &Member, key: &str, query: &str) -> Result<Option<Node<'a>>, Violation> {
    let refuse = |rule| Err(Violation::new(member.name, Shown::Nothing, rule));
    // Keys of the model are plain, so a key that needs decoding is another key.
    let mut values = percent::pairs(query).filter(|(it, _)| *it == key).map(|(_, value)| value);
    let Some(raw) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refuse(Rule::Twice);
    }
    match percent::decode(raw, Plus::Space) {
        Ok(text) => Ok(Some(typed(&member.shape.kind, text))),
        Err(_) => refuse(Rule::Encoding),
    }
}

/// Reads query text as the JSON value it stands for. What does not read stays text, and the check
/// then refuses it by type.
fn typed<'a>(kind: &Kind, text: String) -> Node<'a> {
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i128>().ok()).flatten()
    };
    match kind {
        Kind::Boolean if text == "true" => Node::Boolean(true),
        Kind::Boolean if text == "false" => Node::Boolean(false),
        Kind::Integer(_) | Kind::Float(_) => match number(&text) {
            Some(number) => Node::Integer(number),
            None => Node::Text(Text::new(text)),
        },
        Kind::Boolean
        | Kind::Text { .. }
        | Kind::Enumeration(_)
        | Kind::Timestamp
        | Kind::Structure(_)
        | Kind::List { .. }
        | Kind::Map { .. } => Node::Text(Text::new(text)),
    }
}
