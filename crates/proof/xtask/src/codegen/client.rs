//! Emits the client: one method and one error enum per operation.

use std::fmt::Write as _;

use super::families::Families;
use super::imports::imports;
use super::model::{Model, Operation};
use super::{CLIENT, SourceFile, names};

pub(crate) fn emit(model: &Model, families: &Families) -> Vec<SourceFile> {
    let mut modules: Vec<&str> = model.operations.keys().map(|it| families.operation(it)).collect();
    modules.sort_unstable();
    modules.dedup();
    let mut files: Vec<SourceFile> = modules
        .iter()
        .map(|family| {
            let operations: Vec<&Operation> = model
                .operations
                .values()
                .filter(|it| families.operation(&it.name) == *family)
                .collect();
            SourceFile::new(CLIENT, &format!("{family}.rs"), &file(family, &operations))
        })
        .collect();
    files.push(SourceFile::new(CLIENT, "mod.rs", &root(&modules)));
    files
}

fn root(modules: &[&str]) -> String {
    let mut text = "//! One method and one error enum per operation.\n\n".to_owned();
    for module in modules {
        writeln!(text, "mod {module};").expect(WRITES);
    }
    text.push_str("\n/// The errors of the operations, one enum each.\npub mod errors {\n");
    for module in modules {
        writeln!(text, "    pub use super::{module}::errors::*;").expect(WRITES);
    }
    text.push_str("}\n");
    text
}

const WRITES: &str = "writing to a String does not fail";

fn file(family: &str, operations: &[&Operation]) -> String {
    let mut methods = String::from("impl Client {\n");
    let mut errors = String::new();
    for operation in operations {
        methods.push_str(&method(operation));
        errors.push_str(&error(operation));
    }
    methods.push_str("}\n");
    let inputs: Vec<String> = operations.iter().map(|it| it.input_type()).collect();
    let types: Vec<&str> = inputs
        .iter()
        .map(String::as_str)
        .chain(operations.iter().map(|it| it.output_type()))
        .collect();
    let names: Vec<String> = operations.iter().map(|it| error_name(it)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!(
        "//! Operations of the {} family.\n\n{}{}use crate::{{Client, Error}};\n\n{methods}\n\
         pub(super) mod errors {{\nuse crate::error::operation_errors;\n\n\
         operation_errors! {{\n{errors}}}\n}}\n",
        family.replace('_', " "),
        imports("chime_api::types", &types, &methods),
        imports("errors", &names, &methods),
    )
}

fn error_name(operation: &Operation) -> String {
    format!("{}Error", operation.name)
}

fn method(operation: &Operation) -> String {
    let name = &operation.name;
    let deprecated = if operation.deprecated { " The API has deprecated it." } else { "" };
    format!(
        "/// Calls `{name}`: `{}`.{deprecated}\n///\n\
         /// # Errors\n/// [`Error::Service`] with [`{error}`]\n/// when the service refuses; the \
         other variants when it could not be asked.\n\
         pub async fn {}(&self, input: {}) -> Result<{}, Error<{error}>> {{\n\
         self.send(&input).await\n}}\n\n",
        operation.request_line(),
        names::snake(name),
        operation.input_type(),
        operation.output_type(),
        error = error_name(operation),
    )
}

fn error(operation: &Operation) -> String {
    let variants: String =
        operation.errors.iter().map(|error| format!("{}, ", error.shape)).collect();
    format!(
        "    /// What the service answers instead of the output of `{}`.\n    {} {{ {variants}}}\n",
        operation.name,
        error_name(operation)
    )
}
