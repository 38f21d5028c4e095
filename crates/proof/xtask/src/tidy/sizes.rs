//! A file is read in one sitting.

use super::Refusal;
use crate::tree::TextFile;

/// Most lines of a source file. Generated ones are not read, so they may be longer.
const LINES_MAX: usize = 600;

pub(super) fn check(files: &[TextFile]) -> Vec<Refusal> {
    let source = |it: &&TextFile| it.path.ends_with(".rs") || it.path.ends_with(".py");
    files
        .iter()
        .filter(source)
        .filter(|it| !it.is_generated())
        .map(|it| (it, it.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| {
            Refusal::new(
                &file.path,
                format!("{lines} lines, {LINES_MAX} at most"),
                "split it where a part has a noun of its own",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn only_written_sources_are_measured() {
        let long = "x\n".repeat(601);
        let files = [
            file("crates/a/src/lib.rs", &long),
            file("crates/a/src/generated/types.rs", &long),
            file("crates/a/src/short.rs", &"x\n".repeat(600)),
            file("docs/long.md", &long),
        ];
        let refused = check(&files);
        assert_eq!(refused.len(), 1);
        assert_eq!(
            refused[0].to_string(),
            "crates/a/src/lib.rs: 601 lines, 600 at most; split it where a part has a noun of its own"
        );
    }
}
