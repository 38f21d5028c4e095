//! Parameters: the `;name=value` tails of headers and URIs.

use std::borrow::Cow;
use std::fmt;

use crate::error::Problem;
use crate::grammar::{Cursor, class, skip_quoted, split_at_byte, trim, unquote};

/// The parameters that follow a header value or a URI, as written.
///
/// Made by reading a header or URI, it holds what that reading accepted. Made from a literal by
/// [`Params::new`], it prints as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    raw: &'a str,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Param<'a> {
    /// Its name, as written; compare without case.
    pub name: &'a str,
    /// Its value as written, quotes included; `None` for a bare name.
    pub value: Option<&'a str>,
}

impl<'a> Param<'a> {
    /// The value without its quotes and escapes.
    #[must_use]
    pub fn unquoted(&self) -> Option<Cow<'a, str>> {
        self.value.map(unquote)
    }
}

impl<'a> Params<'a> {
    /// Takes text of the form `;name=value;name`, with or without the first semicolon.
    #[must_use]
    pub fn new(raw: &'a str) -> Self {
        Self { raw }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The parameters in order.
    #[must_use]
    pub fn iter(&self) -> ParamIter<'a> {
        ParamIter { rest: self.raw }
    }

    /// The first parameter of that name, whatever its case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// The value of the first parameter of that name, as written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.find(name)?.value
    }

    /// Whether there is a parameter of that name, with or without a value.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Reads header parameters up to the end of the value or a comma, showing each to `each`.
    #[inline]
    pub(crate) fn read(
        cursor: &mut Cursor<'a>,
        mut each: impl FnMut(Param<'a>) -> Result<(), Problem>,
    ) -> Result<Self, Problem> {
        let start = cursor.at();
        while cursor.eat_spaced(b';') {
            let name = cursor.run(class::TOKEN);
            if name.is_empty() {
                return Err(Problem::Param);
            }
            let value = if cursor.eat_spaced(b'=') { Some(read_value(cursor)?) } else { None };
            each(Param { name, value })?;
        }
        Ok(Self { raw: cursor.since(start) })
    }
}

/// A parameter's value: quoted, or a run of what senders put there unquoted.
fn read_value<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Problem> {
    if cursor.peek() == Some(b'"') {
        return cursor.quoted();
    }
    match cursor.run(class::VALUE) {
        "" => Err(Problem::Param),
        value => Ok(value),
    }
}

impl PartialEq for Params<'_> {
    /// Same parameters, written the same, in the same order; blanks around them do not count.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Params<'_> {}

impl fmt::Display for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|param| write!(f, ";{param}"))
    }
}

impl fmt::Display for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        match self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

/// Walks [`Params`].
#[derive(Debug, Clone)]
pub struct ParamIter<'a> {
    rest: &'a str,
}

impl<'a> Iterator for ParamIter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let end = param_end(self.rest.as_bytes());
            let text = trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or("");
            if text.is_empty() {
                continue;
            }
            return Some(match split_at_byte(text, b'=') {
                Some((name, value)) => Param { name: trim(name), value: Some(trim(value)) },
                None => Param { name: text, value: None },
            });
        }
    }
}

/// Where the first parameter of `bytes` ends: at a semicolon outside quotes.
fn param_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b';' => return at,
            b'"' => at = skip_quoted(bytes, at),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_or_equals_sign_inside_quotes_belongs_to_the_value() {
        let params = Params::new(r#";text="a;b=\"c";cause=486"#);
        assert_eq!(params.get("TEXT"), Some(r#""a;b=\"c""#));
        assert_eq!(params.find("text").and_then(|it| it.unquoted()).as_deref(), Some("a;b=\"c"));
        assert_eq!(params.get("cause"), Some("486"));
    }

    #[test]
    fn blanks_and_folds_around_parameters_do_not_count() {
        let folded = Params::new(" ;\r\n tag = 98asjd8 ; lr");
        assert_eq!(folded, Params::new(";tag=98asjd8;lr"));
        assert_eq!(folded.to_string(), ";tag=98asjd8;lr");
    }

    #[test]
    fn a_bare_name_is_there_without_a_value() {
        let params = Params::new(";lr");
        assert!(params.contains("LR"));
        assert_eq!(params.get("lr"), None);
    }
}
