//! What one check came to.

use serde::Serialize;

/// One check: what was looked at, what was seen, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The check's stable name.
    pub(super) rule: &'static str,
    /// What came of it.
    pub(super) verdict: Verdict,
    /// What was seen.
    pub(super) seen: String,
    /// What to do; empty if nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) remedy: String,
}

/// How bad it is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Neither good nor bad, but good to know.
    Note,
    /// It works, and will not always.
    Warning,
    /// It does not work.
    Bad,
}

impl Finding {
    pub(super) fn good(rule: &'static str, seen: impl Into<String>) -> Self {
        Self { rule, verdict: Verdict::Good, seen: seen.into(), remedy: String::new() }
    }

    pub(super) fn note(
        rule: &'static str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { rule, verdict: Verdict::Note, seen: seen.into(), remedy: remedy.into() }
    }

    pub(super) fn warning(
        rule: &'static str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { rule, verdict: Verdict::Warning, seen: seen.into(), remedy: remedy.into() }
    }

    pub(super) fn bad(
        rule: &'static str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { rule, verdict: Verdict::Bad, seen: seen.into(), remedy: remedy.into() }
    }
}
