//! Words that do not belong into the tree: unowned promises, and names of the machine or the shop
//! that a file happened to be written on.

use super::Refusal;
use crate::tree::TextFile;

/// Files in which a word is somebody else's format.
const EXEMPT: &[&str] = &["Cargo.lock", "conformance/rust-sdk/Cargo.lock", "fuzz/Cargo.lock"];

// Spelled in halves, so that this file obeys its own law.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("deb.", "debian.org"),
];
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
const UNOWNED: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];
const LATER: &str = concat!("TO", "DO");
const UNBUILT: &str = concat!("to", "do!(");

pub(super) fn check(files: &[TextFile]) -> Vec<Refusal> {
    files
        .iter()
        .filter(|it| !EXEMPT.contains(&it.path.as_str()))
        .flat_map(|file| {
            file.lines().flat_map(move |(number, line)| {
                refused(line)
                    .into_iter()
                    .map(move |(fault, instead)| Refusal::at(file, number, fault, instead))
            })
        })
        .collect()
}

fn refused(line: &str) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for host in REGISTRIES.iter().filter(|it| line.contains(**it)) {
        found.push((format!("{host} is named"), "speak of the package, not of where it is kept"));
    }
    for path in MACHINE_PATHS.iter().filter(|it| is_path(line, it)) {
        found.push((
            format!("a path below {path}"),
            "use a path from the root of the tree, or one that is configured",
        ));
    }
    for word in UNOWNED.iter().filter(|it| is_word(line, it)) {
        found.push((format!("{word} has no owner"), "mend it, or open an issue and cite it"));
    }
    if is_word(line, LATER) && !is_cited(line) {
        found.push((format!("{LATER} without its issue"), "write it with its number: (#12)"));
    }
    if line.contains(UNBUILT) {
        found.push((format!("{UNBUILT}) panics"), "build it, or answer with a typed error"));
    }
    found
}

/// True where `path` begins: not as a part of a longer path or URL.
fn is_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|it| !it.is_alphanumeric() && !"._-~})/$".contains(it))
    })
}

fn is_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let edge = |it: Option<char>| it.is_none_or(|it| !it.is_alphanumeric() && it != '_');
        let ends = word.ends_with(':') || edge(line[at + word.len()..].chars().next());
        edge(line[..at].chars().next_back()) && ends
    })
}

/// `(#12)` right after the word.
fn is_cited(line: &str) -> bool {
    line.split(LATER).skip(1).all(|after| {
        let number = after.strip_prefix("(#").and_then(|it| it.split_once(')'));
        number.is_some_and(|(it, _)| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn faults(line: &str) -> Vec<String> {
        check(&[file("a.rs", line)]).into_iter().map(|it| it.fault).collect()
    }

    #[test]
    fn promises_carry_an_issue() {
        assert_eq!(faults(&format!("// {LATER}: later")), ["TO\u{44}O without its issue"]);
        assert_eq!(faults(&format!("// {LATER}(#12): later")), Vec::<String>::new());
        assert_eq!(faults(&format!("// {LATER}(#): later")).len(), 1);
        assert_eq!(faults(&format!("let MY_{LATER}S = 1;")), Vec::<String>::new());
        assert_eq!(faults(&format!("// {}", UNOWNED[0])).len(), 1);
        assert_eq!(faults(&format!("    {UNBUILT}\"x\")")).len(), 1);
    }

    #[test]
    fn machines_and_shops_are_not_named() {
        let path = MACHINE_PATHS[0];
        assert_eq!(faults(&format!("open(\"{path}x\")")).len(), 1);
        assert_eq!(faults(&format!("see https://example.com{path}x")), Vec::<String>::new());
        assert_eq!(faults(&format!("target{path}x")), Vec::<String>::new());
        assert_eq!(faults(&format!("from {} of course", REGISTRIES[0])).len(), 1);
    }

    #[test]
    fn lock_files_are_in_somebody_elses_format() {
        let lock = file("Cargo.lock", &format!("source = \"{}\"", REGISTRIES[0]));
        assert_eq!(check(&[lock]), []);
    }
}
