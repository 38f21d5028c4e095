//! How far the 96 operations have come: built, judged by a foreign client, or on the list of excuses.
//!
//! The list, `crates/edges/api/src/not-implemented.txt`, may only shrink: [`EXCUSED_MAX`] is its
//! committed length, and it moves down with it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::codegen::model::{Model, Operation};
use crate::codegen::{self, names};
use crate::tree;

/// How many operations may be excused. Lower it with the list; it never rises.
const EXCUSED_MAX: usize = 0;

const EXCUSES: &str = "crates/edges/api/src/not-implemented.txt";
const HANDLERS: &str = "crates/edges/api/src/operation/mod.rs";
const JUDGES: &str = "conformance/";

/// Why the operations do not add up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Model(#[from] codegen::Error),
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{table}\n{}", .refusals.join("\n"))]
    Refused { table: String, refusals: Vec<String> },
}

/// What the tree says about the operations.
struct Evidence {
    /// Rows of the handler table.
    built: BTreeSet<String>,
    /// Lines of the excuse list, in their order.
    excused: Vec<String>,
    /// The texts of the conformance tests.
    judges: String,
}

/// Prints the table, and refuses a tree whose parts contradict each other.
pub(crate) fn report(root: &Path) -> Result<String, Error> {
    let model = codegen::model(root)?;
    let read = |path: &str| {
        let path = root.join(path);
        fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
    };
    let files = tree::text_files(root)
        .map_err(|source| Error::Read { path: root.to_path_buf(), source })?;
    let judges = files.iter().filter(|it| it.path.starts_with(JUDGES) && it.path.ends_with(".py"));
    let evidence = Evidence {
        built: handlers(&read(HANDLERS)?),
        excused: read(EXCUSES)?.lines().map(|line| line.trim().to_owned()).collect(),
        judges: judges.map(|it| it.text.as_str()).collect::<Vec<_>>().join("\n"),
    };
    let table = table(&model, &evidence);
    let refusals = refusals(&model, &evidence, EXCUSED_MAX);
    if refusals.is_empty() { Ok(table) } else { Err(Error::Refused { table, refusals }) }
}

/// The rows of `operations! { Name => path, … }`.
fn handlers(source: &str) -> BTreeSet<String> {
    let rows = source.split_once("\noperations! {").map_or("", |(_, rest)| rest);
    let rows = rows.split_once("\n}").map_or(rows, |(rows, _)| rows);
    let names = rows.lines().filter_map(|line| line.split_once("=>")).map(|(name, _)| name.trim());
    names.filter(|name| !name.starts_with("//")).map(str::to_owned).collect()
}

impl Evidence {
    fn is_excused(&self, name: &str) -> bool {
        self.excused.iter().any(|it| it == name)
    }

    /// True when a conformance test calls the operation through boto3 or the AWS CLI.
    fn is_judged(&self, name: &str) -> bool {
        let method = names::snake(name);
        let command = method.replace('_', "-");
        [format!(".{method}("), format!("\"{command}\""), format!("\"{method}\"")]
            .iter()
            .any(|call| self.judges.contains(call))
    }
}

fn table(model: &Model, evidence: &Evidence) -> String {
    let mut text = format!("{:<52} {:<9} {:<7} request\n", "operation", "state", "judged");
    let (mut built, mut judged) = (0, 0);
    for operation in model.operations.values() {
        let name = &operation.name;
        let is_built = evidence.built.contains(name);
        let is_judged = is_built && evidence.is_judged(name);
        built += usize::from(is_built);
        judged += usize::from(is_judged);
        writeln!(
            text,
            "{name:<52} {:<9} {:<7} {}",
            if is_built { "built" } else { "excused" },
            if is_judged { "yes" } else { "-" },
            described(operation),
        )
        .expect("writing to a String does not fail");
    }
    let excused = evidence.excused.len();
    let total = model.operations.len();
    write!(text, "{total} operations: {built} built, {judged} of them judged, {excused} excused")
        .expect("writing to a String does not fail");
    text
}

fn described(operation: &Operation) -> String {
    let deprecated = if operation.deprecated { " (deprecated)" } else { "" };
    format!("{}{deprecated}", operation.request_line())
}

