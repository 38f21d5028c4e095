//! Holds a document against a shape.

use std::fmt::Write as _;

use crate::node::{Node, Step};
use crate::shape::{Bounds, Kind, Location, Presence, Secrecy, Shape};
use crate::timestamp::Timestamp;
use crate::violation::{Rule, Shown, Violation, quoted};

/// Where in the document the check is, without allocating until something is wrong.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    Root,
    Member(&'p Self, &'p str),
    Index(&'p Self, usize),
    /// An entry of a map whose keys are not to be shown, by its number.
    Entry(&'p Self, usize),
}

impl Place<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Place::Root => {}
            Place::Member(parent, name) => {
                parent.write(out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Place::Index(parent, index) => {
                parent.write(out);
                write!(out, "[{index}]").expect("writing to a String does not fail");
            }
            Place::Entry(parent, number) => {
                parent.write(out);
                write!(out, "{{entry {number}}}").expect("writing to a String does not fail");
            }
        }
    }

    fn violation(&self, value: Shown, rule: Rule) -> Violation {
        let mut member = String::new();
        self.write(&mut member);
        if member.is_empty() {
            return Violation::of_body(rule);
        }
        Violation::new(member, value, rule)
    }
}

/// Holds `node` against `shape`, all the way down. The first violation in the model's order ends it.
pub(crate) fn check(shape: &Shape, node: &Node<'_>, at: Place<'_>) -> Result<(), Violation> {
    match (&shape.kind, node) {
        (Kind::Structure(_), Node::Object(_)) => check_members(shape, node, at),
        (Kind::Text { length, pattern }, Node::Text(text)) => {
            let text = text.as_str();
            let refuse = |rule| Err(at.violation(shown_text(shape.secrecy, text), rule));
            let found = text.chars().count();
            if !length.allow(signed(found)) {
                return refuse(Rule::Length { allowed: *length, found });
            }
            match pattern {
                Some(pattern) if !pattern.matches(text) => refuse(Rule::Pattern(pattern.source())),
                _ => Ok(()),
            }
        }
        (Kind::Enumeration(values), Node::Text(text)) => {
            if values.contains(&text.as_str()) {
                return Ok(());
            }
            Err(at.violation(Shown::text(text.as_str()), Rule::Enumeration(values)))
        }
        (Kind::Integer(bounds), Node::Integer(number)) => {
            check_integer(*bounds, *number).map_err(|rule| at.violation(shown(number), rule))
        }
        (Kind::Float(bounds), Node::Integer(number)) => {
            check_integer(*bounds, *number).map_err(|rule| at.violation(shown(number), rule))
        }
        (Kind::Float(bounds), Node::Float(number)) => {
            if float_is_allowed(*bounds, *number) {
                return Ok(());
            }
            Err(at.violation(shown(number), Rule::Range(*bounds)))
        }
        (Kind::Boolean, Node::Boolean(_)) => Ok(()),
        (Kind::Timestamp, Node::Text(text)) => match text.as_str().parse::<Timestamp>() {
            Ok(_) => Ok(()),
            Err(_) => Err(at.violation(Shown::text(text.as_str()), Rule::Timestamp)),
        },
        (Kind::List { element, size }, Node::List(elements)) => {
            check_size(*size, elements.len(), at)?;
            elements
                .iter()
                .enumerate()
                .try_for_each(|(index, node)| check(element, node, Place::Index(&at, index)))
        }
        (Kind::Map { key, value, size }, Node::Object(entries)) => {
            check_size(*size, entries.len(), at)?;
            entries.iter().enumerate().try_for_each(|(number, (name, node))| {
                let open = Place::Member(&at, name.as_str());
                let place =
                    if key.secrecy == Secrecy::Open { open } else { Place::Entry(&at, number) };
                check_text(key, name.as_str(), place)?;
                check(value, node, place)
            })
        }
        (kind, other) => Err(at.violation(
            shown_mismatch(shape, other),
            Rule::Type { expected: expected(kind), found: found(kind, other) },
        )),
    }
}

fn check_members(shape: &Shape, node: &Node<'_>, at: Place<'_>) -> Result<(), Violation> {
    shape.members().iter().try_for_each(|member| {
        let place = Place::Member(&at, member.name);
        match (node.member(member.name), member.presence) {
            (Some(value), _) => check(member.shape, value, place),
            (None, Presence::Optional) => Ok(()),
            (None, Presence::Required) => {
                Err(place.violation(Shown::Nothing, Rule::Required(member.location)))
            }
        }
    })
}

/// Checks a map's key, which is text outside of any node.
fn check_text(shape: &Shape, text: &str, at: Place<'_>) -> Result<(), Violation> {
    check(shape, &Node::Text(crate::node::Text::new(text)), at)
}

fn check_size(allowed: Bounds, found: usize, at: Place<'_>) -> Result<(), Violation> {
    if allowed.allow(signed(found)) {
        return Ok(());
    }
    Err(at.violation(Shown::Nothing, Rule::Size { allowed, found }))
}

/// The model's integers have 32 bits, whatever else binds them.
fn check_integer(bounds: Bounds, number: i128) -> Result<(), Rule> {
    let within = i32::try_from(number).is_ok_and(|number| bounds.allow(i64::from(number)));
    if within {
        return Ok(());
    }
    let min = bounds.min.unwrap_or(i64::from(i32::MIN));
    let max = bounds.max.unwrap_or(i64::from(i32::MAX));
    let beyond_32_bits = i32::try_from(number).is_err();
    Err(Rule::Range(if beyond_32_bits { Bounds::between(min, max) } else { bounds }))
}

