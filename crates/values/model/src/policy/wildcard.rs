//! Text with `*` and `?`.

use super::PolicyError;

/// A pattern of a policy: `*` stands for any characters or none, colons and slashes included, `?` for
/// exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Exactly(char),
    One,
    Any,
}

/// Whether `${…}` in a pattern means something, as it does from the language's version 2012-10-17 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    Read,
    Plain,
}

impl Pattern {
    /// Reads a pattern. Of the variables only those are known that stand for a character: `${*}`,
    /// `${?}` and `${$}`.
    pub(super) fn parse(
        place: &str,
        text: &str,
        variables: Variables,
    ) -> Result<Self, PolicyError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if variables == Variables::Read && rest.starts_with("${") {
                let (plain, after) = escaped(rest).ok_or_else(|| PolicyError::Variable {
                    place: place.into(),
                    text: rest.chars().take(64).collect(),
                })?;
                pieces.push(Piece::Exactly(plain));
                rest = after;
                continue;
            }
            pieces.push(match next {
                '*' => Piece::Any,
                '?' => Piece::One,
                plain => Piece::Exactly(plain),
            });
            rest = &rest[next.len_utf8()..];
        }
        Ok(Self(pieces))
    }

    /// The same, with wildcards that stand for themselves, as `StringEquals` wants it.
    pub(super) fn without_wildcards(self) -> Self {
        let plain = |piece| match piece {
            Piece::Any => Piece::Exactly('*'),
            Piece::One => Piece::Exactly('?'),
            Piece::Exactly(plain) => Piece::Exactly(plain),
        };
        Self(self.0.into_iter().map(plain).collect())
    }

    /// The same in small letters, for matching without regard to case.
    pub(super) fn folded(self) -> Self {
        let fold = |piece| match piece {
            Piece::Exactly(plain) => plain.to_lowercase().map(Piece::Exactly).collect(),
            Piece::Any | Piece::One => vec![piece],
        };
        Self(self.0.into_iter().flat_map(fold).collect())
    }

    /// Whether the whole of `text` fits.
    ///
    /// After a mismatch only the last `*` has to be tried anew, one character further on: what an
    /// earlier one could do differently, the last one can too.
    pub fn matches(&self, text: &str) -> bool {
        let pattern = self.0.as_slice();
        let mut rest = text.chars();
        let mut at = 0;
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            let fits = match (pattern.get(at), rest.next()) {
                (Some(Piece::Any), _) => {
                    rest = before;
                    at += 1;
                    retry = Some((at, rest.clone()));
                    continue;
                }
                (None, None) => return true,
                (Some(Piece::Exactly(wanted)), Some(found)) => *wanted == found,
                (Some(Piece::One), Some(_)) => true,
                (Some(Piece::Exactly(_) | Piece::One), None) => return false,
                (None, Some(_)) => false,
            };
            if fits {
                at += 1;
                continue;
            }
            let Some((from, mut skipped)) = retry.take() else { return false };
            if skipped.next().is_none() {
                return false;
            }
            at = from;
            rest = skipped.clone();
            retry = Some((from, skipped));
        }
    }
}

/// The character that a variable at the beginning of `text` stands for, and what follows it.
fn escaped(text: &str) -> Option<(char, &str)> {
    [("${*}", '*'), ("${?}", '?'), ("${$}", '$')]
        .into_iter()
        .find_map(|(variable, plain)| Some((plain, text.strip_prefix(variable)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse("Resource", text, Variables::Read).unwrap()
    }

    /// What `*` and `?` mean, said as simply as can be.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            (Some(('?', rest)), Some((_, after))) => naive(rest, after),
            (Some((wanted, rest)), Some((found, after))) => wanted == found && naive(rest, after),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    proptest! {
        /// However the stars lie, the quick way finds what the plain one finds.
        #[test]
        fn matching_equals_its_plain_definition(
            wanted in "[ab*?]{0,9}", text in "[ab]{0,12}",
        ) {
            let (p, t): (Vec<char>, Vec<char>) = (wanted.chars().collect(), text.chars().collect());
            prop_assert_eq!(pattern(&wanted).matches(&text), naive(&p, &t));
        }

        /// Any text is matched or not, never a panic; and a text without wildcards matches itself.
        #[test]
        fn any_text_is_matched_or_not(wanted in ".{0,20}", text in ".{0,20}") {
            let plain = Pattern::parse("Resource", &wanted, Variables::Plain).unwrap();
            plain.matches(&text);
            prop_assert!(plain.without_wildcards().matches(&wanted));
        }
    }

    #[test]
    fn an_escaped_wildcard_stands_for_itself() {
        assert!(pattern("a${*}b${?}${$}").matches("a*b?$"));
        assert!(!pattern("a${*}b").matches("axb"));
        assert!(Pattern::parse("Resource", "${aws:username}", Variables::Read).is_err());
        let plain = Pattern::parse("Resource", "${aws:username}", Variables::Plain).unwrap();
        assert!(plain.matches("${aws:username}"));
    }
}
