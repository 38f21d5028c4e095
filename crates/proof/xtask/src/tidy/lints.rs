//! Clippy reads the nearest `clippy.toml` above a crate and merges nothing, so what holds everywhere
//! must be said in each of them alike.

use super::Refusal;
use crate::tree::TextFile;

const ROOT: &str = "clippy.toml";
const SCOPED: &[&str] = &["crates/values/clippy.toml", "crates/engines/clippy.toml"];

pub(super) fn check(files: &[TextFile]) -> Vec<Refusal> {
    let read = |path: &str| {
        let text = files.iter().find(|it| it.path == path).map(|it| it.text.as_str());
        let text = text.ok_or_else(|| missing(path))?;
        text.parse::<toml::Table>().map_err(|error| {
            Refusal::new(path, format!("is no TOML ({})", error.message()), "mend it")
        })
    };
    let mut refusals = Vec::new();
    let mut tables = Vec::new();
    for path in std::iter::once(&ROOT).chain(SCOPED) {
        match read(path) {
            Ok(table) => tables.push((*path, table)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    for (at, (path, table)) in tables.iter().enumerate() {
        for (other_path, other) in &tables[at + 1..] {
            refusals.extend(differences(path, table, other_path, other));
        }
    }
    refusals
}

fn missing(path: &str) -> Refusal {
    Refusal::new(path, "is missing", "write it; without it the folder has no bans")
}

/// What the root says holds in every folder; what two folders both say they say alike.
fn differences(
    path: &str,
    table: &toml::Table,
    other_path: &str,
    other: &toml::Table,
) -> Vec<Refusal> {
    let fault = |key: &str| match other.get(key) {
        Some(value) if Some(value) == table.get(key) => None,
        Some(_) => Some(format!("{key} differs from the one of {path}")),
        None if path == ROOT => Some(format!("{key} of {path} is missing")),
        None => None,
    };
    table
        .keys()
        .filter_map(|key| fault(key))
        .map(|fault| Refusal::new(other_path, fault, "say the same in both"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn faults(root: &str, values: &str, engines: &str) -> Vec<String> {
        let files = [file(ROOT, root), file(SCOPED[0], values), file(SCOPED[1], engines)];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_files_and_additions_of_one_folder_are_let_through() {
        let faults = faults("a = 1\n", "a = 1\nb = [2]\n", "a = 1\nb = [2]\nc = 3\n");
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn what_differs_or_is_missing_is_named() {
        assert_eq!(
            faults("a = 1\n", "a = 2\nb = 1\n", "b = 2\n"),
            [
                "crates/values/clippy.toml: a differs from the one of clippy.toml; say the same in both",
                "crates/engines/clippy.toml: a of clippy.toml is missing; say the same in both",
                "crates/engines/clippy.toml: b differs from the one of crates/values/clippy.toml; \
                 say the same in both",
            ]
        );
        assert!(check(&[file(ROOT, "")])[0].to_string().contains("is missing"));
        assert!(faults("a = ", "", "")[0].contains("is no TOML"));
    }
}
