//! The document as it is written: elements, and the rules of each.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::condition::Condition;
use super::wildcard::{Pattern, Variables};
use super::{Choice, Effect, Policy, PolicyError, Statement};

/// An element that may be left out: `None` if it is, `Some(None)` if it is written as null, which no
/// element may be, because it could be taken for no element as well as for an empty one.
type Element<T> = Option<Option<T>>;

/// Reads an element that is there, if only as null.
fn written<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Element<T>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What an element holds, if it is there.
fn given<'a, T>(
    place: &str,
    name: &str,
    element: &'a Element<T>,
) -> Result<Option<&'a T>, PolicyError> {
    if matches!(element, Some(None)) {
        let rule = "null is no value here; give it one, or leave the element out";
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        return Err(PolicyError::Elements { place, rule });
    }
    Ok(element.as_ref().and_then(Option::as_ref))
}

/// A policy's elements. What is not listed here is refused, and so is an element that is given twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct RawPolicy {
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    version: Element<String>,
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    id: Element<String>,
    statement: OneOrMany<Written<RawStatement>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawStatement {
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    sid: Element<String>,
    effect: String,
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    action: Element<OneOrMany<String>>,
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    not_action: Element<OneOrMany<String>>,
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    resource: Element<OneOrMany<String>>,
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    not_resource: Element<OneOrMany<String>>,
    #[serde(default, deserialize_with = "written", skip_serializing_if = "Option::is_none")]
    condition: Element<Entries<Entries<OneOrMany<Scalar>>>>,
}

impl RawPolicy {
    /// Every action pattern, as it was written.
    pub(super) fn actions(&self) -> impl Iterator<Item = &str> {
        let statements = self.statement.as_slice().iter();
        let lists = statements.flat_map(|it| [&it.0.action, &it.0.not_action]).flatten().flatten();
        lists.flat_map(|it| it.as_slice()).map(String::as_str)
    }

    /// Without the conditions that compare nothing. Earlier releases took and kept them, and they held.
    pub(super) fn without_empty_conditions(mut self) -> Self {
        for Written(statement) in self.statement.as_mut_slice() {
            let Some(Some(condition)) = &mut statement.condition else { continue };
            condition.0.retain(|(_, keys)| !keys.0.is_empty());
            if condition.0.is_empty() {
                statement.condition = None;
            }
        }
        self
    }
}

impl TryFrom<RawPolicy> for Policy {
    type Error = PolicyError;

    fn try_from(document: RawPolicy) -> Result<Self, PolicyError> {
        let text =
            serde_json::to_string(&document).map_err(|it| PolicyError::Syntax(it.to_string()))?;
        let chars = text.chars().filter(|it| !it.is_whitespace()).count();
        if chars > Self::CHARS_MAX {
            return Err(PolicyError::TooLong { chars });
        }
        given("", "Id", &document.id)?;
        let version = given("", "Version", &document.version)?;
        let variables = match version.map(String::as_str) {
            Some("2012-10-17") => Variables::Read,
            None | Some("2008-10-17") => Variables::Plain,
            Some(other) => {
                return Err(PolicyError::Value {
                    place: "Version".into(),
                    text: other.into(),
                    rule: "the versions of the language are \"2012-10-17\" and \"2008-10-17\"",
                });
            }
        };
        let raw = document.statement.as_slice();
        if raw.is_empty() {
            let rule = "a policy has at least one statement";
            return Err(PolicyError::Elements { place: "Statement".into(), rule });
        }
        let mut statements: Vec<Statement> = Vec::with_capacity(raw.len());
        for (at, Written(statement)) in raw.iter().enumerate() {
            let earlier = &raw[..at];
            if let Some(Some(sid)) = &statement.sid
                && earlier.iter().any(|it| it.0.sid == statement.sid)
            {
                return Err(PolicyError::Value {
                    place: format!("Statement[{at}].Sid"),
                    text: sid.clone(),
                    rule: "another statement has this Sid; give each its own, or none",
                });
            }
            statements.push(statement.read(&format!("Statement[{at}]"), variables)?);
        }
        Ok(Self { document, statements })
    }
}

impl RawStatement {
    fn read(&self, place: &str, variables: Variables) -> Result<Statement, PolicyError> {
        let name = match given(place, "Sid", &self.sid)? {
            None => place.to_owned(),
            Some(sid) if sid.bytes().all(|it| it.is_ascii_alphanumeric()) => {
                format!("{place} (Sid {sid})")
            }
            Some(sid) => {
                return Err(PolicyError::Value {
                    place: format!("{place}.Sid"),
                    text: sid.clone(),
                    rule: "a Sid is of letters and digits",
                });
            }
        };
        let effect = match self.effect.as_str() {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            other => {
                return Err(PolicyError::Value {
                    place: format!("{place}.Effect"),
                    text: other.into(),
                    rule: "an effect is \"Allow\" or \"Deny\"",
                });
            }
        };
        let conditions = match given(place, "Condition", &self.condition)? {
            None => Vec::new(),
            Some(condition) => conditions(&format!("{place}.Condition"), condition, variables)?,
        };
        Ok(Statement {
            name,
            effect,
            actions: choice(
                place,
                ("Action", &self.action),
                ("NotAction", &self.not_action),
                action,
            )?,
            resources: choice(
                place,
                ("Resource", &self.resource),
                ("NotResource", &self.not_resource),
                |place, text| resource(place, text, variables),
            )?,
            conditions,
        })
    }
}