/// Every contradiction, each with what to do about it.
fn refusals(model: &Model, evidence: &Evidence, excused_max: usize) -> Vec<String> {
    let mut refusals = Vec::new();
    for name in evidence.built.iter().chain(&evidence.excused) {
        if !model.operations.contains_key(name) {
            refusals.push(format!("{name:?} is no operation of the model; correct its spelling"));
        }
    }
    if !evidence.excused.is_sorted_by(|a, b| a < b) {
        refusals.push(format!("{EXCUSES} is not sorted, or names one twice; sort it"));
    }
    for name in model.operations.keys() {
        let refusal = match (evidence.built.contains(name), evidence.is_excused(name)) {
            (true, true) => format!("{name} is built and excused; take it off {EXCUSES}"),
            (false, false) => {
                format!("{name} is neither built nor excused; give it a row in {HANDLERS}")
            }
            (true, false) if !evidence.is_judged(name) => {
                format!("{name} is built and no foreign client calls it; add a test to {JUDGES}")
            }
            (true, false) | (false, true) => continue,
        };
        refusals.push(refusal);
    }
    let excused = evidence.excused.len();
    if excused > excused_max {
        refusals.push(format!(
            "{excused} operations are excused and {excused_max} may be; the list only shrinks, so build one"
        ));
    }
    if excused < excused_max {
        refusals.push(format!(
            "{excused} operations are excused: set EXCUSED_MAX of xtask's operations.rs to {excused}, \
             so that it stays so"
        ));
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let operation = |name: &str| {
            format!(
                r#""{name}":{{"name":"{name}","http":{{"method":"GET","requestUri":"/{name}"}}}}"#
            )
        };
        let operations = ["GetOne", "GetTwo", "GetThree"].map(operation).join(",");
        Model::parse(&format!(r#"{{"operations":{{{operations}}},"shapes":{{}}}}"#)).unwrap()
    }

    fn evidence(built: &[&str], excused: &[&str], judges: &str) -> Evidence {
        let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        Evidence {
            built: owned(built).into_iter().collect(),
            excused: owned(excused),
            judges: judges.to_owned(),
        }
    }

    #[test]
    fn a_tree_that_adds_up_is_let_through_with_its_table() {
        let evidence =
            evidence(&["GetOne", "GetTwo"], &["GetThree"], "voice.get_one(x)\n\"get-two\"");
        assert_eq!(refusals(&model(), &evidence, 1), Vec::<String>::new());
        let table = table(&model(), &evidence);
        assert!(table.ends_with("3 operations: 2 built, 2 of them judged, 1 excused"), "{table}");
    }

    #[test]
    fn each_contradiction_is_refused_by_name() {
        let refused = |built: &[&str], excused: &[&str], judges: &str, max: usize| {
            refusals(&model(), &evidence(built, excused, judges), max).join("\n")
        };
        let all = ".get_one(.get_two(.get_three(";
        let one = &["GetOne"][..];
        let missing = refused(one, &["GetTwo"], all, 1);
        assert!(missing.contains("GetThree is neither built nor excused"), "{missing}");
        let both = refused(one, &["GetOne", "GetThree", "GetTwo"], all, 3);
        assert!(both.contains("GetOne is built and excused"), "{both}");
        let unjudged = refused(one, &["GetThree", "GetTwo"], ".get_ones(", 2);
        assert!(unjudged.contains("GetOne is built and no foreign client calls it"), "{unjudged}");
        let unsorted = refused(one, &["GetTwo", "GetThree"], all, 2);
        assert!(unsorted.contains("is not sorted"), "{unsorted}");
        let misspelled = refused(&["GetOne", "GetFour"], &["GetThree", "GetTwo"], all, 2);
        assert!(misspelled.contains("\"GetFour\" is no operation"), "{misspelled}");
    }

    #[test]
    fn the_list_of_excuses_only_shrinks() {
        let excused = evidence(&["GetOne"], &["GetThree", "GetTwo"], ".get_one(");
        assert!(refusals(&model(), &excused, 1)[0].contains("the list only shrinks"));
        assert!(refusals(&model(), &excused, 3)[0].contains("set EXCUSED_MAX"));
    }

    #[test]
    fn handlers_are_read_from_their_table() {
        let source = "macro_rules! operations { }\n\noperations! {\n    GetOne => one::get,\n    \
            // GetTwo => two::get,\n    GetThree => three::get,\n}\nfn x() { A => b }\n";
        let names: Vec<String> = handlers(source).into_iter().collect();
        assert_eq!(names, ["GetOne", "GetThree"]);
    }
}
