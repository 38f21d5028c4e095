//! Which headers cross from one leg to the other.
//!
//! A B2BUA makes every header of the other leg anew; what has no business with the dialog itself
//! may pass: `User-to-User`, `Diversion`, and extensions by prefix.

use sip_message::{Header, Message, MessageWriter, Name};

/// Headers that are handed on as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderPolicy {
    /// Extension headers that begin so pass, in any case.
    pub prefixes: Vec<String>,
    /// These pass, in any case.
    pub names: Vec<String>,
    /// Not more bytes than this of a message pass: what AWS promises, 2048 (DG: sip-headers).
    pub bytes_max: usize,
}

impl Default for HeaderPolicy {
    /// `X-…`, `User-to-User` (RFC 7433) and `Diversion` (RFC 5806), 2048 bytes of them.
    fn default() -> Self {
        Self {
            prefixes: vec!["X-".into()],
            names: vec!["User-to-User".into(), "Diversion".into()],
            bytes_max: 2048,
        }
    }
}

/// Prefixes of headers that the service itself speaks by: a caller may not put words in its mouth.
const RESERVED: [&str; 2] = ["X-VoiceConnector-", "X-Amzn-"];

impl HeaderPolicy {
    /// Copies what may pass from `message` to `writer`, whole lines, in order, until the limit.
    pub(crate) fn pass(&self, message: &Message<'_>, writer: &mut MessageWriter<'_>) {
        let mut left = self.bytes_max;
        for header in message.headers().filter(|header| self.passes(header)) {
            let Some(rest) = left.checked_sub(header.line.len()) else { return };
            left = rest;
            writer.raw(header.line);
        }
    }

    fn passes(&self, header: &Header<'_>) -> bool {
        // A header that we have a word for means something to a dialog, these two aside.
        if !matches!(header.name, Name::Other | Name::UserToUser | Name::Diversion) {
            return false;
        }
        let name = header.raw_name;
        let starts = |prefix: &str| {
            name.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix))
        };
        let listed = self.prefixes.iter().any(|prefix| starts(prefix))
            || self.names.iter().any(|it| it.eq_ignore_ascii_case(name));
        listed && !RESERVED.iter().any(|reserved| starts(reserved))
    }
}
