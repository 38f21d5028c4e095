//! The canonical request of Signature Version 4, as the signers of the AWS SDKs build it.
//!
//! The path is the one on the wire, normalised and percent-encoded **once more**: a client that
//! sends `/phone-numbers/%2B1206…` signs `/phone-numbers/%252B1206…`.

use std::fmt::Write as _;

use http::{HeaderMap, Method};

use super::authorization::incomplete;
use crate::error::ApiError;

/// The parts of a request that a signature covers.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    /// The request's method.
    pub(crate) method: &'a Method,
    /// The path on the wire.
    pub(crate) path: &'a str,
    /// The query on the wire, without its question mark.
    pub(crate) query: &'a str,
    /// All headers.
    pub(crate) headers: &'a HeaderMap,
    /// The SHA-256 of the body, in lower-case hex.
    pub(crate) body_sha256: &'a str,
}

impl Signed<'_> {
    /// Builds the canonical request over the headers listed in `signed_headers`.
    pub(crate) fn canonical_request(&self, signed_headers: &str) -> Result<Vec<u8>, ApiError> {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b'\n');
        out.extend_from_slice(canonical_path(self.path).as_bytes());
        out.push(b'\n');
        out.extend_from_slice(canonical_query(self.query).as_bytes());
        out.push(b'\n');
        let mut names = signed_headers.split(';').peekable();
        if !names.clone().any(|name| name == "host") {
            return Err(incomplete(
                "SignedHeaders does not name host, which every signature must cover",
            ));
        }
        while let Some(name) = names.next() {
            if names.peek().is_some_and(|next| *next <= name) {
                return Err(incomplete(
                    "SignedHeaders is not in alphabetical order, each name once",
                ));
            }
            self.canonical_header(name, &mut out)?;
        }
        out.push(b'\n');
        out.extend_from_slice(signed_headers.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.body_sha256.as_bytes());
        Ok(out)
    }

    /// Appends `name:value\n`; values of several lines are joined by commas, spaces are squeezed.
    fn canonical_header(&self, name: &str, out: &mut Vec<u8>) -> Result<(), ApiError> {
        if name.is_empty() || name.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(incomplete("SignedHeaders has a name that is empty or not in lower case"));
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        let mut values = self.headers.get_all(name).iter().peekable();
        if values.peek().is_none() {
            return Err(incomplete(&format!(
                "SignedHeaders names '{name}', but the request has no such header; a proxy may have removed it"
            )));
        }
        while let Some(value) = values.next() {
            let words =
                value.as_bytes().split(|b| *b == b' ' || *b == b'\t').filter(|it| !it.is_empty());
            for (at, word) in words.enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(word);
            }
            if values.peek().is_some() {
                out.push(b',');
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Normalises a path (`.`, `..` and empty segments go) and percent-encodes what is left.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            plain => segments.push(plain),
        }
    }
    let mut out = String::with_capacity(path.len() + 16);
    for segment in &segments {
        out.push('/');
        encode(segment.bytes(), &mut out);
    }
    if out.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

/// Decodes, re-encodes and sorts the parameters of a query.
fn canonical_query(query: &str) -> String {
    let reencoded = |text: &str| {
        let mut out = String::with_capacity(text.len());
        encode(decode(text), &mut out);
        out
    };
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|it| !it.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (reencoded(name), reencoded(value)))
        .collect();
    parameters.sort_unstable();
    let mut out = String::with_capacity(query.len() + 16);
    for (name, value) in &parameters {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
    out
}

/// Percent-encodes everything but RFC 3986's unreserved characters, in upper-case hex.
fn encode(bytes: impl Iterator<Item = u8>, out: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String never fails");
        }
    }
}

/// Undoes the encoding of a query, where a plus is a space; what is no escape stands for itself.
fn decode(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        rest = if escaped.is_some() { &after[2..] } else { after };
        let plain = if first == b'+' { b' ' } else { first };
        Some(escaped.map_or(plain, |(high, low)| high << 4 | low))
    })
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_encoded_once_more_than_on_the_wire() {
        for (wire, signed) in [
            ("/", "/"),
            ("", "/"),
            ("/voice-connectors", "/voice-connectors"),
            ("/voice-connectors/", "/voice-connectors/"),
            ("/phone-numbers/%2B12065550100", "/phone-numbers/%252B12065550100"),
            ("/phone-numbers/%252B12065550100", "/phone-numbers/%25252B12065550100"),
            ("//a/./b/../c", "/a/c"),
            ("/../..", "/"),
        ] {
            assert_eq!(canonical_path(wire), signed, "{wire}");
        }
    }

    #[test]
    fn a_query_is_sorted_and_encoded_alike_however_it_was_written() {
        for (wire, signed) in [
            ("", ""),
            ("operation=put", "operation=put"),
            ("b=2&a=1&a=0&flag", "a=0&a=1&b=2&flag="),
            ("arn=arn:aws:chime", "arn=arn%3Aaws%3Achime"),
            ("arn=arn%3aaws%3Achime", "arn=arn%3Aaws%3Achime"),
            ("x=%zz%4", "x=%25zz%254"),
            ("x=a+b%2B", "x=a%20b%2B"),
        ] {
            assert_eq!(canonical_query(wire), signed, "{wire}");
        }
    }

    #[test]
    fn the_example_of_the_aws_documentation_comes_out() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("iam.amazonaws.com"));
        headers.insert(
            "content-type",
            HeaderValue::from_static("application/x-www-form-urlencoded;  charset=utf-8 "),
        );
        headers.insert("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
        let signed = Signed {
            method: &Method::GET,
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &headers,
            body_sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        };
        let made = signed.canonical_request("content-type;host;x-amz-date").unwrap();
        assert_eq!(
            String::from_utf8(made).unwrap(),
            "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
             content-type:application/x-www-form-urlencoded; charset=utf-8\n\
             host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n\
             content-type;host;x-amz-date\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_signature_that_does_not_cover_the_host_or_covers_what_is_absent_is_incomplete() {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost"));
        let signed = Signed {
            method: &Method::GET,
            path: "/",
            query: "",
            headers: &headers,
            body_sha256: "",
        };
        for bad in ["x-amz-date", "host;x-gone", "x-amz-date;host", "Host", "host;", "host;host"] {
            assert!(signed.canonical_request(bad).is_err(), "{bad}");
        }
        assert!(signed.canonical_request("host").is_ok());
    }

    proptest! {
        /// Any path and query have a canonical form, which is ASCII and has no empty segment.
        #[test]
        fn any_path_and_query_have_a_canonical_form(path in ".{0,60}", query in ".{0,60}") {
            let path = canonical_path(&path);
            prop_assert!(path.starts_with('/') && path.is_ascii() && !path.contains("//"));
            prop_assert!(canonical_query(&query).is_ascii());
        }
    }
}
