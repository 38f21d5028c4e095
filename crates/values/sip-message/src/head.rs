//! Splitting a header section into lines: one walk shared by the parser and the stream framer, so
//! that the two can never disagree about where a header starts.

use crate::error::{Fault, Problem};
use crate::grammar::{class, is, number, trim};
use crate::name::Name;

/// One step of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A header line with its folds, from `start` to its line end, which is left out.
    Line { start: usize, end: usize },
    /// The empty line at `start`; the body begins at `body`.
    End { start: usize, body: usize },
    /// The bytes ended without an empty line.
    Unterminated,
}

/// Walks the lines of `bytes` from some line's start.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    newlines: memchr::Memchr<'a>,
    base: usize,
    line: usize,
    /// Line ends passed, the folds' among them.
    count: usize,
    bare_newline: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8], start: usize) -> Self {
        let newlines = memchr::memchr_iter(b'\n', &bytes[start..]);
        Self { bytes, newlines, base: start, line: start, count: 0, bare_newline: false }
    }

    #[inline]
    pub(crate) fn step(&mut self) -> Step {
        let start = self.line;
        for newline in self.newlines.by_ref() {
            let newline = self.base + newline;
            let after_return = newline > start && self.bytes[newline - 1] == b'\r';
            self.count += 1;
            self.bare_newline |= !after_return;
            let end = newline - usize::from(after_return);
            if end == start {
                self.line = newline + 1;
                return Step::End { start, body: newline + 1 };
            }
            if !matches!(self.bytes.get(newline + 1), Some(b' ' | b'\t')) {
                self.line = newline + 1;
                return Step::Line { start, end };
            }
        }
        self.line = self.bytes.len();
        match start < self.bytes.len() {
            true => Step::Line { start, end: self.bytes.len() },
            false => Step::Unterminated,
        }
    }

    /// Whether every line up to here ended in CRLF and no CR stood elsewhere.
    pub(crate) fn ends_are_clean(&self) -> bool {
        let passed = &self.bytes[self.base..self.line];
        !self.bare_newline && memchr::memchr_iter(b'\r', passed).count() == self.count
    }
}

/// A header line cut into its parts; offsets into the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) name: Name,
    pub(crate) name_len: u8,
    pub(crate) value_start: usize,
    pub(crate) value_end: usize,
}

/// Cuts `name : value`.
#[inline]
pub(crate) fn cut(bytes: &[u8], start: usize, end: usize) -> Result<Cut, Fault> {
    let line = &bytes[start..end];
    let name_len = line.iter().position(|&byte| !is(byte, class::TOKEN)).unwrap_or(line.len());
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let gap = line[name_len..].iter().take_while(|byte| is_blank(byte)).count();
    if name_len == 0 || line.get(name_len + gap) != Some(&b':') {
        return Err(Fault::HeaderLine);
    }
    let name = Name::of_bytes(&line[..name_len]);
    let name_len = u8::try_from(name_len).map_err(|_| Fault::NameTooLong)?;
    let mut value_start = start + usize::from(name_len) + gap + 1;
    let mut value_end = end;
    while value_start < end && is(bytes[value_start], class::LWS) {
        value_start += 1;
    }
    while value_end > value_start && is(bytes[value_end - 1], class::LWS) {
        value_end -= 1;
    }
    Ok(Cut { name, name_len, value_start, value_end })
}

/// Reads a Content-Length value.
pub(crate) fn content_length(value: &[u8]) -> Result<usize, Problem> {
    let text = std::str::from_utf8(value).map_err(|_| Problem::Number)?;
    usize::try_from(number(trim(text))?).map_err(|_| Problem::OutOfRange)
}
