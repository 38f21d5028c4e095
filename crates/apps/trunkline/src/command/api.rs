//! `trunkline api`: any of the API's operations, signed.

use chime_api::{Operation, Support};
use chime_client::operation_named;
use serde_json::json;

use super::read_text;
use crate::cli::{ApiArgs, Common, OutputForm};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

/// Lists every operation and whether this release implements it.
pub(crate) fn list(screen: &Screen) -> Result<(), Failure> {
    let state = |operation: Operation| {
        if api::operation::is_implemented(operation) { "implemented" } else { "501" }
    };
    match screen.form {
        OutputForm::Json => {
            let operations: Vec<_> = Operation::all()
                .map(|it| {
                    json!({
                        "operation": it.name(),
                        "command": kebab(it.name()),
                        "implemented": api::operation::is_implemented(it),
                        "deprecated": it.spec().support != Support::Current,
                    })
                })
                .collect();
            screen.json(&json!({ "operations": operations }));
        }
        OutputForm::Text => {
            let mut table = Table::new(["OPERATION", "STATE", ""]);
            for operation in Operation::all() {
                let paint = match state(operation) {
                    "implemented" => Paint::Good,
                    _ => Paint::Faint,
                };
                let deprecated = match operation.spec().support {
                    Support::Current => "",
                    Support::Deprecated(_) => "deprecated by AWS",
                };
                table.row([
                    operation.name().into(),
                    Cell::painted(paint, state(operation)),
                    Cell::painted(Paint::Faint, deprecated),
                ]);
            }
            screen.table(&table);
            let done = Operation::all().filter(|it| api::operation::is_implemented(*it)).count();
            screen.line("");
            screen.line(format!("{done} of {} operations are implemented", Operation::all().len()));
        }
    }
    Ok(())
}

pub(crate) async fn run(screen: &Screen, common: &Common, args: ApiArgs) -> Result<(), Failure> {
    let typed = args.operation.as_deref().expect("clap wants an operation unless --list is given");
    // A typo is told before anything is read or connected.
    let operation =
        operation_named(typed).map_err(|unknown| Failure::Usage(unknown.to_string()))?;
    let input = match (args.json, args.json_file, args.stdin) {
        (Some(json), _, _) => json,
        (None, Some(path), _) => read_text(&path)?,
        (None, None, Some(_)) => read_text("-".as_ref())?,
        (None, None, None) => "{}".into(),
    };
    let answer = Connection::open(common)?.call(operation.name(), &input).await?;
    // An operation's answer is a document already, so both forms of output are the same.
    match answer {
        Some(document) => screen.json(&document),
        None if screen.form == OutputForm::Json => screen.json(&json!({})),
        None => screen.done(operation.name()),
    }
    Ok(())
}

/// `CreateVoiceConnector` as the AWS command line writes it.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    let mut before = '-';
    for letter in name.chars() {
        let starts_word = letter.is_ascii_uppercase() && before != '-';
        if starts_word {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
        before = letter;
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_the_name_that_the_list_shows() {
        for operation in Operation::all() {
            assert_eq!(operation_named(&kebab(operation.name())), Ok(operation));
        }
        assert_eq!(kebab("ListVoiceConnectors"), "list-voice-connectors");
    }
}
