//! Addresses as From, To, Contact, Route and their like carry them.

use std::borrow::Cow;
use std::fmt;

use crate::error::{HeaderError, Problem, UriError};
use crate::grammar::{Cursor, class, is, unquote};
use crate::params::Params;
use crate::uri::Uri;

/// `"display" <uri>;params` or `uri;params` (RFC 3261 §20.10 and §25.1 `name-addr`, `addr-spec`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes included; `None` if there is none.
    pub display: Option<&'a str>,
    /// The URI as written, without `<` and `>`.
    pub uri: &'a str,
    /// The header parameters, such as `tag`; those inside `<…>` are the URI's.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// An address of a URI alone.
    #[must_use]
    pub fn new(uri: &'a str) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    /// Reads one address; nothing may follow it.
    ///
    /// The URI is found, not yet read: that is [`NameAddr::parsed_uri`].
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        if cursor.is_done() {
            return Err(Problem::Empty);
        }
        let (display, uri) = read_target(&mut cursor)?;
        let mut tags = 0;
        let params = Params::read(&mut cursor, |param| {
            tags += u8::from(param.name.eq_ignore_ascii_case("tag"));
            if tags > 1 { Err(Problem::ParamRepeated) } else { Ok(()) }
        })?;
        cursor.skip_lws();
        match cursor.peek() {
            None => Ok(Self { display, uri, params }),
            Some(_) => Err(Problem::Trailing),
        }
    }

    /// The URI in parts.
    ///
    /// # Errors
    /// Names the part of the URI that does not fit the grammar.
    pub fn parsed_uri(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri)
    }

    /// The dialog's tag (RFC 3261 §19.3).
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag")
    }

    /// The display name without quotes and escapes.
    #[must_use]
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.display.map(unquote)
    }
}

/// Reads the display name, if there is one, and the URI.
fn read_target<'a>(cursor: &mut Cursor<'a>) -> Result<(Option<&'a str>, &'a str), Problem> {
    let start = cursor.at();
    if cursor.peek() == Some(b'"') {
        let display = cursor.quoted()?;
        cursor.skip_lws();
        return match cursor.eat(b'<') {
            true => Ok((Some(display), read_bracketed(cursor)?)),
            false => Err(Problem::AngleUnbalanced),
        };
    }
    let mut probe = *cursor;
    // Tokens and blanks; also characters beyond ASCII, which ought to be quoted and often are not.
    probe.until(|byte| !is(byte, class::TOKEN | class::LWS));
    if probe.eat(b'<') {
        let before = probe.at() - 1;
        *cursor = probe;
        let uri = read_bracketed(cursor)?;
        let display = cursor.before(start, before);
        return Ok(((!display.is_empty()).then_some(display), uri));
    }
    let uri = cursor.until(|byte| is(byte, class::LWS) || b";,?<>\"".contains(&byte));
    match cursor.peek() {
        Some(b'?') => Err(Problem::NeedsBrackets),
        _ if cursor.rest().contains('<') && !uri.contains(':') => Err(Problem::DisplayName),
        _ if uri.is_empty() => Err(Problem::Uri(UriError::Empty)),
        _ => Ok((None, uri)),
    }
}

/// Reads up to the closing bracket; the opening one is behind the cursor.
fn read_bracketed<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Problem> {
    let uri = cursor.until_byte(b'>');
    if cursor.eat(b'>') { Ok(uri) } else { Err(Problem::AngleUnbalanced) }
}

impl fmt::Display for NameAddr<'_> {
    /// Always with `<…>`, which is right for every URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = self.display {
            write!(f, "{display} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// The addresses of one header, over all its lines and commas, in order.
#[derive(Clone)]
pub struct Addresses<I> {
    pub(crate) name: crate::Name,
    pub(crate) values: I,
}

impl<'a, I: Iterator<Item = &'a str>> Iterator for Addresses<I> {
    type Item = Result<NameAddr<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.values.next()?;
        Some(NameAddr::parse(value).map_err(|problem| HeaderError { name: self.name, problem }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_read() {
        for (text, display, uri, tag) in [
            ("sip:a@example.com;tag=1", None, "sip:a@example.com", Some("1")),
            ("<sip:a@example.com;tag=2>", None, "sip:a@example.com;tag=2", None),
            ("Bob<sip:a@example.com>;tag=3", Some("Bob"), "sip:a@example.com", Some("3")),
            ("A. G. Bell <sip:b@x.org>", Some("A. G. Bell"), "sip:b@x.org", None),
            (
                "\"a \\\" <b>\" <sip:c@x.org> ; tag = 4",
                Some("\"a \\\" <b>\""),
                "sip:c@x.org",
                Some("4"),
            ),
            ("<tel:+12125550101>", None, "tel:+12125550101", None),
            ("sip:a@example.com;x=\"<\"", None, "sip:a@example.com", None),
            ("Jörg <sip:j@x.org>", Some("Jörg"), "sip:j@x.org", None),
        ] {
            let read = NameAddr::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!((read.display, read.uri, read.tag()), (display, uri, tag), "{text}");
        }
    }

    #[test]
    fn a_wrong_address_is_refused_by_its_cause() {
        for (text, problem) in [
            ("", Problem::Empty),
            ("\"Mr. User <sip:a@example.com>", Problem::QuoteUnbalanced),
            ("Bell, Alexander <sip:a@example.com>", Problem::DisplayName),
            ("<sip:a@example.com", Problem::AngleUnbalanced),
            ("\"Bob\" sip:a@example.com", Problem::AngleUnbalanced),
            ("sip:a@example.com?Route=x", Problem::NeedsBrackets),
            ("<sip:a@example.com>;tag=1;tag=2", Problem::ParamRepeated),
            ("<sip:a@example.com>;;;", Problem::Param),
            ("<sip:a@example.com> x", Problem::Trailing),
            ("sip:a@example.com, sip:b@example.com", Problem::Trailing),
        ] {
            assert_eq!(NameAddr::parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn a_display_name_loses_its_quotes_and_escapes() {
        let read = NameAddr::parse("\"J \\\\\\\"\" <sip:j@x.org>").unwrap();
        assert_eq!(read.display_name().as_deref(), Some("J \\\""));
    }
}
