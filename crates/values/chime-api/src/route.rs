//! Which operation a request is for.

use arrayvec::ArrayVec;

use crate::generated::route::ROOTS;
use crate::operation::{Method, Operation};
use crate::percent::{self, Plus};
use crate::violation::quoted;

/// Most labels in one path of the model.
const LABELS_MAX: usize = 2;

/// Longest path that is looked at, in bytes: more than a server lets a request line have, so that a
/// label that is too long is told its own limit.
const PATH_BYTES_MAX: usize = 1 << 16;

/// A path of the model: its segments after the first, and what its methods do.
#[derive(Debug)]
pub(crate) struct PathTemplate {
    pub(crate) text: &'static str,
    pub(crate) segments: &'static [Segment],
    pub(crate) verbs: &'static [(Method, Verb)],
}

#[derive(Debug)]
pub(crate) enum Segment {
    Literal(&'static str),
    Label(&'static str),
}

/// What a method does at a path.
#[derive(Debug)]
pub(crate) enum Verb {
    /// One thing, whatever the query says.
    Always(Operation),
    /// What the value of a query key names.
    ByQuery {
        key: &'static str,
        values: &'static [(&'static str, Operation)],
        /// What happens without the key.
        otherwise: Option<Operation>,
    },
}

/// An operation found, with what its path says.
#[derive(Debug)]
pub struct Matched {
    /// The operation.
    pub operation: Operation,
    /// The labels of its path, decoded once.
    pub labels: Labels,
}

/// The labels of a path.
#[derive(Default)]
pub struct Labels(ArrayVec<Label, LABELS_MAX>);

/// One label of a path.
pub struct Label {
    /// Its name in the path template, such as `voiceConnectorId`.
    pub name: &'static str,
    /// Its value after one round of percent-decoding.
    pub value: String,
}

impl Labels {
    /// The value of the label with this name in the path template.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|label| label.name == name).map(|label| label.value.as_str())
    }

    /// The labels in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }
}

impl std::fmt::Debug for Labels {
    /// Names only: the value of a label may be a phone number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|label| label.name)).finish()
    }
}

/// A request that no operation answers. `Display` is for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// No operation has such a path.
    #[error("no operation has the path {path}{}", near.map(|it| format!("; the nearest is {it}")).unwrap_or_default())]
    UnknownPath {
        /// The path, quoted and cut when long.
        path: String,
        /// The template that begins most like it.
        near: Option<&'static str>,
    },
    /// The path exists, but not with this method.
    #[error("{path} is not served by {method}; use {}", allowed.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" or "))]
    Method {
        /// The path template.
        path: &'static str,
        /// What was asked.
        method: String,
        /// The methods that the path has.
        allowed: Vec<Method>,
    },
    /// Method and path need a query key to tell which operation is meant.
    #[error(
        "{method} {path} needs {key}= in its query to say which operation is meant; add one of {}",
        joined(key, allowed)
    )]
    SelectorMissing {
        /// The method.
        method: Method,
        /// The path template.
        path: &'static str,
        /// The query key.
        key: &'static str,
        /// Its values.
        allowed: Vec<&'static str>,
    },
    /// The query key names no operation of this method and path.
    #[error("{method} {path} knows no {key}={value}; use one of {}", joined(key, allowed))]
    SelectorUnknown {
        /// The method.
        method: Method,
        /// The path template.
        path: &'static str,
        /// The query key.
        key: &'static str,
        /// What was asked, quoted and cut when long.
        value: String,
        /// The values it may have.
        allowed: Vec<&'static str>,
    },
    /// The query key stands in the query twice.
    #[error("{key} is given more than once in the query; send it once")]
    SelectorTwice {
        /// The query key.
        key: &'static str,
    },
    /// A path segment that should name something is empty: `/voice-connectors/`.
    #[error(
        "{member} is required and empty in the path of {operation}; name it between the slashes of {path}"
    )]
    EmptyLabel {
        /// The operation.
        operation: Operation,
        /// The member that the segment stands for.
        member: &'static str,
        /// The path template.
        path: &'static str,
    },
    /// A path segment is not percent-encoded UTF-8.
    #[error(
        "{member} in the path of {operation} must be percent-encoded UTF-8; encode it once more from its plain form"
    )]
    Encoding {
        /// The operation.
        operation: Operation,
        /// The member that the segment stands for.
        member: &'static str,
    },
}

/// How a routing error is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteErrorWire {
    /// HTTP status.
    pub status: u16,
    /// The header `x-amzn-ErrorType`.
    pub error_type: &'static str,
    /// The member `Code`.
    pub code: &'static str,
}

impl RouteError {
    /// How it is answered. An unknown path is an `UnknownOperationException`, not a
    /// `NotFoundException`: clients such as Terraform take the latter for "this resource is gone".
    #[must_use]
    pub fn wire(&self) -> RouteErrorWire {
        let unknown = |status| RouteErrorWire {
            status,
            error_type: "UnknownOperationException",
            code: "UnknownOperation",
        };
        match self {
            Self::UnknownPath { .. } => unknown(404),
            Self::Method { .. } => unknown(405),
            Self::SelectorMissing { .. }
            | Self::SelectorUnknown { .. }
            | Self::SelectorTwice { .. }
            | Self::EmptyLabel { .. }
            | Self::Encoding { .. } => RouteErrorWire {
                status: 400,
                error_type: "BadRequestException",
                code: "BadRequest",
            },
        }
    }
}

