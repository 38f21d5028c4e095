//! The lines of a session description.

/// One line of a description: `kind=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Position in the body, counted from 1.
    pub number: u32,
    /// The letter before `=`; 0 for a blank line at the end of the body.
    pub kind: u8,
    /// Everything after `=`, without the line end.
    pub value: &'a [u8],
    /// The whole line with its own line end (CRLF, LF, or nothing at the end of the body).
    pub raw: &'a [u8],
}

impl<'a> Line<'a> {
    /// `name` and `value` of an attribute line (`a=name:value` or `a=name`).
    pub fn attribute(&self) -> Option<(&'a [u8], &'a [u8])> {
        if self.kind != b'a' {
            return None;
        }
        match memchr::memchr(b':', self.value) {
            Some(colon) => Some((&self.value[..colon], &self.value[colon + 1..])),
            None => Some((self.value, b"")),
        }
    }

    /// The line's own end, so that a replaced line keeps it.
    pub(crate) fn end(&self) -> &'a [u8] {
        let content = self.raw.len() - line_end_len(self.raw);
        &self.raw[content..]
    }
}

/// The lines of a body in order. RFC 8866 §5 asks for CRLF and for tolerance of LF alone.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: u32,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8], first_number: u32) -> Self {
        Self { rest: bytes, number: first_number }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let len = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (raw, rest) = self.rest.split_at(len);
        let content = &raw[..raw.len() - line_end_len(raw)];
        let (kind, value) = match content {
            [kind, b'=', value @ ..] => (*kind, value),
            other => (0, other),
        };
        let line = Line { number: self.number, kind, value, raw };
        self.rest = rest;
        self.number += 1;
        Some(line)
    }
}

fn line_end_len(raw: &[u8]) -> usize {
    match raw {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n' | b'\r'] => 1,
        _ => 0,
    }
}

/// Splits at the first run of spaces; the second part is empty when there is none.
pub(crate) fn word(text: &str) -> (&str, &str) {
    // Words are a few bytes long: a plain loop is done before a search has begun.
    match text.bytes().position(|byte| byte == b' ') {
        Some(at) => {
            let (first, rest) = text.split_at(at);
            let spaces = rest.bytes().take_while(|byte| *byte == b' ').count();
            (first, &rest[spaces..])
        }
        None => (text, ""),
    }
}

/// A number of decimal digits alone: no sign, no space.
pub(crate) fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
