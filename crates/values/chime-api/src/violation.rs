//! What is wrong with a request, said so that its sender can put it right.

use std::fmt;

use crate::shape::{Bounds, Location};

/// Characters of a value that a message repeats; a longer one is cut.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// A request that does not fit the model.
///
/// `Display` is the `Message` of the `BadRequestException`: member, value, rule, remedy. It repeats
/// no secret, but it may repeat personal data (a phone number) to the one who sent it, so it is not
/// for logs; [`Violation::log_text`] is.
#[derive(Clone, PartialEq)]
pub struct Violation {
    member: String,
    value: Shown,
    rule: Rule,
}

/// As much of the offending value as may be repeated to its sender.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// There is no value, or it is a structure.
    Nothing,
    /// The value as JSON would spell it, cut when long.
    Value(String),
    /// A text that may be a secret: only its length in characters.
    Withheld(usize),
}

/// The rule that was broken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// A required member is absent or null.
    Required(Location),
    /// The value is of another JSON type.
    Type {
        /// Such as `a string`.
        expected: &'static str,
        /// Such as `a number`.
        found: &'static str,
    },
    /// A number out of range.
    Range(Bounds),
    /// A text too short or too long, in characters.
    Length {
        /// The limits.
        allowed: Bounds,
        /// What it has.
        found: usize,
    },
    /// A list or map with too few or too many entries.
    Size {
        /// The limits.
        allowed: Bounds,
        /// What it has.
        found: usize,
    },
    /// A text that does not match, as a whole.
    Pattern(&'static str),
    /// A text that is none of these.
    Enumeration(&'static [&'static str]),
    /// A text that is no ISO 8601 moment.
    Timestamp,
    /// The body is not JSON.
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What the parser expected.
        reason: String,
    },
    /// The body is not UTF-8 from this byte on.
    Utf8(usize),
    /// A key stands twice in one object, or twice in the query.
    Twice,
    /// Lists and objects are nested deeper than this.
    Depth(u32),
    /// The body has more values than this.
    Nodes(u32),
    /// The body has more bytes than this.
    Bytes(usize),
    /// A query value is not percent-encoded UTF-8.
    Encoding,
    /// The operation has no such member (refused by the client side only).
    Unknown {
        /// The members it has.
        known: Vec<&'static str>,
    },
    /// A path label would be empty (client side only; the router refuses it on the server's).
    EmptyLabel,
    /// The document passed every check and still does not fit the type.
    Unreadable,
}

impl Violation {
    pub(crate) fn new(member: impl Into<String>, value: Shown, rule: Rule) -> Self {
        Self { member: member.into(), value, rule }
    }

    /// A violation of the body as a whole.
    pub(crate) fn of_body(rule: Rule) -> Self {
        Self::new("The request body", Shown::Nothing, rule)
    }

