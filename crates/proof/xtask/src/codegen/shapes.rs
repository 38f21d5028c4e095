//! Emits the shape descriptors.

use std::fmt::Write as _;

use super::families::{Families, VALUE};
use super::imports::imports;
use super::model::{Kind, Location, Model, Reference, Shape};
use super::{API, Error, SourceFile, names, types};

pub(crate) fn emit(model: &Model, families: &Families) -> Result<Vec<SourceFile>, Error> {
    let folder = format!("{API}/shapes");
    let mut modules = vec!["enumeration", "scalar"];
    let mut files = vec![
        SourceFile::new(&folder, "enumeration.rs", &enumerations(model, families)),
        SourceFile::new(&folder, "scalar.rs", &scalars(model, families)?),
    ];
    for family in families.names() {
        let mut text = String::new();
        for (name, shape) in types::structures(model) {
            if families.shape(name) == Some(family) {
                text.push_str(&structure(name, shape)?);
            }
        }
        for operation in model.operations.values() {
            if operation.input.is_none() && families.operation(&operation.name) == family {
                text.push_str(&empty_structure(&operation.input_type()));
            }
        }
        if family == VALUE {
            text.push_str(&containers(model, families)?);
        }
        if text.contains("pub static") {
            let of = format!("the {} family", family.replace('_', " "));
            let text = header(model, &of, &text) + &text;
            files.push(SourceFile::new(&folder, &format!("{family}.rs"), &text));
            modules.push(family);
        }
    }
    files.push(SourceFile::new(&folder, "mod.rs", &root(&modules)));
    Ok(files)
}

fn root(modules: &[&str]) -> String {
    let mut text = "//! Shape descriptors, named in capitals after the model.\n\n".to_owned();
    for module in modules {
        writeln!(text, "mod {module};\npub use {module}::*;")
            .expect("writing to a String does not fail");
    }
    text
}

/// The head of a file, with what `body` needs from elsewhere.
fn header(model: &Model, of: &str, body: &str) -> String {
    let own = |name: &str| body.contains(&format!("static {name}: "));
    let siblings: Vec<String> =
        model.shapes.keys().map(|name| names::screaming(name)).filter(|name| !own(name)).collect();
    let siblings: Vec<&str> = siblings.iter().map(String::as_str).collect();
    let descriptors = ["Bounds", "Kind", "Location", "Member", "Pattern", "Shape"];
    format!(
        "//! Shapes of {of}.\n\n{}{}\n",
        imports("super", &siblings, body),
        imports("crate::shape", &descriptors, body),
    )
}

fn structure(name: &str, shape: &Shape) -> Result<String, Error> {
    let mut text = format!(
        "/// `{name}`.\npub static {}: Shape = Shape::structure({name:?}, &[\n",
        names::screaming(name)
    );
    for (member, reference) in &shape.members {
        let presence = if shape.required.contains(member) { "required" } else { "optional" };
        writeln!(
            text,
            "    Member::{presence}({member:?}, {}, &{}),",
            location(member, reference)?,
            names::screaming(&reference.shape)
        )
        .expect("writing to a String does not fail");
    }
    text.push_str("]);\n\n");
    Ok(text)
}

fn empty_structure(name: &str) -> String {
    format!(
        "/// `{name}`, which has no members.\npub static {}: Shape = Shape::structure({name:?}, &[]);\n\n",
        names::screaming(name)
    )
}

fn location(member: &str, reference: &Reference) -> Result<String, Error> {
    let renamed = reference.location_name.as_deref();
    match reference.location {
        None if renamed.is_none_or(|it| it == member) => Ok("Location::Body".to_owned()),
        None => Err(Error::Unsupported(format!("{member}, a body member with another JSON key"))),
        Some(Location::Uri) => Ok(format!("Location::Label({:?})", renamed.unwrap_or(member))),
        Some(Location::Querystring) => {
            Ok(format!("Location::Query({:?})", renamed.unwrap_or(member)))
        }
    }
}

fn reached<'m>(
    model: &'m Model,
    families: &Families,
) -> impl Iterator<Item = (&'m str, &'m Shape)> {
    let reached: Vec<_> =
        model.shapes.iter().filter(|(name, _)| families.shape(name).is_some()).collect();
    reached.into_iter().map(|(name, shape)| (name.as_str(), shape))
}

