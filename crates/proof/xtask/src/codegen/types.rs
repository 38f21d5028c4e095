//! Emits the structures and enums.

use std::fmt::Write as _;

use super::families::{Families, VALUE};
use super::imports::imports;
use super::model::{Kind, Model, Operation, Reference, Shape};
use super::{API, Error, SourceFile, documentation, names};

pub(crate) fn emit(model: &Model, families: &Families) -> Result<Vec<SourceFile>, Error> {
    let folder = format!("{API}/types");
    let mut files = vec![SourceFile::new(&folder, "enumeration.rs", &enumerations(model))];
    let mut modules = vec!["enumeration"];
    for family in families.names() {
        let mut text = String::new();
        for (name, shape) in structures(model) {
            if families.shape(name) == Some(family) {
                text.push_str(&structure(model, name, shape)?);
            }
        }
        for operation in model.operations.values() {
            if families.operation(&operation.name) == family {
                text.push_str(&input_and_output(operation));
            }
        }
        if family == VALUE {
            text.push_str(NO_CONTENT);
        }
        let text = header(model, families, family, &text) + &text;
        files.push(SourceFile::new(&folder, &format!("{family}.rs"), &text));
        modules.push(family);
    }
    files.push(SourceFile::new(&folder, "mod.rs", &root(&modules)));
    Ok(files)
}

/// Structures that are types: exceptions are an enum of their own.
pub(crate) fn structures(model: &Model) -> impl Iterator<Item = (&str, &Shape)> {
    let structures = model.shapes.iter().filter(|(_, it)| it.kind == Kind::Structure);
    structures.filter(|(_, it)| !it.exception).map(|(name, shape)| (name.as_str(), shape))
}

fn root(modules: &[&str]) -> String {
    let mut text = "//! Inputs, outputs, structures and enums of the model.\n\n".to_owned();
    for module in modules {
        writeln!(text, "mod {module};").expect("writing to a String does not fail");
    }
    for module in modules {
        writeln!(text, "pub use {module}::*;").expect("writing to a String does not fail");
    }
    text
}

/// The head of a family's file, with what `body` needs from elsewhere.
fn header(model: &Model, families: &Families, family: &str, body: &str) -> String {
    let siblings: Vec<&str> = structures(model)
        .map(|(name, _)| name)
        .filter(|name| families.shape(name) != Some(family))
        .chain(
            model.shapes.iter().filter(|(_, it)| it.enumeration.is_some()).map(|(n, _)| n.as_str()),
        )
        .chain(Some("NoContent").filter(|_| family != VALUE))
        .collect();
    let title = family.replace('_', " ");
    format!(
        "//! Types of the {title} family.\n\n{}{}{}{}\n",
        imports("std::collections", &["BTreeMap"], body),
        imports("serde", &["Deserialize", "Serialize"], body),
        imports("super", &siblings, body),
        imports("crate", &["Input", "Operation", "Output", "Sensitive", "Timestamp"], body),
    )
}

const NO_CONTENT: &str = "
/// The output of an operation that answers without a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoContent {}

impl Output for NoContent {}
";

fn structure(model: &Model, name: &str, shape: &Shape) -> Result<String, Error> {
    let default = if shape.required.is_empty() { " Default," } else { "" };
    let mut text = format!(
        "/// {}\n#[derive(Debug, Clone,{default} PartialEq, Serialize, Deserialize)]\n\
         pub struct {name} {{\n",
        summary(model, name)
    );
    for (member, reference) in &shape.members {
        let required = shape.required.contains(member);
        let presence = if required { "Required. " } else { "" };
        let sentence = documentation::sentence(model, &reference.shape);
        let rust = rust_type(model, &reference.shape)?;
        let field = names::field(member);
        let (attributes, rust) = if required {
            (format!("rename = \"{member}\""), rust)
        } else {
            let skip = "skip_serializing_if = \"Option::is_none\"";
            (format!("rename = \"{member}\", {skip}"), format!("Option<{rust}>"))
        };
        writeln!(text, "/// {presence}{sentence}\n#[serde({attributes})]\npub {field}: {rust},")
            .expect("writing to a String does not fail");
    }
    text.push_str("}\n\n");
    Ok(text)
}

/// One line that says what a structure is for.
fn summary(model: &Model, name: &str) -> String {
    for operation in model.operations.values() {
        let is = |it: &Option<Reference>| it.as_ref().is_some_and(|it| it.shape == name);
        if is(&operation.input) {
            let deprecated = if operation.deprecated { " Deprecated." } else { "" };
            return format!(
                "Input of `{}`: `{}`.{deprecated}",
                operation.name,
                operation.request_line()
            );
        }
        if is(&operation.output) {
            return format!(
                "Output of `{}`, status {}.",
                operation.name, operation.http.response_code
            );
        }
    }
    format!("The structure `{name}` of the model.")
}

fn input_and_output(operation: &Operation) -> String {
    let (name, input, output) = (&operation.name, operation.input_type(), operation.output_type());
    let mut text = String::new();
    if operation.input.is_none() {
        write!(
            text,
            "/// Input of `{name}`: `{}`. It has no members.\n\
             #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]\n\
             pub struct {input} {{}}\n\n",
            operation.request_line()
        )
        .expect("writing to a String does not fail");
    }
    write!(
        text,
        "impl Input for {input} {{\nconst OPERATION: Operation = Operation::{name};\n\
         type Output = {output};\n}}\n\n"
    )
    .expect("writing to a String does not fail");
    if operation.output.is_some() {
        write!(text, "impl Output for {output} {{}}\n\n")
            .expect("writing to a String does not fail");
    }
    text
}

/// The Rust type of a shape.
pub(crate) fn rust_type(model: &Model, name: &str) -> Result<String, Error> {
    let shape = model.shape(name);
    let inner = |reference: &Option<Reference>| {
        let reference = reference.as_ref().ok_or_else(|| {
            Error::Unsupported(format!("{name}, a list or map that does not say of what"))
        })?;
        rust_type(model, &reference.shape)
    };
    Ok(match shape.kind {
        Kind::Structure => name.to_owned(),
        Kind::String if shape.enumeration.is_some() => name.to_owned(),
        Kind::String if shape.sensitive => "Sensitive".to_owned(),
        Kind::String => "String".to_owned(),
        Kind::Integer => "i32".to_owned(),
        Kind::Float => "f64".to_owned(),
        Kind::Boolean => "bool".to_owned(),
        Kind::Timestamp => "Timestamp".to_owned(),
        Kind::List => format!("Vec<{}>", inner(&shape.member)?),
        Kind::Map => format!("BTreeMap<{}, {}>", inner(&shape.key)?, inner(&shape.value)?),
    })
}

fn enumerations(model: &Model) -> String {
    let mut text = "//! Enums of the model.\n\nuse crate::enumeration::wire_enum;\n\n".to_owned();
    for (name, shape) in &model.shapes {
        let Some(values) = &shape.enumeration else { continue };
        write!(text, "wire_enum! {{\n/// The enum `{name}` of the model.\n{name} {{\n")
            .expect("writing to a String does not fail");
        for wire in values {
            writeln!(text, "    /// `{wire}`.\n    {} = {wire:?},", names::variant(wire))
                .expect("writing to a String does not fail");
        }
        text.push_str("}}\n\n");
    }
    text
}