    /// Path of the member, such as `Credentials[3].Username`.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.member
    }

    /// The offending value as far as its sender may see it.
    #[must_use]
    pub fn value(&self) -> &Shown {
        &self.value
    }

    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What to do about it, as one sentence without its full stop.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.rule {
            Rule::Required(Location::Body) => "add it to the JSON body".to_owned(),
            Rule::Required(Location::Label(_)) => "name it in the path".to_owned(),
            Rule::Required(Location::Query(key)) => format!("add `{key}=…` to the query"),
            Rule::Type { expected, .. } => format!("send {expected}"),
            Rule::Range(bounds) => format!("send a number that is {}", Limits(*bounds)),
            Rule::Length { allowed, found } => {
                resize(*allowed, *found, "shorten it", "lengthen it")
            }
            Rule::Size { allowed, found } => {
                resize(*allowed, *found, "send fewer entries", "send more entries")
            }
            Rule::Pattern(_) => "change it so that the whole value matches".to_owned(),
            Rule::Enumeration(_) => "send one of these, spelled exactly so".to_owned(),
            Rule::Timestamp => "send a moment such as 2026-11-23T10:11:12.345Z".to_owned(),
            Rule::Syntax { .. } => "send one JSON object".to_owned(),
            Rule::Utf8(_) => "encode the body as UTF-8".to_owned(),
            Rule::Twice => "send it once".to_owned(),
            Rule::Depth(_) => "flatten it; no operation needs such depth".to_owned(),
            Rule::Nodes(_) | Rule::Bytes(_) => "split the request into smaller ones".to_owned(),
            Rule::Encoding => "percent-encode the value as UTF-8".to_owned(),
            Rule::Unknown { known } if known.is_empty() => "leave it out".to_owned(),
            Rule::Unknown { known } => format!("choose from {}", known.join(", ")),
            Rule::EmptyLabel => "give it a value".to_owned(),
            Rule::Unreadable => "compare the request with the API reference".to_owned(),
        }
    }

    /// The same without the value, for logs.
    #[must_use]
    pub fn log_text(&self) -> String {
        format!("{} {}", self.member, self.rule)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.member)?;
        match &self.value {
            Shown::Nothing => {}
            Shown::Value(text) => write!(f, " is {text} but")?,
            Shown::Withheld(characters) => {
                write!(f, " (its {characters} characters are withheld here)")?;
            }
        }
        write!(f, " {}; {}.", self.rule, self.remedy())
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Violation({})", self.log_text())
    }
}

impl std::error::Error for Violation {}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Value(_) => "Value(..)",
            Self::Withheld(_) => "Withheld(..)",
        })
    }
}

impl Shown {
    /// A text in JSON's quotes, cut when long.
    pub(crate) fn text(text: &str) -> Self {
        Self::Value(quoted(text))
    }
}

/// A text in quotes with control characters escaped, cut to a bounded length.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        None => format!("{text:?}"),
        Some((cut, _)) => {
            format!("{:?}… ({} characters)", &text[..cut], text.chars().count())
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required(_) => f.write_str("is required and absent"),
            Self::Type { expected, found } => write!(f, "must be {expected}, not {found}"),
            Self::Range(bounds) => write!(f, "must be {}", Limits(*bounds)),
            Self::Length { allowed, found } => {
                write!(f, "must have {} characters, not {found}", Limits(*allowed))
            }
            Self::Size { allowed, found } => {
                write!(f, "must have {} entries, not {found}", Limits(*allowed))
            }
            Self::Pattern(pattern) => write!(f, "must match the pattern {pattern}"),
            Self::Enumeration(values) => write!(f, "must be one of {}", values.join(", ")),
            Self::Timestamp => f.write_str("must be an ISO 8601 moment"),
            Self::Syntax { line, column, reason } => {
                write!(f, "is not JSON: {reason} at line {line} column {column}")
            }
            Self::Utf8(at) => write!(f, "must be UTF-8, and is not at byte {at}"),
            Self::Twice => f.write_str("must be given once, and is given more than once"),
            Self::Depth(max) => write!(f, "must not nest deeper than {max} levels"),
            Self::Nodes(max) => write!(f, "must not hold more than {max} values"),
            Self::Bytes(max) => write!(f, "must not be longer than {max} bytes"),
            Self::Encoding => f.write_str("must be percent-encoded UTF-8"),
            Self::Unknown { .. } => f.write_str("is not a member of this operation"),
            Self::EmptyLabel => f.write_str("must not be empty"),
            Self::Unreadable => f.write_str("does not fit the operation"),
        }
    }
}

/// Limits in words: `between 1 and 99`, `at least 1`.
struct Limits(Bounds);

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.min, self.0.max) {
            (Some(min), Some(max)) if min == max => write!(f, "exactly {min}"),
            (Some(min), Some(max)) => write!(f, "between {min} and {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any number of"),
        }
    }
}

/// The remedy for a size: which way it has to go.
fn resize(allowed: Bounds, found: usize, less: &str, more: &str) -> String {
    let too_many = allowed.max.is_some_and(|max| i64::try_from(found).is_ok_and(|it| it > max));
    if too_many { less.to_owned() } else { more.to_owned() }
}