fn enumerations(model: &Model, families: &Families) -> String {
    let mut text = String::new();
    for (name, shape) in reached(model, families) {
        let Some(values) = &shape.enumeration else { continue };
        write!(
            text,
            "/// `{name}`.\npub static {}: Shape = Shape::open({name:?}, Kind::Enumeration(&{values:?}));\n\n",
            names::screaming(name)
        )
        .expect("writing to a String does not fail");
    }
    header(model, "the enums", &text) + &text
}

fn scalars(model: &Model, families: &Families) -> Result<String, Error> {
    let mut text = String::new();
    for (name, shape) in reached(model, families) {
        let screaming = names::screaming(name);
        let bounds = bounds(shape);
        let kind = match shape.kind {
            Kind::String if shape.enumeration.is_some() => continue,
            Kind::String => {
                let pattern = match &shape.pattern {
                    Some(source) => {
                        let quotes = if source.contains('"') { "##" } else { "" };
                        writeln!(
                            text,
                            "static {screaming}_PATTERN: Pattern = \
                             Pattern::new(r{quotes}\"{source}\"{quotes});"
                        )
                        .expect("writing to a String does not fail");
                        format!("Some(&{screaming}_PATTERN)")
                    }
                    None => "None".to_owned(),
                };
                format!("Kind::Text {{ length: {bounds}, pattern: {pattern} }}")
            }
            Kind::Integer => format!("Kind::Integer({bounds})"),
            Kind::Float => format!("Kind::Float({bounds})"),
            Kind::Boolean => "Kind::Boolean".to_owned(),
            Kind::Timestamp => {
                if shape.timestamp_format.as_deref() != Some("iso8601") {
                    return Err(Error::Unsupported(format!("{name}, a moment not in ISO 8601")));
                }
                "Kind::Timestamp".to_owned()
            }
            Kind::Structure | Kind::List | Kind::Map => continue,
        };
        write!(
            text,
            "/// `{name}`.\npub static {screaming}: Shape = Shape::{}({name:?}, {kind});\n\n",
            secrecy(shape)
        )
        .expect("writing to a String does not fail");
    }
    Ok(header(model, "texts, numbers, booleans and moments", &text) + &text)
}

/// The model's one mark `sensitive` stands for two things; a pattern that pins the value down tells
/// an identifier from free text. `.*\S.*` pins nothing down.
fn secrecy(shape: &Shape) -> &'static str {
    let free = shape.pattern.as_deref().is_none_or(|pattern| pattern == r".*\S.*");
    match (shape.sensitive, free) {
        (false, _) => "open",
        (true, false) => "personal",
        (true, true) => "secret",
    }
}

fn containers(model: &Model, families: &Families) -> Result<String, Error> {
    let mut text = String::new();
    for (name, shape) in reached(model, families) {
        let of = |reference: &Option<Reference>| match reference {
            Some(reference) => Ok(names::screaming(&reference.shape)),
            None => Err(Error::Unsupported(format!("{name}, which does not say of what it is"))),
        };
        let size = bounds(shape);
        let kind = match shape.kind {
            Kind::List => {
                format!("Kind::List {{ element: &{}, size: {size} }}", of(&shape.member)?)
            }
            Kind::Map => format!(
                "Kind::Map {{ key: &{}, value: &{}, size: {size} }}",
                of(&shape.key)?,
                of(&shape.value)?
            ),
            Kind::Structure
            | Kind::String
            | Kind::Integer
            | Kind::Float
            | Kind::Boolean
            | Kind::Timestamp => continue,
        };
        write!(
            text,
            "/// `{name}`.\npub static {}: Shape = Shape::open({name:?}, {kind});\n\n",
            names::screaming(name)
        )
        .expect("writing to a String does not fail");
    }
    Ok(text)
}

fn bounds(shape: &Shape) -> String {
    match shape.bounds() {
        (None, None) => "Bounds::NONE".to_owned(),
        (Some(min), None) => format!("Bounds::at_least({min})"),
        (None, Some(max)) => format!("Bounds::at_most({max})"),
        (Some(min), Some(max)) => format!("Bounds::between({min}, {max})"),
    }
}
