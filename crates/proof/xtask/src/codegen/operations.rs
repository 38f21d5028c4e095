//! Emits the operation table and the exceptions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::families::Families;
use super::imports::imports;
use super::model::{Model, Operation};
use super::{API, Error, SourceFile, names};

/// POST operations that make something new each time they are called. Every other POST of the model
/// names what it changes and leaves the same state when repeated.
fn makes_something_new(name: &str) -> bool {
    name.starts_with("Create")
        || name.starts_with("Start")
        || name == "UpdateSipMediaApplicationCall"
}

pub(crate) fn emit(model: &Model, families: &Families) -> Result<Vec<SourceFile>, Error> {
    let folder = format!("{API}/operation");
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for operation in model.operations.values() {
        rows.entry(families.operation(&operation.name)).or_default().push_str(&row(operation)?);
    }
    let mut text = "//! The operations and the exceptions, with one table of rows per family.\n\n\
        use crate::operation::Spec;\n\n"
        .to_owned();
    for family in rows.keys() {
        writeln!(text, "mod {family};").expect(WRITES);
    }
    text.push_str(&operation_enum(model));
    text.push_str(&exception_enum(model));
    writeln!(
        text,
        "/// One row per operation, in the order of [`Operation`].\n\
         pub(crate) static SPECS: [&Spec; {}] = [",
        model.operations.len()
    )
    .expect(WRITES);
    for name in model.operations.keys() {
        writeln!(text, "&{}::{},", families.operation(name), names::screaming(name)).expect(WRITES);
    }
    text.push_str("];\n");

    let mut files = vec![SourceFile::new(&folder, "mod.rs", &text)];
    for (family, rows) in rows {
        let text = format!(
            "//! Rows of the {} family.\n\n{}{}{}\n{rows}",
            family.replace('_', " "),
            imports("super", &["ErrorShape", "Operation"], &rows),
            imports("crate", &["shapes"], &rows),
            imports(
                "crate::operation",
                &["Effect", "Method", "Selector", "Spec", "Support"],
                &rows
            ),
        );
        files.push(SourceFile::new(&folder, &format!("{family}.rs"), &text));
    }
    Ok(files)
}

const WRITES: &str = "writing to a String does not fail";

/// A macro that hands every operation with its input type to another macro, for tables that must
/// not forget one.
pub(crate) fn emit_for_each(model: &Model) -> SourceFile {
    let mut rows = String::new();
    for operation in model.operations.values() {
        writeln!(rows, "            {} => {};", operation.name, operation.input_type())
            .expect(WRITES);
    }
    let text = format!(
        "//! The operations as rows for a macro.\n\n\
         /// Calls `$callback!` with one row `Operation => InputType;` per operation, in the order of\n\
         /// their names, so that a table made of it cannot forget one.\n\
         #[macro_export]\nmacro_rules! for_each_operation {{\n    ($callback:ident) => {{\n\
         \x20       $callback! {{\n{rows}        }}\n    }};\n}}\n"
    );
    SourceFile::new(API, "for_each.rs", &text)
}

fn operation_enum(model: &Model) -> String {
    let mut text = "/// The operations of the API, in the order of their names.\n\
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n\
        pub enum Operation {\n"
        .to_owned();
    for operation in model.operations.values() {
        writeln!(text, "    /// `{}`.\n    {},", operation.request_line(), operation.name)
            .expect(WRITES);
    }
    text.push_str("}\n\n");
    text
}

fn exception_enum(model: &Model) -> String {
    let mut variants = String::new();
    let mut names = String::new();
    let mut statuses = String::new();
    let mut all = String::new();
    for (name, status) in model.exceptions() {
        writeln!(variants, "    /// Status {status}.\n    {name},")
            .and_then(|()| writeln!(names, "Self::{name} => {name:?},"))
            .and_then(|()| writeln!(statuses, "Self::{name} => {status},"))
            .and_then(|()| write!(all, "Self::{name}, "))
            .expect(WRITES);
    }
    format!(
        "/// The exceptions of the API.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n\
         pub enum ErrorShape {{\n{variants}}}\n\n\
         impl ErrorShape {{\n\
         /// Every exception, in the order of their names.\n\
         pub const ALL: &'static [Self] = &[{all}];\n\n\
         /// The name in the model, which the header `x-amzn-ErrorType` carries.\n\
         #[must_use]\npub const fn name(self) -> &'static str {{ match self {{ {names} }} }}\n\n\
         /// HTTP status code.\n\
         #[must_use]\n#[allow(clippy::match_same_arms, reason = \"one row per exception\")]\n\
         pub const fn status(self) -> u16 {{ match self {{ {statuses} }} }}\n\n\
         /// Finds an exception by its name in the model.\n\
         #[must_use]\npub fn parse(name: &str) -> Option<Self> {{\n\
         Self::ALL.iter().copied().find(|it| it.name() == name)\n}}\n}}\n\n"
    )
}

fn row(operation: &Operation) -> Result<String, Error> {
    let name = &operation.name;
    let method = method(operation)?;
    let selector = match operation.selector() {
        Some((key, value)) => format!("Some(Selector {{ key: {key:?}, value: {value:?} }})"),
        None => "None".to_owned(),
    };
    let effect = match method {
        "Get" => "Read",
        // The one POST that changes nothing: an address is too much for a query.
        _ if name == "ValidateE911Address" => "Read",
        "Post" if makes_something_new(name) && !operation.idempotent => "Once",
        _ => "Idempotent",
    };
    let support = match (&operation.deprecated, &operation.deprecated_since) {
        (false, _) => "Support::Current".to_owned(),
        (true, None) => "Support::Deprecated(None)".to_owned(),
        (true, Some(since)) => format!("Support::Deprecated(Some({since:?}))"),
    };
    let errors: String =
        operation.errors.iter().map(|it| format!("ErrorShape::{}, ", it.shape)).collect();
    let output = match &operation.output {
        Some(output) => format!("Some(&shapes::{})", names::screaming(&output.shape)),
        None => "None".to_owned(),
    };
    Ok(format!(
        "pub(super) static {}: Spec = Spec {{ operation: Operation::{name}, name: {name:?}, method: Method::{method}, \
         path: {:?}, selector: {selector}, status: {}, effect: Effect::{effect}, \
         support: {support}, errors: &[{errors}], input: &shapes::{}, output: {output} }};\n\n",
        names::screaming(name),
        operation.path(),
        operation.http.response_code,
        names::screaming(&operation.input_type()),
    ))
}

/// The variant of `Method`.
pub(crate) fn method(operation: &Operation) -> Result<&'static str, Error> {
    match operation.http.method.as_str() {
        "GET" => Ok("Get"),
        "POST" => Ok("Post"),
        "PUT" => Ok("Put"),
        "DELETE" => Ok("Delete"),
        other => Err(Error::Unsupported(format!("the method {other} of {}", operation.name))),
    }
}
