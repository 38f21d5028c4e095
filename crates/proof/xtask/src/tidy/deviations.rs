//! Every row of `docs/deviations.md` names a test that pins it.

use std::collections::BTreeSet;

use super::Refusal;
use crate::tree::TextFile;

const PATH: &str = "docs/deviations.md";

pub(super) fn check(files: &[TextFile]) -> Vec<Refusal> {
    let Some(document) = files.iter().find(|it| it.path == PATH) else {
        let fault = "is missing, and there is no software without deviations";
        return vec![Refusal::new(PATH, fault, "write one row per deviation, each with its test")];
    };
    let tests = test_names(files);
    let mut refusals = Vec::new();
    let mut rows = 0;
    let mut in_table = false;
    for (number, line) in document.lines() {
        let Some(cells) = cells(line) else {
            in_table = false;
            continue;
        };
        if is_ruler(&cells) {
            in_table = true;
            continue;
        }
        if !in_table {
            continue;
        }
        rows += 1;
        let named: Vec<&str> = cells.last().map(|cell| backticked(cell)).unwrap_or_default();
        if named.is_empty() {
            let instead = "name the test that pins it, in backticks";
            refusals.push(Refusal::at(document, number, "the last cell names no test", instead));
        }
        for name in named.iter().filter(|name| !tests.contains(bare(name))) {
            let fault = format!("there is no test {name}");
            let instead = "write the test, or correct the name";
            refusals.push(Refusal::at(document, number, fault, instead));
        }
    }
    if rows == 0 {
        let instead = "write a table whose last column is the test";
        refusals.push(Refusal::new(PATH, "has no rows", instead));
    }
    refusals
}

/// The cells of a table's line.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// The line between head and rows: `|---|:-:|`.
fn is_ruler(cells: &[&str]) -> bool {
    cells
        .iter()
        .all(|cell| !cell.is_empty() && cell.bytes().all(|byte| matches!(byte, b'-' | b':' | b' ')))
}

fn backticked(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// `sip-core::digest::a_test`, `conformance/test_x.py::test_y[case]` → the function's name.
fn bare(name: &str) -> &str {
    let name = name.split('[').next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default().trim()
}

/// Names of all functions that a test runner may run: Rust functions below a test attribute or in a
/// proptest block, Python functions that begin with `test_`.
fn test_names(files: &[TextFile]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for file in files {
        let (keyword, rust) = match file.path.rsplit('.').next() {
            Some("rs") => ("fn ", true),
            Some("py") => ("def test_", false),
            _ => continue,
        };
        let mut attribute = false;
        for line in file.text.lines().map(str::trim_start) {
            if line.starts_with("#[") {
                attribute |= line.contains("test]") || line.contains("test(");
                continue;
            }
            let declared = line.strip_prefix("async ").unwrap_or(line);
            if declared.starts_with(keyword) && (attribute || !rust) {
                let from = declared.find(' ').map_or(0, |at| at + 1);
                names.insert(declared[from..].split('(').next().unwrap_or_default().trim());
            }
            attribute &= line.starts_with("//") || line.is_empty();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const HEAD: &str = "# Deviations\n\n| what | why | test |\n|---|---|---|\n";

    fn faults(rows: &str) -> Vec<String> {
        let files = [
            file(PATH, &format!("{HEAD}{rows}")),
            file(
                "crates/a/src/lib.rs",
                "    #[test]\n    // why\n    fn a_is_b() {}\nfn no_test() {}\n",
            ),
            file("crates/a/src/b.rs", "#[tokio::test]\nasync fn c_is_d() {}\n"),
            file("conformance/test_x.py", "def test_y(voice):\n    pass\n"),
        ];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rows_with_tests_that_exist_are_let_through() {
        let rows =
            "| x | y | `a::a_is_b`, `c_is_d` |\n| x | y | `conformance/test_x.py::test_y[1]` |\n";
        assert_eq!(faults(rows), Vec::<String>::new());
    }

    #[test]
    fn rows_without_a_test_are_refused() {
        assert_eq!(
            faults("| x | y | none |\n| x | y | `a::gone` |\n| x | y | `no_test` |\n"),
            [
                "docs/deviations.md:5: the last cell names no test; \
                 name the test that pins it, in backticks",
                "docs/deviations.md:6: there is no test a::gone; \
                 write the test, or correct the name",
                "docs/deviations.md:7: there is no test no_test; \
                 write the test, or correct the name",
            ]
        );
        assert!(faults("")[0].contains("has no rows"));
        assert!(check(&[])[0].to_string().contains("is missing"));
    }
}