#[expect(clippy::cast_precision_loss, reason = "the model's bounds of floats are 0 and 1")]
fn float_is_allowed(bounds: Bounds, number: f64) -> bool {
    number.is_finite()
        && bounds.min.is_none_or(|min| number >= min as f64)
        && bounds.max.is_none_or(|max| number <= max as f64)
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn shown(number: &impl std::fmt::Display) -> Shown {
    Shown::Value(number.to_string())
}

fn shown_text(secrecy: Secrecy, text: &str) -> Shown {
    match secrecy {
        Secrecy::Open | Secrecy::Personal => Shown::text(text),
        Secrecy::Secret => Shown::Withheld(text.chars().count()),
    }
}

/// A value of the wrong type. A text where a structure is due may be a misplaced secret.
fn shown_mismatch(shape: &Shape, node: &Node<'_>) -> Shown {
    let container = matches!(shape.kind, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. });
    if container || shape.secrecy == Secrecy::Secret {
        return Shown::Nothing;
    }
    match node {
        Node::Boolean(value) => shown(value),
        Node::Integer(value) => shown(value),
        Node::Float(value) => shown(value),
        Node::Text(text) => Shown::text(text.as_str()),
        Node::Null | Node::List(_) | Node::Object(_) => Shown::Nothing,
    }
}

/// What a shape's JSON is, for people.
pub(crate) fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) | Kind::Map { .. } => "an object",
        Kind::Text { .. } | Kind::Enumeration(_) | Kind::Timestamp => "a string",
        Kind::Integer(_) => "a whole number",
        Kind::Float(_) => "a number",
        Kind::Boolean => "true or false",
        Kind::List { .. } => "a list",
    }
}

fn found(kind: &Kind, node: &Node<'_>) -> &'static str {
    match (kind, node) {
        (Kind::Integer(_), Node::Float(_)) => "a number with a fraction or an exponent",
        _ => node.describe(),
    }
}

/// The path of a fault that the parser found, with the keys of secret maps left out.
pub(crate) fn place_name(shape: &Shape, steps: &[Step]) -> String {
    let mut out = String::new();
    let mut current = Some(shape);
    for step in steps {
        let kind = current.map(|shape| &shape.kind);
        let (open, next) = match (kind, step) {
            (Some(Kind::Structure(members)), Step::Key(key)) => {
                (true, members.iter().find(|it| it.name == key).map(|it| it.shape))
            }
            (Some(Kind::Map { key, value, .. }), Step::Key(_)) => {
                (key.secrecy == Secrecy::Open, Some(*value))
            }
            (Some(Kind::List { element, .. }), Step::Index(_)) => (true, Some(*element)),
            _ => (true, None),
        };
        match step {
            Step::Index(index) => {
                write!(out, "[{index}]").expect("writing to a String does not fail");
            }
            Step::Key(_) if !open => out.push_str("{a key}"),
            Step::Key(key) => {
                let plain = key.len() <= 64 && key.bytes().all(|it| it.is_ascii_alphanumeric());
                let dot = if out.is_empty() { "" } else { "." };
                let name = if plain { key.clone() } else { quoted(key) };
                write!(out, "{dot}{name}").expect("writing to a String does not fail");
            }
        }
        current = next;
    }
    out
}

/// Members that a client wrote and the shape does not have.
pub(crate) fn unknown_members(
    shape: &Shape,
    node: &Node<'_>,
    at: Place<'_>,
) -> Result<(), Violation> {
    match (&shape.kind, node) {
        (Kind::Structure(members), Node::Object(entries)) => {
            entries.iter().try_for_each(|(key, value)| {
                let place = Place::Member(&at, key.as_str());
                match members.iter().find(|member| member.name == key.as_str()) {
                    Some(member) => unknown_members(member.shape, value, place),
                    None => {
                        let known = members.iter().map(|member| member.name).collect();
                        Err(place.violation(Shown::Nothing, Rule::Unknown { known }))
                    }
                }
            })
        }
        (Kind::List { element, .. }, Node::List(elements)) => elements
            .iter()
            .enumerate()
            .try_for_each(|(index, node)| unknown_members(element, node, Place::Index(&at, index))),
        _ => Ok(()),
    }
}

/// Types only, no constraints: what can be put on the wire at all.
pub(crate) fn check_wire(
    shape: &Shape,
    node: &Node<'_>,
    location: Location,
    name: &str,
) -> Result<(), Violation> {
    let fits = match (&shape.kind, node) {
        (Kind::Text { .. } | Kind::Enumeration(_) | Kind::Timestamp, Node::Text(_))
        | (Kind::Integer(_) | Kind::Float(_), Node::Integer(_))
        | (Kind::Float(_), Node::Float(_))
        | (Kind::Boolean, Node::Boolean(_)) => true,
        _ => location == Location::Body,
    };
    if fits {
        return Ok(());
    }
    let rule = Rule::Type { expected: expected(&shape.kind), found: found(&shape.kind, node) };
    Err(Violation::new(name, Shown::Nothing, rule))
}
