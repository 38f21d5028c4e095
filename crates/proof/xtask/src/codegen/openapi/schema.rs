//! JSON schemas of the model's shapes, with every constraint that the service enforces.

use serde_json::{Map, Value, json};

use super::super::Error;
use super::super::model::{Kind, Model, Reference, Shape};
use super::reference;

/// Schemas of every shape that is not an exception.
pub(super) fn all(model: &Model) -> Result<Map<String, Value>, Error> {
    let shapes = model.shapes.iter().filter(|(_, shape)| !shape.exception);
    shapes.map(|(name, shape)| Ok((name.clone(), schema(name, shape)?))).collect()
}

fn schema(name: &str, shape: &Shape) -> Result<Value, Error> {
    let mut schema = match shape.kind {
        Kind::Structure => structure(shape),
        Kind::String => text(shape),
        Kind::Integer => number("integer", shape),
        Kind::Float => number("number", shape),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Kind::List => {
            let items = reference(&of(name, shape.member.as_ref())?.shape);
            limited(json!({ "type": "array", "items": items }), shape, "minItems", "maxItems")
        }
        Kind::Map => {
            let values = reference(&of(name, shape.value.as_ref())?.shape);
            let names = reference(&of(name, shape.key.as_ref())?.shape);
            let schema =
                json!({ "type": "object", "additionalProperties": values, "propertyNames": names });
            limited(schema, shape, "minProperties", "maxProperties")
        }
    };
    if shape.sensitive {
        schema["x-sensitive"] = true.into();
    }
    Ok(schema)
}

fn of<'m>(name: &str, reference: Option<&'m Reference>) -> Result<&'m Reference, Error> {
    reference.ok_or_else(|| Error::Unsupported(format!("{name}, which does not say of what it is")))
}

/// A structure as it stands in a body: members of the path and the query are not part of it.
fn structure(shape: &Shape) -> Value {
    let in_body = || shape.members.iter().filter(|(_, member)| member.location.is_none());
    let properties: Map<String, Value> = in_body()
        .map(|(name, member)| (wire_name(name, member).into(), reference(&member.shape)))
        .collect();
    let required: Vec<&str> = in_body()
        .filter(|(name, _)| shape.required.contains(name))
        .map(|(name, member)| wire_name(name, member))
        .collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// A member's name on the wire.
pub(super) fn wire_name<'m>(name: &'m str, member: &'m Reference) -> &'m str {
    member.location_name.as_deref().unwrap_or(name)
}

fn text(shape: &Shape) -> Value {
    let mut schema = json!({ "type": "string" });
    if let Some(values) = &shape.enumeration {
        schema["enum"] = values.clone().into();
    }
    if let Some(pattern) = &shape.pattern {
        schema["pattern"] = whole(pattern).into();
    }
    limited(schema, shape, "minLength", "maxLength")
}

fn number(kind: &str, shape: &Shape) -> Value {
    let mut schema = json!({ "type": kind });
    if kind == "integer" {
        schema["format"] = "int32".into();
    }
    limited(schema, shape, "minimum", "maximum")
}

fn limited(mut schema: Value, shape: &Shape, least: &str, most: &str) -> Value {
    let (min, max) = shape.bounds();
    // Nothing is shorter than nothing.
    let says_something = |min: &i64| *min > 0 || least == "minimum";
    if let Some(min) = min.filter(says_something) {
        schema[least] = min.into();
    }
    if let Some(max) = max {
        schema[most] = max.into();
    }
    schema
}

/// The pattern as JSON Schema reads it (ECMA-262 with the flag `u`): it must match the whole value,
/// escapes nothing that needs no escape, and repeats no anchor.
fn whole(pattern: &str) -> String {
    let pattern = pattern.replace("*${2,64}", "*$");
    let mut out = String::from("^(?:");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('/' | ':' | '_' | ',')) => {}
            ('\\', Some(escaped)) => {
                out.push('\\');
                out.push(*escaped);
                letters.next();
            }
            _ => out.push(letter),
        }
    }
    out.push_str(")$");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_values_and_escape_only_what_must_be() {
        assert_eq!(whole("[A-Z]{2}"), "^(?:[A-Z]{2})$");
        assert_eq!(whole(r"^arn[\/\:\-\_\.a-z]+$"), r"^(?:^arn[/:\-_\.a-z]+$)$");
        assert_eq!(whole(r"^[-_a-zA-Z0-9]*${2,64}$"), "^(?:^[-_a-zA-Z0-9]*$$)$");
        assert_eq!(whole(r"^\+?[1-9]\d{1,14}$"), r"^(?:^\+?[1-9]\d{1,14}$)$");
    }
}
