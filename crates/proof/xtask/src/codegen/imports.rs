//! `use` lines that name what a text needs and nothing else.

/// `use from::{…};` with those of `candidates` that stand in `body` as words; nothing when none does.
pub(crate) fn imports(from: &str, candidates: &[&str], body: &str) -> String {
    // Names in comments and in strings are no uses.
    let code: Vec<&str> =
        body.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let words: std::collections::BTreeSet<&str> = code
        .iter()
        .flat_map(|line| line.split('"').step_by(2))
        .flat_map(|part| part.split(|it: char| !it.is_ascii_alphanumeric() && it != '_'))
        .collect();
    let mut used: Vec<&str> = candidates.iter().copied().filter(|it| words.contains(it)).collect();
    used.sort_unstable();
    used.dedup();
    if used.is_empty() {
        return String::new();
    }
    format!("use {from}::{{{}}};\n", used.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_code_are_imported() {
        let body = "/// A Tag.\npub struct Tagged { a: Vec<Label>, b: \"Port\" }";
        assert_eq!(imports("super", &["Tag", "Label", "Port"], body), "use super::{Label};\n");
        assert_eq!(imports("super", &["Tag"], body), "");
    }
}
