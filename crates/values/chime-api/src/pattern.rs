//! Patterns of the model, matched the way the service matches them.
//!
//! - A pattern must match the *whole* value, with or without `^` and `$` of its own (`[a-z]{2}`
//!   refuses `usa`).
//! - `\d`, `\s` and `\S` mean ASCII, as they do in the service's own language.
//! - A leading negative look-ahead `(?!A)B` (the bucket name has one) reads as "does not begin with
//!   a match of A, and is wholly B"; the regex engine used here has no look-around.
//! - `^[-_a-zA-Z0-9]*${2,64}$` (ClientRequestId) repeats the *anchor* `$`, not the class before it.
//!   Probably `{2,64}` was meant to bound the length, but an engine that accepts the pattern, as the
//!   service's does, sees "any number of these characters, then the end, at least twice over". What
//!   the service accepts must not be refused here, so it is read as it stands: no length limit.

use std::fmt;
use std::sync::OnceLock;

use regex::Regex;

/// A pattern of the model, compiled on first use.
pub struct Pattern {
    source: &'static str,
    compiled: OnceLock<Compiled>,
}

struct Compiled {
    /// What the whole value must be.
    whole: Regex,
    /// What the value must not begin with.
    forbidden_start: Option<Regex>,
}

impl Pattern {
    /// A pattern as the model spells it.
    #[must_use]
    pub const fn new(source: &'static str) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    /// The pattern as the model spells it.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// True when the whole of `value` matches.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Compiled::new(self.source));
        compiled.whole.is_match(value)
            && !compiled.forbidden_start.as_ref().is_some_and(|start| start.is_match(value))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

impl Compiled {
    fn new(source: &str) -> Self {
        let (forbidden, required) = split_lookahead(source);
        Self {
            whole: regex(&format!(r"\A(?:{})\z", ascii_classes(required))),
            forbidden_start: forbidden.map(|it| regex(&format!(r"\A(?:{})", ascii_classes(it)))),
        }
    }
}

fn regex(text: &str) -> Regex {
    Regex::new(text)
        .expect("each pattern of the committed model compiles; a test compiles them all")
}

/// Splits `(?!A)B` into A and B; any other pattern is all B.
fn split_lookahead(source: &str) -> (Option<&str>, &str) {
    let Some(inside) = source.strip_prefix("(?!") else { return (None, source) };
    let mut depth = 1_u32;
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' if depth == 1 => return (Some(&inside[..at]), &inside[at + 1..]),
            b')' => depth -= 1,
            _ => {}
        }
    }
    (None, source)
}

/// Spells the Perl classes out in ASCII; the regex engine would take them as Unicode.
fn ascii_classes(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 32);
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('s') => out.push_str(r"[\t\n\x0B\x0C\r ]"),
            Some('S') => out.push_str(r"[^\t\n\x0B\x0C\r ]"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_must_match_the_whole_value() {
        let pattern = Pattern::new("[A-Z]{2}");
        assert!(pattern.matches("US"));
        assert!(!pattern.matches("USA"));
        assert!(!pattern.matches("US\n"));
    }

    #[test]
    fn alternatives_are_anchored_together() {
        let pattern = Pattern::new("^$|^[0-9]{3,3}$");
        assert!(pattern.matches("") && pattern.matches("206"));
        assert!(!pattern.matches("2065") && !pattern.matches("x"));
    }

    #[test]
    fn digits_are_ascii_digits() {
        let pattern = Pattern::new(r"^\+?[1-9]\d{1,14}$");
        assert!(pattern.matches("+12065550100"));
        assert!(!pattern.matches("+1\u{0662}\u{0660}6"), "Arabic-Indic digits are no E.164 digits");
    }

    #[test]
    fn a_negative_look_ahead_forbids_a_start() {
        let bucket = Pattern::new("(?!(^xn--|.+-s3alias$))^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$");
        assert!(bucket.matches("call-records"));
        assert!(bucket.matches("axn--b"));
        assert!(!bucket.matches("xn--calls"));
        assert!(!bucket.matches("calls-s3alias"));
        assert!(bucket.matches("calls-s3alias-2"));
        assert!(!bucket.matches("-calls"));
    }

    #[test]
    fn a_repeated_end_anchor_sets_no_length() {
        let token = Pattern::new("^[-_a-zA-Z0-9]*${2,64}$");
        assert!(token.matches("") && token.matches("a") && token.matches(&"a".repeat(100)));
        assert!(!token.matches("a b"));
    }

    #[test]
    fn escaped_parentheses_do_not_end_a_look_ahead() {
        assert_eq!(split_lookahead(r"(?!a\)b)c"), (Some(r"a\)b"), "c"));
        assert_eq!(split_lookahead("(?!unclosed"), (None, "(?!unclosed"));
    }
}
