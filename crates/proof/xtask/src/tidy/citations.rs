//! A citation can be looked up: `RFC 3261 §17.1.1.2`, spelled so everywhere.

use super::Refusal;
use crate::tree::TextFile;

/// The first RFC that can be cited here; smaller numbers are slips.
const NUMBER_MIN: u32 = 700;
/// None has more digits.
const NUMBER_MAX: u32 = 9_999;

pub(super) fn check(files: &[TextFile]) -> Vec<Refusal> {
    let cites = |it: &&TextFile| {
        [".rs", ".md", ".py", ".toml"].iter().any(|ending| it.path.ends_with(ending))
    };
    files
        .iter()
        .filter(cites)
        .flat_map(|file| {
            file.lines().flat_map(move |(number, line)| {
                faults(line).into_iter().map(move |fault| {
                    Refusal::at(file, number, fault, "write it like `RFC 3261 §17.1.1.2`")
                })
            })
        })
        .collect()
}

/// What is wrong with the citations of a line.
fn faults(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("RFC") {
        let inside_word = line[..at].chars().next_back().is_some_and(is_word);
        if inside_word {
            continue;
        }
        if let Some(fault) = fault(&line[at + "RFC".len()..]) {
            let shown: String = line[at..].chars().take(24).collect();
            found.push(format!("{shown:?}: {fault}"));
        }
    }
    found
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Judges what follows the letters RFC; what is no number cites nothing.
fn fault(after: &str) -> Option<String> {
    let spaced = after.trim_start_matches([' ', '\u{a0}', '-']);
    let digits: String = spaced.chars().take_while(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return None;
    }
    let rest = &spaced[digits.len()..];
    if rest.chars().next().is_some_and(is_word) {
        return None;
    }
    if !after.starts_with(' ') || after.len() != spaced.len() + 1 {
        return Some("one space stands between RFC and its number".to_owned());
    }
    let number = digits.parse().unwrap_or(u32::MAX);
    if !(NUMBER_MIN..=NUMBER_MAX).contains(&number) {
        return Some(format!("there is no RFC {digits} to cite"));
    }
    section_fault(rest)
}

/// Judges what follows the number: nothing, or one space and a section that is well formed.
fn section_fault(rest: &str) -> Option<String> {
    let spaced = rest.trim_start_matches([' ', ',', '(']);
    let lower = spaced.to_ascii_lowercase();
    if ["section", "sect.", "sec. "].iter().any(|word| lower.starts_with(word)) {
        return Some("a section is written with its sign".to_owned());
    }
    let section = rest.trim_start().strip_prefix('§')?;
    if !rest.starts_with(" §") {
        return Some("one space stands before the section".to_owned());
    }
    let name: String =
        section.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '.').collect();
    let name = name.trim_end_matches('.');
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    let numbered = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let lettered = first.len() == 1 && first.bytes().all(|it| it.is_ascii_uppercase());
    let well_formed = (numbered(first) || lettered) && parts.all(numbered);
    (!well_formed).then(|| "the section is no number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn citations_that_can_be_looked_up_are_let_through() {
        for line in [
            "RFC 3261 §17.1.1.2",
            "(RFC 3550 §A.8).",
            "RFC 4475",
            "RFCs 7616 and 8760",
            "RFC 3261's branch",
            "RFC 3339 moments",
            "MYRFC3261",
            "RFC 3261 §17, RFC 6026 §7.2.",
            "RFC 9110 §9.1)",
            "rfc4475/",
            "RFC 3261 (and more)",
            "RFC-known",
        ] {
            assert_eq!(faults(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let bare = concat!("RF", "C3261 §17");
        for (line, part) in [
            (bare, "one space stands between"),
            (concat!("RF", "C-3261"), "one space stands between"),
            (concat!("RF", "C 3261§17"), "one space stands before"),
            (concat!("RF", "C 3261 § 17"), "no number"),
            (concat!("RF", "C 3261 §17.x"), "no number"),
            (concat!("RF", "C 3261 section 17"), "written with its sign"),
            (concat!("RF", "C 3261, Section 17"), "written with its sign"),
            (concat!("RF", "C 12"), "to cite"),
            (concat!("RF", "C 32611"), "to cite"),
        ] {
            let found = check(&[file("a.md", line)]);
            assert_eq!(found.len(), 1, "{line}");
            assert!(found[0].fault.contains(part), "{line}: {}", found[0]);
        }
    }
}
