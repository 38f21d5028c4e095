//! A parsed JSON document: the middle between bytes and types.
//!
//! The tree borrows texts from the body where it can and wipes them where it cannot, because a body
//! may hold passwords. Objects are kept sorted by key, so that finding a member and noticing a key
//! given twice are both cheap however large the object.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::ser::{Serialize, SerializeMap, Serializer};
use zeroize::Zeroize;

/// One JSON value.
pub(crate) enum Node<'a> {
    Null,
    Boolean(bool),
    /// A number written without fraction and exponent, within 64 bits.
    Integer(i128),
    /// Any other number.
    Float(f64),
    Text(Text<'a>),
    List(Vec<Self>),
    /// Sorted by key; no key twice.
    Object(Vec<(Text<'a>, Self)>),
}

/// Text of a document, wiped on drop when it is a copy.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(crate) fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(copy) = &mut self.0 {
            copy.zeroize();
        }
    }
}

impl<'a> Node<'a> {
    /// The member of an object; `None` when it is absent, null, or this is no object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        let at = entries.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
        Some(&entries[at].1).filter(|node| !matches!(node, Self::Null))
    }

    /// The member of an object, to change it; `None` when it is absent or this is no object.
    pub(crate) fn member_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Object(entries) = self else { return None };
        let at = entries.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
        Some(&mut entries[at].1)
    }

    /// Adds a member to the entries of an object under construction, keeping them sorted. A member
    /// that is there already is replaced.
    pub(crate) fn put(entries: &mut Vec<(Text<'a>, Self)>, name: &'a str, node: Self) {
        match entries.binary_search_by(|(key, _)| key.as_str().cmp(name)) {
            Ok(at) => entries[at].1 = node,
            Err(at) => entries.insert(at, (Text::new(name), node)),
        }
    }

    /// What this is, for people: `a string`, `an object`.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// How large a document may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Lists and objects within each other.
    pub(crate) depth: u32,
    /// Values in all.
    pub(crate) nodes: u32,
}

/// Why a text is no acceptable document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not JSON; what the parser says and where.
    Syntax { line: usize, column: usize, reason: String },
    /// A key given twice in one object.
    DuplicateKey { place: Vec<Step> },
    /// Nested deeper than the limit.
    Depth,
    /// More values than the limit.
    Nodes,
}

/// One step from a document's root toward a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Parses a whole document.
pub(crate) fn parse(json: &str, limits: Limits) -> Result<Node<'_>, Fault> {
    let state = State { nodes_left: Cell::new(limits.nodes), fault: RefCell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let parsed = Seed { state: &state, depth_left: limits.depth }
        .deserialize(&mut deserializer)
        .and_then(|node| deserializer.end().map(|()| node));
    parsed.map_err(|error| {
        let fault = state.fault.take().map(|mut fault| {
            if let Fault::DuplicateKey { place } = &mut fault {
                place.reverse();
            }
            fault
        });
        fault.unwrap_or_else(|| Fault::Syntax {
            line: error.line(),
            column: error.column(),
            reason: syntax_reason(&error),
        })
    })
}

/// The parser's words without its ` at line 1 column 2`.
fn syntax_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

struct State {
    nodes_left: Cell<u32>,
    /// Set when an error is ours; the place is collected from the inside out.
    fault: RefCell<Option<Fault>>,
}

#[derive(Clone, Copy)]
struct Seed<'s> {
    state: &'s State,
    depth_left: u32,
}

impl Seed<'_> {
    fn fail<E: serde::de::Error>(self, fault: Fault) -> E {
        *self.state.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }

    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(self.fail(Fault::Depth)),
        }
    }

    /// Notes one step outward of a fault on its way up.
    fn note(self, step: Step) {
        if let Some(Fault::DuplicateKey { place }) = &mut *self.state.fault.borrow_mut() {
            place.push(step);
        }
    }
}

impl<'a> DeserializeSeed<'a> for Seed<'_> {
    type Value = Node<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Node<'a>, D::Error> {
        match self.state.nodes_left.get().checked_sub(1) {
            Some(left) => self.state.nodes_left.set(left),
            None => return Err(self.fail(Fault::Nodes)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Seed<'_> {
    type Value = Node<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node<'a>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'a>, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'a>, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'a>, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'a>, E> {
        Ok(Node::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Node<'a>, E> {
        Ok(Node::Text(Text::new(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'a>, E> {
        Ok(Node::Text(Text::new(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut source: A) -> Result<Node<'a>, A::Error> {
        let inside = self.inside()?;
        let mut elements = Vec::new();
        loop {
            match source.next_element_seed(inside) {
                Ok(Some(element)) => elements.push(element),
                Ok(None) => return Ok(Node::List(elements)),
                Err(error) => {
                    self.note(Step::Index(elements.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'a>>(self, mut source: A) -> Result<Node<'a>, A::Error> {
        let inside = self.inside()?;
        let mut entries = Vec::new();
        while let Some(key) = source.next_key_seed(KeySeed)? {
            match source.next_value_seed(inside) {
                Ok(value) => entries.push((key, value)),
                Err(error) => {
                    self.note(Step::Key(key.as_str().to_owned()));
                    return Err(error);
                }
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
        let twice = entries.windows(2).find(|pair| pair[0].0.as_str() == pair[1].0.as_str());
        if let Some(pair) = twice {
            let place = vec![Step::Key(pair[0].0.as_str().to_owned())];
            return Err(self.fail(Fault::DuplicateKey { place }));
        }
        Ok(Node::Object(entries))
    }
}

/// Reads an object's key, borrowed when it has no escapes.
struct KeySeed;

impl<'a> DeserializeSeed<'a> for KeySeed {
    type Value = Text<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Text<'a>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for KeySeed {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Text<'a>, E> {
        Ok(Text::new(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'a>, E> {
        Ok(Text::new(text.to_owned()))
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Boolean(value) => serializer.serialize_bool(*value),
            Node::Integer(value) => serializer.serialize_i128(*value),
            Node::Float(value) => serializer.serialize_f64(*value),
            Node::Text(text) => serializer.serialize_str(text.as_str()),
            Node::List(elements) => serializer.collect_seq(elements),
            Node::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key.as_str(), value)?;
                }
                map.end()
            }
        }
    }
}

/// The error of reading a type out of a checked tree. It never repeats a value.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the document does not fit the type")
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for &'de Node<'_> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Boolean(value) => visitor.visit_bool(*value),
            Node::Integer(value) => {
                visitor.visit_i64(i64::try_from(*value).map_err(Unreadable::custom)?)
            }
            Node::Float(value) => visitor.visit_f64(*value),
            Node::Text(text) => visitor.visit_borrowed_str(text.as_str()),
            Node::List(elements) => visitor.visit_seq(Elements(elements.iter())),
            Node::Object(entries) => visitor.visit_map(Entries { rest: entries, value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if matches!(self, Node::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Elements<'de, 'a>(std::slice::Iter<'de, Node<'a>>);

impl<'de> SeqAccess<'de> for Elements<'de, '_> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
}

struct Entries<'de, 'a> {
    rest: &'de [(Text<'a>, Node<'a>)],
    value: Option<&'de Node<'a>>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unreadable> {
        let Some(((key, value), rest)) = self.rest.split_first() else { return Ok(None) };
        (self.rest, self.value) = (rest, Some(value));
        let key: StrDeserializer<'_, Unreadable> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Unreadable> {
        seed.deserialize(self.value.take().ok_or(Unreadable)?)
    }
}
