//! Policies: what an access key may do, in IAM's JSON policy language.
//!
//! A [`Policy`] is read once and then asked: may this *action* be done to this *resource* under these
//! *circumstances*? An explicit `Deny` wins, whatever else there is; what no `Allow` reaches is not
//! allowed. Nothing in a policy is passed over: an element, an operator or a condition key that is not
//! known here refuses the whole policy by name, because half a policy is another policy.
//!
//! Source: the grammar of IAM's JSON policy language, identity policies only (no `Principal`).
//!
//! ```
//! use model::policy::{Circumstances, Policy, Ruling};
//!
//! let policy = Policy::parse(r#"{
//!     "Version": "2012-10-17",
//!     "Statement": [
//!         {"Effect": "Allow", "Action": "chime:Get*", "Resource": "*"},
//!         {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:chime:*:*:vc/secret*"}
//!     ]
//! }"#).unwrap();
//!
//! let here = Circumstances::example();
//! let ask = |resource| policy.decide("chime:GetVoiceConnector", resource, &here);
//! assert_eq!(ask("arn:aws:chime:us-east-1:000000000000:vc/office"), Ruling::Allowed);
//! assert_eq!(ask("arn:aws:chime:us-east-1:000000000000:vc/secrets").is_allowed(), false);
//! ```

mod condition;
mod document;
pub mod fuzzing;
mod moment;
mod wildcard;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use wildcard::Pattern;

use crate::{AccountId, Region, UnixMillis};
use condition::Condition;
use document::{RawPolicy, Written};

/// A policy document that has been read and understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// As it was written; it is told back in these words.
    document: RawPolicy,
    statements: Vec<Statement>,
}

/// One statement, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    /// `Statement[2]`, with its Sid if it has one.
    name: String,
    effect: Effect,
    /// Lower case: actions are matched without regard to case.
    actions: Choice,
    resources: Choice,
    /// All must hold.
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    These(Vec<Pattern>),
    AllBut(Vec<Pattern>),
}

impl Choice {
    fn includes(&self, text: &str) -> bool {
        match self {
            Self::These(patterns) => patterns.iter().any(|it| it.matches(text)),
            Self::AllBut(patterns) => !patterns.iter().any(|it| it.matches(text)),
        }
    }
}

/// How a request came about: what conditions ask for.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// `aws:SourceIp`: where the connection came from.
    pub source: IpAddr,
    /// `aws:SecureTransport`.
    pub transport: Transport,
    /// `aws:CurrentTime` and `aws:EpochTime`.
    pub now: UnixMillis,
    /// `aws:RequestedRegion`: what the request is signed for.
    pub region: Region,
    /// `aws:PrincipalAccount`.
    pub account: AccountId,
    /// `aws:RequestTag/…`: the tags that the request gives, as key and value.
    pub request_tags: Vec<(String, String)>,
    /// `aws:TagKeys`: the keys of the tags that the request gives or takes.
    pub tag_keys: Vec<String>,
    /// `aws:ResourceTag/…`: the tags that the resource has, as key and value.
    pub resource_tags: Vec<(String, String)>,
}

impl Circumstances {
    /// A request over loopback in 1970, for examples and tests.
    pub fn example() -> Self {
        Self {
            source: IpAddr::from([127, 0, 0, 1]),
            transport: Transport::Plaintext,
            now: UnixMillis(0),
            region: Region::UsEast1,
            account: AccountId::DEFAULT,
            request_tags: Vec::new(),
            tag_keys: Vec::new(),
            resource_tags: Vec::new(),
        }
    }
}

/// Whether a request came through TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// It did.
    Tls,
    /// It did not.
    Plaintext,
}

/// What a policy says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling<'p> {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it: `Statement[2]`, with its Sid if it has one.
    Denied(&'p str),
    /// No statement allows it.
    NotAllowed,
}

impl Ruling<'_> {
    /// Whether it may be done.
    pub fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }
}

impl Policy {
    /// The longest policy, in characters other than white space, as for a managed policy of IAM.
    pub const CHARS_MAX: usize = 6144;