fn joined(key: &str, values: &[&str]) -> String {
    values.iter().map(|value| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// Finds the operation of a request.
///
/// `path` is the raw path, still percent-encoded; `query` the raw query string without its question
/// mark. A label keeps an encoded slash as part of its value.
///
/// # Errors
/// [`RouteError`], naming what is near.
pub fn route(method: Method, path: &str, query: &str) -> Result<Matched, RouteError> {
    let template = find_template(path)?;
    let verb = template.verbs.iter().find(|(it, _)| *it == method).map(|(_, verb)| verb);
    let Some(verb) = verb else { return Err(method_error(template, method.as_str())) };
    let operation = select(template, method, verb, query)?;
    let labels = read_labels(template, operation, path)?;
    Ok(Matched { operation, labels })
}

/// The error for a method that no operation has (such as PATCH): the path decides what is said.
#[must_use]
pub fn route_error_of_method(method: &str, path: &str) -> RouteError {
    match find_template(path) {
        Ok(template) => method_error(template, method),
        Err(error) => error,
    }
}

fn method_error(template: &PathTemplate, method: &str) -> RouteError {
    let mut allowed: Vec<_> = template.verbs.iter().map(|(method, _)| *method).collect();
    allowed.sort_unstable();
    let shown = method.chars().take(16).flat_map(char::escape_debug).collect();
    RouteError::Method { path: template.text, method: shown, allowed }
}

/// The first segment and the rest. A path without its slash has neither.
fn split_root(path: &str) -> Option<(&str, Option<&str>)> {
    let inside = path.strip_prefix('/')?;
    Some(match inside.split_once('/') {
        Some((root, rest)) => (root, Some(rest)),
        None => (inside, None),
    })
}

fn find_template(path: &str) -> Result<&'static PathTemplate, RouteError> {
    let unknown = || RouteError::UnknownPath { path: quoted(path), near: nearest(path) };
    if path.len() > PATH_BYTES_MAX {
        return Err(unknown());
    }
    let (root, rest) = split_root(path).ok_or_else(unknown)?;
    let at = ROOTS.binary_search_by(|(it, _)| (*it).cmp(root)).map_err(|_| unknown())?;
    ROOTS[at].1.iter().find(|template| fits(template, rest)).ok_or_else(unknown)
}

/// True when the segments after the first fit; an empty segment fits a label, to be named later.
fn fits(template: &PathTemplate, rest: Option<&str>) -> bool {
    let Some(rest) = rest else { return template.segments.is_empty() };
    let mut parts = rest.split('/');
    let all_fit = template.segments.iter().all(|segment| match (segment, parts.next()) {
        (Segment::Literal(literal), Some(part)) => *literal == part,
        (Segment::Label(_), Some(_)) => true,
        (_, None) => false,
    });
    all_fit && parts.next().is_none()
}

fn select(
    template: &PathTemplate,
    method: Method,
    verb: &Verb,
    query: &str,
) -> Result<Operation, RouteError> {
    let (key, values, otherwise) = match verb {
        Verb::Always(operation) => return Ok(*operation),
        Verb::ByQuery { key, values, otherwise } => (*key, *values, *otherwise),
    };
    let allowed = || values.iter().map(|(value, _)| *value).collect();
    let mut given = percent::pairs(query).filter(|(it, _)| *it == key).map(|(_, value)| value);
    let Some(value) = given.next() else {
        let (path, allowed) = (template.text, allowed());
        return otherwise.ok_or(RouteError::SelectorMissing { method, path, key, allowed });
    };
    if given.next().is_some() {
        return Err(RouteError::SelectorTwice { key });
    }
    values.iter().find(|(it, _)| *it == value).map(|(_, operation)| *operation).ok_or_else(|| {
        let (path, allowed) = (template.text, allowed());
        RouteError::SelectorUnknown { method, path, key, value: quoted(value), allowed }
    })
}

fn read_labels(
    template: &PathTemplate,
    operation: Operation,
    path: &str,
) -> Result<Labels, RouteError> {
    let mut labels = Labels::default();
    let rest = split_root(path).and_then(|(_, rest)| rest).unwrap_or_default();
    for (segment, part) in template.segments.iter().zip(rest.split('/')) {
        let Segment::Label(name) = segment else { continue };
        let member = || member_of(operation, name);
        if part.is_empty() {
            let (member, path) = (member(), template.text);
            return Err(RouteError::EmptyLabel { operation, member, path });
        }
        let value = percent::decode(part, Plus::Literal)
            .map_err(|_| RouteError::Encoding { operation, member: member() })?;
        labels.0.push(Label { name, value });
    }
    Ok(labels)
}

/// The member that a label stands for; the label itself where the model has no such member.
fn member_of(operation: Operation, label: &'static str) -> &'static str {
    let members = operation.spec().input.members();
    let location = crate::shape::Location::Label(label);
    members.iter().find(|it| it.location == location).map_or(label, |it| it.name)
}

/// The template that shares most leading segments with a path, and after them most leading letters.
fn nearest(path: &str) -> Option<&'static str> {
    let path = path.get(..PATH_BYTES_MAX.min(path.len())).unwrap_or_default();
    let likeness = |template: &'static PathTemplate| {
        let mut score = 0;
        for (known, asked) in template.text.split('/').zip(path.split('/')).skip(1) {
            if known.starts_with('{') && !asked.is_empty() || known == asked {
                score += 100;
            } else {
                let alike = known.bytes().zip(asked.bytes()).take_while(|(a, b)| a == b);
                return score + alike.count();
            }
        }
        score
    };
    let candidates = ROOTS.iter().flat_map(|(_, templates)| templates.iter());
    candidates
        .map(|template| (likeness(template), template))
        .filter(|(score, _)| *score >= 3)
        // Of equals the shortest: the first found, as templates are sorted.
        .max_by_key(|(score, template)| (*score, std::cmp::Reverse(template.text.len())))
        .map(|(_, template)| template.text)
}
