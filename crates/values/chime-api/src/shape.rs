//! Descriptors: what the model demands of a value, as constant tables.
//!
//! The tables are generated; [`decode()`](crate::decode()) walks them. They are public so that tests
//! and documentation can be derived from the model rather than written beside it.

pub use crate::pattern::Pattern;

/// A named type of the model.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the model, such as `VoiceConnectorId`.
    pub name: &'static str,
    /// How carefully its values are to be handled.
    pub secrecy: Secrecy,
    /// Its type and constraints.
    pub kind: Kind,
}

/// How carefully a value is to be handled.
///
/// The model has one mark, `sensitive`, for two different things. A value that must match a narrow
/// pattern (a phone number, an ARN) identifies somebody; a value that may be any text (a password, a
/// street name, a call argument) may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// May be shown and logged.
    Open,
    /// Shown to the caller who sent it, never logged.
    Personal,
    /// Never shown and never logged, only its length.
    Secret,
}

/// The type of a shape, with the constraints that this type can have.
#[derive(Debug)]
pub enum Kind {
    /// Named members.
    Structure(&'static [Member]),
    /// Text. Lengths are in characters (Unicode scalar values).
    Text {
        /// Allowed number of characters.
        length: Bounds,
        /// Pattern of the whole value.
        pattern: Option<&'static Pattern>,
    },
    /// Text that is one of these.
    Enumeration(&'static [&'static str]),
    /// A whole number of 32 bits.
    Integer(Bounds),
    /// A number.
    Float(Bounds),
    /// `true` or `false`.
    Boolean,
    /// A moment, ISO 8601.
    Timestamp,
    /// Values of one shape.
    List {
        /// Shape of each element.
        element: &'static Shape,
        /// Allowed number of elements.
        size: Bounds,
    },
    /// Text keys to values of one shape.
    Map {
        /// Shape of each key.
        key: &'static Shape,
        /// Shape of each value.
        value: &'static Shape,
        /// Allowed number of entries.
        size: Bounds,
    },
}

/// Inclusive limits; an absent one does not bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Smallest allowed value.
    pub min: Option<i64>,
    /// Largest allowed value.
    pub max: Option<i64>,
}

impl Bounds {
    /// No limits.
    pub const NONE: Self = Self { min: None, max: None };

    /// Both limits.
    #[must_use]
    pub const fn between(min: i64, max: i64) -> Self {
        Self { min: Some(min), max: Some(max) }
    }

    /// A lower limit only.
    #[must_use]
    pub const fn at_least(min: i64) -> Self {
        Self { min: Some(min), max: None }
    }

    /// An upper limit only.
    #[must_use]
    pub const fn at_most(max: i64) -> Self {
        Self { min: None, max: Some(max) }
    }

    /// True when `value` is within the limits.
    #[must_use]
    pub fn allow(self, value: i64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Name in the model, and its JSON key when it lives in the body.
    pub name: &'static str,
    /// Where in the request it travels.
    pub location: Location,
    /// Whether a request without it is refused.
    pub presence: Presence,
    /// Its shape.
    pub shape: &'static Shape,
}

/// Where in a request a member travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the JSON body, under its own name.
    Body,
    /// In the path, at the label of this name.
    Label(&'static str),
    /// In the query, under this key.
    Query(&'static str),
}

/// Whether a member may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Must be there and not null.
    Required,
    /// May be left out; null means left out.
    Optional,
}

impl Shape {
    /// A structure of these members.
    #[must_use]
    pub const fn structure(name: &'static str, members: &'static [Member]) -> Self {
        Self { name, secrecy: Secrecy::Open, kind: Kind::Structure(members) }
    }

    /// A shape without secrets.
    #[must_use]
    pub const fn open(name: &'static str, kind: Kind) -> Self {
        Self { name, secrecy: Secrecy::Open, kind }
    }

    /// A shape whose values identify somebody.
    #[must_use]
    pub const fn personal(name: &'static str, kind: Kind) -> Self {
        Self { name, secrecy: Secrecy::Personal, kind }
    }

    /// A shape whose values may be secrets.
    #[must_use]
    pub const fn secret(name: &'static str, kind: Kind) -> Self {
        Self { name, secrecy: Secrecy::Secret, kind }
    }

    /// The members of a structure; empty for every other kind.
    #[must_use]
    pub fn members(&self) -> &'static [Member] {
        if let Kind::Structure(members) = self.kind { members } else { &[] }
    }

    /// True when the input has a JSON body.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.members().iter().any(|member| member.location == Location::Body)
    }
}

impl Member {
    /// A member that must be there.
    #[must_use]
    pub const fn required(name: &'static str, location: Location, shape: &'static Shape) -> Self {
        Self { name, location, presence: Presence::Required, shape }
    }

    /// A member that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, location: Location, shape: &'static Shape) -> Self {
        Self { name, location, presence: Presence::Optional, shape }
    }
}
