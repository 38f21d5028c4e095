//! `trunkline api`: any of the API's operations, signed.

pub(crate) mod family;
mod pages;
mod table;

use chime_api::{Operation, Support};
use chime_client::operation_named;
use clap::builder::{PossibleValue, TypedValueParser};
use serde_json::{Value, json};

use self::family::{FAMILIES, family};
use self::pages::List;
use super::read_text;
use crate::cli::{ApiArgs, Common, OutputForm};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

/// Lists every operation by family, and whether this release implements it.
pub(crate) fn list(screen: &Screen) -> Result<(), Failure> {
    let by_family =
        || FAMILIES.iter().flat_map(|it| Operation::all().filter(move |one| family(*one) == it));
    let state = |operation: Operation| {
        if api::operation::is_implemented(operation) { "implemented" } else { "501" }
    };
    match screen.form {
        OutputForm::Json => {
            let operations: Vec<_> = by_family()
                .map(|it| {
                    json!({
                        "operation": it.name(),
                        "command": kebab(it.name()),
                        "family": family(it).name,
                        "page": format!("docs/api/{}", family(it).page),
                        "implemented": api::operation::is_implemented(it),
                        "deprecated": it.spec().support != Support::Current,
                    })
                })
                .collect();
            screen.json(&json!({ "operations": operations }));
        }
        OutputForm::Text => {
            let mut table = Table::new(["FAMILY", "OPERATION", "STATE", ""]);
            for operation in by_family() {
                let paint = match state(operation) {
                    "implemented" => Paint::Good,
                    _ => Paint::Faint,
                };
                let deprecated = match operation.spec().support {
                    Support::Current => "",
                    Support::Deprecated(_) => "deprecated by AWS",
                };
                table.row([
                    Cell::painted(Paint::Faint, family(operation).name),
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
    let pages = if args.all { Some(List::paged(operation)?) } else { None };
    let input = match (args.json.as_deref(), args.json_file, args.stdin) {
        (Some("-"), _, _) | (None, None, Some(_)) => read_text("-".as_ref())?,
        (Some(json), _, _) => json.to_owned(),
        (None, Some(path), _) => read_text(&path)?,
        (None, None, None) => "{}".into(),
    };
    let connection = Connection::open(common)?;
    let answer = match pages {
        Some(list) => Some(pages::all(&connection, list, &input).await?),
        None => connection.call(operation.name(), &input).await?,
    };
    show(screen, operation, answer);
    Ok(())
}

/// A list is a table for people; any other answer is a document already, in both forms of output.
fn show(screen: &Screen, operation: Operation, answer: Option<Value>) {
    let Some(document) = answer else {
        return match screen.form {
            OutputForm::Json => screen.json(&json!({})),
            OutputForm::Text => screen.done(operation.name()),
        };
    };
    let list = List::of(operation).filter(|_| screen.form == OutputForm::Text);
    let (Some(list), Some(items)) = (list, list.and_then(|it| document[it.member].as_array()))
    else {
        return screen.json(&document);
    };
    if items.is_empty() {
        screen.line(screen.paint(Paint::Faint, format!("no {}", list.member)));
    } else {
        screen.table(&table::table(list, items));
    }
    if let Some(token) = document["NextToken"].as_str().filter(|it| !it.is_empty()) {
        let more = format!("more with --all, or with \"NextToken\": \"{token}\"");
        screen.line(screen.paint(Paint::Faint, more));
    }
}

/// Reads the name of an operation. Shells complete both spellings; a mistyped name is told later, with
/// the one that was meant.
#[derive(Debug, Clone)]
pub(crate) struct OperationName;

impl TypedValueParser for OperationName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        clap::builder::StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let spellings = [Operation::name, |it: Operation| -> &'static str {
            // Made once for each process that prints a script of completions or this help.
            Box::leak(kebab(it.name()).into_boxed_str())
        }];
        Some(Box::new(
            spellings
                .into_iter()
                .flat_map(|spell| Operation::all().map(move |it| PossibleValue::new(spell(it)))),
        ))
    }
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

    #[test]
    fn shells_are_offered_both_spellings_of_every_operation() {
        let offered: Vec<String> =
            OperationName.possible_values().unwrap().map(|it| it.get_name().to_owned()).collect();
        assert_eq!(offered.len(), 2 * 96);
        for name in ["CreateSipRule", "create-sip-rule"] {
            assert!(offered.iter().any(|it| it == name), "{name}");
        }
    }
}
