//! The table of configuration keys: name, shape, default and meaning of each, in one place.

/// One key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its dotted path: `http.listen`.
    pub path: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What it is when nobody sets it, in text form; `None` if it has no value then.
    pub default: Option<&'static str>,
    /// What it does, as one sentence with its unit.
    pub about: &'static str,
}

/// What the value of a key looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text in quotes.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Flag,
    /// Texts in brackets; separated by commas in an environment variable.
    List,
}

impl Shape {
    /// The shape in words, for an error message.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Text => "text in quotes",
            Self::Integer => "a whole number",
            Self::Flag => "true or false",
            Self::List => "a list of texts, such as [\"a\", \"b\"]",
        }
    }
}

impl Key {
    pub(super) const fn text(
        path: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { path, shape: Shape::Text, default: Some(default), about }
    }

    pub(super) const fn integer(
        path: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { path, shape: Shape::Integer, default: Some(default), about }
    }

    pub(super) const fn flag(
        path: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { path, shape: Shape::Flag, default: Some(default), about }
    }

    pub(super) const fn list(
        path: &'static str,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { path, shape: Shape::List, default: Some(default), about }
    }

    /// A key that has no value until somebody gives it one.
    pub(super) const fn unset(path: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { path, shape, default: None, about }
    }

    /// The environment variable that sets the key: `TRUNKLINE_HTTP__LISTEN`.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.path.replace('.', "__").to_ascii_uppercase())
    }
}

/// What the name of every environment variable of ours begins with.
pub const VARIABLE_PREFIX: &str = "TRUNKLINE_";

/// The candidate nearest to `typed`, if one is near enough to have been meant.
///
/// Near enough is an edit distance of at most a third of the longer text; a transposition of two
/// neighbours counts as one edit.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|it| (edits(typed, it), it))
        .filter(|(edits, it)| *edits * 3 <= typed.len().max(it.len()))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, it)| it)
}

/// Insertions, deletions, substitutions and neighbour swaps that turn `a` into `b`.
pub(super) fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substitute.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_insertions_deletions_substitutions_and_swaps() {
        for (a, b, count) in [
            ("", "abc", 3),
            ("listen", "listen", 0),
            ("lisetn", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edits(a, b), count, "{a} {b}");
        }
    }

    #[test]
    fn a_typo_finds_the_key_that_was_meant_and_nonsense_finds_none() {
        let keys = ["http.listen", "sip.listen", "sip.domain"];
        assert_eq!(nearest("http.lisen", keys), Some("http.listen"));
        assert_eq!(nearest("spi.domain", keys), Some("sip.domain"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn a_variable_is_the_path_in_capitals_with_two_underscores_for_each_dot() {
        let key = Key::unset("http.allow_plaintext", Shape::Flag, "");
        assert_eq!(key.variable(), "TRUNKLINE_HTTP__ALLOW_PLAINTEXT");
    }
}
