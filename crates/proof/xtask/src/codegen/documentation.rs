//! Sentences about shapes, made of the model's facts.

use super::model::{Kind, Model, Shape};

/// What a value of a shape may be, as a sentence.
pub(crate) fn sentence(model: &Model, name: &str) -> String {
    let shape = model.shape(name);
    let noun = match shape.kind {
        Kind::Structure => return format!("[`{name}`]."),
        Kind::String if shape.enumeration.is_some() => return format!("[`{name}`]."),
        Kind::String => counted("Text", "characters", shape),
        Kind::Integer => ranged("Whole number", shape),
        Kind::Float => ranged("Number", shape),
        Kind::Boolean => "True or false".to_owned(),
        Kind::Timestamp => "A moment".to_owned(),
        Kind::List => {
            let element = shape.member.as_ref().map_or("", |it| it.shape.as_str());
            counted(&format!("List of `{element}`"), "entries", shape)
        }
        Kind::Map => counted("Texts by name", "entries", shape),
    };
    let pattern = match &shape.pattern {
        Some(pattern) => format!(", matching `{pattern}`"),
        None => String::new(),
    };
    let sensitive = if shape.sensitive { " Sensitive." } else { "" };
    format!("{noun}{pattern}.{sensitive}")
}

fn counted(noun: &str, unit: &str, shape: &Shape) -> String {
    match shape.bounds() {
        (None | Some(0), None) => noun.to_owned(),
        (min, Some(max)) if min == Some(max) => format!("{noun}, {max} {unit}"),
        (min, Some(max)) => format!("{noun}, {} to {max} {unit}", min.unwrap_or(0)),
        (Some(min), None) => format!("{noun}, at least {min} {unit}"),
    }
}

fn ranged(noun: &str, shape: &Shape) -> String {
    match shape.bounds() {
        (None, None) => noun.to_owned(),
        (Some(min), Some(max)) => format!("{noun}, {min} to {max}"),
        (Some(min), None) => format!("{noun}, at least {min}"),
        (None, Some(max)) => format!("{noun}, at most {max}"),
    }
}
