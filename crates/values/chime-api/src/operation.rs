//! What the model says about an operation, apart from the shapes of its input and output.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ErrorShape;
use crate::generated::operation::SPECS;

pub use crate::generated::operation::Operation;
use crate::shape::Shape;

/// HTTP methods that the model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, and everything that carries its verb in the query.
    Post,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// The method as the request line spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Reads a request line's method. `None` for methods that no operation uses (case-sensitive,
    /// RFC 9110 §9.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Delete].into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What repeating a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes state; doing it twice leaves what doing it once leaves.
    Idempotent,
    /// Makes something new each time, so a lost answer must not be repeated blindly.
    Once,
}

/// Whether the API still stands behind an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Support {
    /// A current operation.
    Current,
    /// Marked deprecated, with the day if the model tells it (`2026-04-07`).
    Deprecated(Option<&'static str>),
}

/// The query key that tells apart operations of one method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Selector {
    /// `operation`, or `type` for the search.
    pub key: &'static str,
    /// Such as `put` or `associate-phone-numbers`.
    pub value: &'static str,
}

/// One row of the operation table.
#[derive(Debug)]
pub struct Spec {
    /// The operation this row describes.
    pub operation: Operation,
    /// Its name in the model.
    pub name: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path template without the query, such as `/voice-connectors/{voiceConnectorId}`.
    pub path: &'static str,
    /// The query key it is selected by, where method and path do not suffice.
    pub selector: Option<Selector>,
    /// HTTP status of success. The model leaves it unset for five operations; unset means 200.
    pub status: u16,
    /// What repeating it does.
    pub effect: Effect,
    /// Whether it is deprecated.
    pub support: Support,
    /// Exceptions the model declares, in its order.
    pub errors: &'static [ErrorShape],
    /// Shape of the input; an empty structure where the model has none.
    pub input: &'static Shape,
    /// Shape of the output; `None` where success has no body.
    pub output: Option<&'static Shape>,
}

impl Spec {
    /// True when the model declares this exception for the operation.
    #[must_use]
    pub fn declares(&self, error: ErrorShape) -> bool {
        self.errors.contains(&error)
    }
}

impl Operation {
    /// The row of the operation table.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        SPECS[self as usize]
    }

    /// The name in the model, such as `PutVoiceConnectorTerminationCredentials`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Finds an operation by its exact name in the model.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.operation)
    }

    /// All operations in the order of their names.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        SPECS.iter().map(|spec| spec.operation)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The input type of an operation.
pub trait Input: Serialize + DeserializeOwned {
    /// The operation it is the input of.
    const OPERATION: Operation;
    /// What success returns; [`types::NoContent`](crate::types::NoContent) where there is no body.
    type Output: Output;
}

/// The output type of an operation.
pub trait Output: Serialize + DeserializeOwned {}