type Named<'a> = (&'static str, &'a Element<OneOrMany<String>>);

/// Reads the one of two elements that is there.
fn choice(
    place: &str,
    (name, these): Named<'_>,
    (not_name, all_but): Named<'_>,
    read: impl Fn(&str, &str) -> Result<Pattern, PolicyError>,
) -> Result<Choice, PolicyError> {
    let (these, all_but) = (given(place, name, these)?, given(place, not_name, all_but)?);
    let (name, list, make): (_, _, fn(Vec<Pattern>) -> Choice) = match (these, all_but) {
        (Some(list), None) => (name, list, Choice::These),
        (None, Some(list)) => (not_name, list, Choice::AllBut),
        (Some(_), Some(_)) | (None, None) => {
            let rule = match name {
                "Action" => "a statement has either Action or NotAction",
                _ => "a statement has either Resource or NotResource",
            };
            return Err(PolicyError::Elements { place: place.into(), rule });
        }
    };
    let place = format!("{place}.{name}");
    if list.as_slice().is_empty() {
        let rule = "the list is empty; name at least one, or leave the statement out";
        return Err(PolicyError::Elements { place, rule });
    }
    let patterns = list.as_slice().iter().map(|text| read(&place, text));
    Ok(make(patterns.collect::<Result<_, _>>()?))
}

/// `*`, or a service's prefix, a colon and a name that may have wildcards.
fn action(place: &str, text: &str) -> Result<Pattern, PolicyError> {
    let plain = |part: &str, more: &[u8]| {
        !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric() || more.contains(&it))
    };
    let fits = text == "*"
        || text
            .split_once(':')
            .is_some_and(|(service, name)| plain(service, b"-") && plain(name, b"*?_"));
    if !fits {
        return Err(PolicyError::Value {
            place: place.into(),
            text: text.into(),
            rule: "an action is \"*\", or a service and a name that may have wildcards, such as \
                   \"chime:Get*\"",
        });
    }
    Pattern::parse(place, text, Variables::Plain).map(Pattern::folded)
}

/// `*`, or an ARN that may have wildcards.
fn resource(place: &str, text: &str, variables: Variables) -> Result<Pattern, PolicyError> {
    let segments = text.split(':').count();
    if text != "*" && (!text.starts_with("arn:") || segments < 6 && !text.ends_with('*')) {
        return Err(PolicyError::Value {
            place: place.into(),
            text: text.into(),
            rule: "a resource is \"*\", or an ARN that may have wildcards, such as \
                   \"arn:aws:chime:us-east-1:000000000000:vc/*\"",
        });
    }
    Pattern::parse(place, text, variables)
}

fn conditions(
    place: &str,
    raw: &Entries<Entries<OneOrMany<Scalar>>>,
    variables: Variables,
) -> Result<Vec<Condition>, PolicyError> {
    let empty = |place: String| {
        let rule = "nothing is compared here; name a key and its values, or leave it out";
        PolicyError::Elements { place, rule }
    };
    if raw.0.is_empty() {
        return Err(empty(place.to_owned()));
    }
    let mut conditions = Vec::new();
    for (operator, keys) in &raw.0 {
        if keys.0.is_empty() {
            return Err(empty(format!("{place}.{operator}")));
        }
        for (key, values) in &keys.0 {
            let values: Vec<&str> = values.as_slice().iter().map(|it| it.0.as_str()).collect();
            conditions.push(Condition::read(place, operator, key, &values, variables)?);
        }
    }
    Ok(conditions)
}

/// A value, or a list of them. It is written back as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OneOrMany<T> {
    One([T; 1]),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One([one]) => one.serialize(serializer),
            Self::Many(many) => many.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(StrDeserializer::new(text)).map(|one| OneOrMany::One([one]))
            }
            fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Self::Value, E> {
                T::deserialize(serde::de::value::BoolDeserializer::new(flag))
                    .map(|one| OneOrMany::One([one]))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
                T::deserialize(serde::de::value::U64Deserializer::new(number))
                    .map(|one| OneOrMany::One([one]))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany::One([one]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(next) = seq.next_element()? {
                    many.push(next);
                }
                Ok(OneOrMany::Many(many))
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// An element that is written as an object: a list of its members in their order is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written<T>(pub(super) T);

impl<T: Serialize> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Written<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Written)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// An object's members in their order, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entries<V>(Vec<(String, V)>);

impl<V: Serialize> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Reader<V> {
            type Value = Entries<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(String, V)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, V>()? {
                    if entries.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom(format_args!("\"{key}\" is given twice")));
                    }
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// A condition's value: text, or a flag or number, which mean what their text means.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scalar(String);

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, true or false")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.into()))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar(flag.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