    /// Reads a policy document.
    ///
    /// # Errors
    /// [`PolicyError`], which names what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let Written(document): Written<RawPolicy> =
            serde_json::from_str(text).map_err(|error| PolicyError::Syntax(error.to_string()))?;
        Self::try_from(document)
    }

    /// Whether `action` (`chime:GetVoiceConnector`) may be done to `resource` (an ARN, or `*`).
    pub fn decide(
        &self,
        action: &str,
        resource: &str,
        circumstances: &Circumstances,
    ) -> Ruling<'_> {
        let action = action.to_lowercase();
        let mut ruling = Ruling::NotAllowed;
        for statement in &self.statements {
            let applies = statement.actions.includes(&action)
                && statement.resources.includes(resource)
                && statement.conditions.iter().all(|it| it.holds(circumstances));
            match statement.effect {
                Effect::Deny if applies => return Ruling::Denied(&statement.name),
                Effect::Allow if applies => ruling = Ruling::Allowed,
                Effect::Deny | Effect::Allow => {}
            }
        }
        ruling
    }

    /// How many statements it has.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// Whether a condition asks for the tags of resources.
    pub fn asks_for_resource_tags(&self) -> bool {
        self.statements.iter().flat_map(|it| &it.conditions).any(Condition::asks_for_resource_tags)
    }

    /// The `Action` and `NotAction` patterns that fit none of `known`, as they were written: most often
    /// a typing mistake, or an action of another service.
    pub fn actions_unknown_to<'a>(&'a self, known: &[String]) -> Vec<&'a str> {
        let fits = |text: &str| {
            Pattern::parse("Action", text, wildcard::Variables::Plain)
                .map(Pattern::folded)
                .is_ok_and(|it| known.iter().any(|action| it.matches(&action.to_lowercase())))
        };
        self.document.actions().filter(|text| !fits(text)).collect()
    }
}

impl Serialize for Policy {
    /// As it was written.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written(document) = Written::<RawPolicy>::deserialize(deserializer)?;
        Self::try_from(document).map_err(serde::de::Error::custom)
    }
}

/// A policy as a store kept it, maybe since a release that took more than this one.
///
/// Conditions that compare nothing are refused in a new policy. In one that is in force already they go
/// on to hold, as they did on the day that they were taken: a key must not lose or gain by an upgrade.
pub(crate) struct Kept(Policy);

impl From<Kept> for Policy {
    fn from(Kept(policy): Kept) -> Self {
        policy
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written(document) = Written::<RawPolicy>::deserialize(deserializer)?;
        let policy = Policy::try_from(document.without_empty_conditions());
        policy.map(Self).map_err(serde::de::Error::custom)
    }
}

/// Why a document is no policy that could be followed to the letter. `Display` names the place, what
/// is there, the rule and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is no JSON, has an element that the language does not have, or lacks one.
    #[error("the policy cannot be read: {0}")]
    Syntax(String),
    /// It is too long.
    #[error(
        "the policy has {chars} characters other than white space, and at most {} are taken; shorten it \
         with wildcards, or use several keys",
        Policy::CHARS_MAX
    )]
    TooLong {
        /// How long it is.
        chars: usize,
    },
    /// An element has a value that it cannot have.
    #[error("{place} is {}: {rule}", quoted(text))]
    Value {
        /// Which element.
        place: String,
        /// What it says.
        text: String,
        /// What it may say.
        rule: &'static str,
    },
    /// An element must be there, or must not be there beside another.
    #[error("{place}: {rule}")]
    Elements {
        /// Where.
        place: String,
        /// What must or must not be there.
        rule: &'static str,
    },
    /// A policy variable that is not known here.
    #[error(
        "{place} has the variable {}: no policy variable is known here but ${{*}}, ${{?}} and ${{$}}; write \
         what it stands for",
        quoted(text)
    )]
    Variable {
        /// Which element.
        place: String,
        /// The text from the variable on.
        text: String,
    },
    /// A condition operator that is not known here.
    #[error(
        "{place}: the condition operator {} is not known here; known are {}",
        quoted(text),
        condition::OPERATORS
    )]
    Operator {
        /// Which statement.
        place: String,
        /// The operator.
        text: String,
    },
    /// A condition key that is not known here.
    #[error(
        "{place}: the condition key {} is not known here; known are {}",
        quoted(text),
        condition::KEYS
    )]
    Key {
        /// Which operator.
        place: String,
        /// The key.
        text: String,
    },
}

/// A stranger's text in quotes, cut to a readable length.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().take(80).collect::<String>())
}

impl fmt::Display for Policy {
    /// The document as it was written, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
