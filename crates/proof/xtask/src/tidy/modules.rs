//! A module has a noun. If it has none it has no home yet.

use super::Refusal;
use crate::tree::TextFile;

const HOMELESS: &[&str] =
    &["common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"];

pub(super) fn check(files: &[TextFile]) -> Vec<Refusal> {
    files
        .iter()
        .filter(|it| it.path.ends_with(".rs") || it.path.ends_with("Cargo.toml"))
        .filter_map(|file| {
            let path = file.path.strip_suffix(".rs").unwrap_or(&file.path);
            let name = path
                .split('/')
                .find(|part| part.split(['_', '-']).any(|word| HOMELESS.contains(&word)))?;
            Some(Refusal::new(
                &file.path,
                format!("{name} says nothing about what is in it"),
                "name it after the noun it holds, or put each part beside its user",
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn names_without_a_noun_are_refused_as_file_folder_and_part() {
        let refused = |path: &str| check(&[file(path, "")]).len();
        assert_eq!(refused("crates/edges/api/src/utils.rs"), 1);
        assert_eq!(refused("crates/edges/api/src/helpers/time.rs"), 1);
        assert_eq!(refused("crates/values/sip-common/Cargo.toml"), 1);
        assert_eq!(refused("crates/edges/api/src/call_manager.rs"), 1);
        assert_eq!(refused("crates/edges/api/src/uncommon.rs"), 0);
        assert_eq!(refused("docs/utils.md"), 0);
    }
}
