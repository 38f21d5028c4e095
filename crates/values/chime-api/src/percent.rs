//! Percent-encoding of path segments and query values. RFC 3986 §2.1.

use std::fmt::Write as _;

/// Why a text is not percent-encoded UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A `%` without two hexadecimal digits after it.
    Escape,
    /// The decoded bytes are not UTF-8.
    Utf8,
}

/// How a `+` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// As itself: paths.
    Literal,
    /// As a space: queries, which HTML form encoders write so.
    Space,
}

/// Decodes one round of percent-encoding.
pub(crate) fn decode(text: &str, plus: Plus) -> Result<String, Fault> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let (high, low) = (bytes.next().and_then(hex), bytes.next().and_then(hex));
                high.ok_or(Fault::Escape)? << 4 | low.ok_or(Fault::Escape)?
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| Fault::Utf8)
}

/// Appends `text` with everything escaped but the unreserved characters, as AWS's own clients do.
pub(crate) fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String does not fail");
        }
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The pairs of a query string, still encoded. A key without `=` has an empty value.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_keeps_its_plus() {
        assert_eq!(decode("%252B1+2", Plus::Literal).as_deref(), Ok("%2B1+2"));
        assert_eq!(decode("New+York%2B", Plus::Space).as_deref(), Ok("New York+"));
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_told_apart() {
        for text in ["%", "%4", "%zz", "a%4"] {
            assert_eq!(decode(text, Plus::Literal), Err(Fault::Escape), "{text}");
        }
        assert_eq!(decode("%ff", Plus::Literal), Err(Fault::Utf8));
    }

    proptest! {
        /// What is encoded decodes to itself.
        #[test]
        fn encoding_is_undone_by_decoding(text in ".{0,40}") {
            let mut encoded = String::new();
            encode_into(&mut encoded, &text);
            prop_assert_eq!(decode(&encoded, Plus::Literal), Ok(text.clone()));
            prop_assert_eq!(decode(&encoded, Plus::Space), Ok(text));
        }
    }
}
