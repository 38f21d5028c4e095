//! Bodies of several parts (RFC 5621 §3, RFC 2046 §5.1): found, not built.

use std::ops::Range;

use crate::value::MediaType;

/// Parts of one body that are looked at; what follows is left as it is.
const PARTS_MAX: usize = 16;

/// A body of several parts, each with its media type and its place in the body.
#[derive(Debug, Clone, Copy)]
pub struct Multipart<'a> {
    body: &'a [u8],
    boundary: &'a str,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its Content-Type, as written; `None` if it has none, which means plain text.
    pub content_type: Option<&'a str>,
    /// Where its content stands in the whole body.
    pub content: Range<usize>,
}

impl Part<'_> {
    /// Whether it is of that type, whatever the case and the parameters.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        let read = self.content_type.and_then(|text| MediaType::parse(text).ok());
        read.is_some_and(|it| it.is(kind, subtype))
    }
}

impl<'a> Multipart<'a> {
    /// The parts of a body; `None` if its media type is not `multipart` with a boundary.
    ///
    /// ```
    /// use sip_message::{MediaType, Multipart};
    ///
    /// let kind = MediaType::parse("multipart/mixed;boundary=b").unwrap();
    /// let body = b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b--\r\n";
    /// let part = Multipart::of(&kind, body).unwrap().parts().next().unwrap();
    /// assert!(part.is("application", "sdp"));
    /// assert_eq!(&body[part.content], b"v=0\r\n");
    /// ```
    #[must_use]
    pub fn of(kind: &MediaType<'a>, body: &'a [u8]) -> Option<Self> {
        let boundary = kind.params.get("boundary").map(|it| it.trim_matches('"'))?;
        let is_fit = kind.kind.eq_ignore_ascii_case("multipart") && !boundary.is_empty();
        is_fit.then_some(Self { body, boundary })
    }

    /// The parts in their order, at most 16.
    pub fn parts(self) -> impl Iterator<Item = Part<'a>> {
        let delimiters = Delimiters { of: self, at: 0 };
        let next = Delimiters { of: self, at: 0 }.skip(1);
        delimiters
            .zip(next)
            .take(PARTS_MAX)
            .filter(|(begin, _)| begin.then == Then::Part)
            .filter_map(move |(begin, end)| self.part(begin.line.end, end.line.start))
    }

    /// The part between two delimiter lines.
    fn part(self, start: usize, end: usize) -> Option<Part<'a>> {
        let bytes = self.body.get(start..end)?;
        // A part without headers begins with the blank line.
        let (head, content) = match bytes.strip_prefix(b"\r\n") {
            Some(_) => (0, 2),
            None => find(bytes, b"\r\n\r\n").map(|at| (at, at + 4))?,
        };
        let head = str::from_utf8(&bytes[..head]).ok()?;
        let content_type = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("Content-Type").then(|| value.trim())
        });
        // The line end before a delimiter belongs to the delimiter (RFC 2046 §5.1.1).
        let end = bytes.len() - if bytes.ends_with(b"\r\n") { 2 } else { 0 };
        let content = start + content.min(end)..start + end;
        Some(Part { content_type, content })
    }
}

/// A line that begins with two dashes and the boundary.
#[derive(Debug)]
struct Delimiter {
    line: Range<usize>,
    then: Then,
}

/// What follows a delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Part,
    /// It was the last one: two more dashes.
    Nothing,
}

struct Delimiters<'a> {
    of: Multipart<'a>,
    at: usize,
}

impl Iterator for Delimiters<'_> {
    type Item = Delimiter;

    fn next(&mut self) -> Option<Delimiter> {
        let Multipart { body, boundary } = self.of;
        while self.at < body.len() {
            let start = self.at;
            let end = find(&body[start..], b"\r\n").map_or(body.len(), |length| start + length + 2);
            self.at = end;
            let line = body[start..end].trim_ascii_end();
            let Some(rest) = line.strip_prefix(b"--") else { continue };
            let Some(rest) = rest.strip_prefix(boundary.as_bytes()) else { continue };
            match rest {
                b"" => return Some(Delimiter { line: start..end, then: Then::Part }),
                b"--" => {
                    self.at = body.len();
                    return Some(Delimiter { line: start..end, then: Then::Nothing });
                }
                // Another boundary that begins alike.
                _ => {}
            }
        }
        None
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents<'a>(boundary: &'a str, body: &'a [u8]) -> Vec<(Option<&'a str>, &'a [u8])> {
        let text = format!("multipart/mixed;boundary=\"{boundary}\"");
        let text: &'a str = Box::leak(text.into_boxed_str());
        let kind = MediaType::parse(text).unwrap();
        let parts = Multipart::of(&kind, body).unwrap().parts();
        parts.map(|it| (it.content_type, &body[it.content])).collect()
    }

    #[test]
    fn parts_are_found_between_their_delimiters_and_nothing_around_them() {
        let body = b"preamble\r\n--b\r\nContent-Type: application/sdp\r\nContent-ID: <1@a>\r\n\r\n\
            v=0\r\ns=-\r\n\r\n--b \r\n\r\nplain\r\n--bother\r\nstill plain\r\n--b\r\n\
            content-type:application/pidf+xml\r\n\r\n<presence/>\r\n--b--\r\nepilogue\r\n--b\r\n";
        assert_eq!(
            contents("b", body),
            [
                (Some("application/sdp"), &b"v=0\r\ns=-\r\n"[..]),
                (None, b"plain\r\n--bother\r\nstill plain"),
                (Some("application/pidf+xml"), b"<presence/>"),
            ]
        );
    }

    #[test]
    fn a_part_without_an_end_or_a_blank_line_is_no_part() {
        assert!(contents("b", b"--b\r\nContent-Type: a/b\r\n\r\nx").is_empty());
        assert!(contents("b", b"--b\r\nContent-Type: a/b\r\n--b--").is_empty());
        assert_eq!(contents("b", b"--b\r\n\r\n--b--"), [(None, &b""[..])]);
    }

    #[test]
    fn a_single_part_type_or_one_without_a_boundary_has_no_parts() {
        for kind in ["application/sdp", "multipart/mixed", "multipart/mixed;boundary=\"\""] {
            assert!(Multipart::of(&MediaType::parse(kind).unwrap(), b"--b\r\n").is_none());
        }
    }

    proptest! {
        #[test]
        fn any_body_is_parts_within_it(body in "(--b|\r\n|--|x|: |Content-Type){0,24}") {
            for (_, content) in contents("b", body.as_bytes()) {
                prop_assert!(content.len() <= body.len());
            }
        }
    }
}
