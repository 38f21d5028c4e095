//! Which headers cross from one leg to the other.
//!
//! A B2BUA makes every header of the other leg anew; what has no business with the dialog itself
//! may pass: `User-to-User`, `Diversion`, `P-Early-Media`, and extensions by prefix.

use sip_message::{Header, Message, MessageWriter, Name, Reason};

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
    /// `X-…`, `User-to-User` (RFC 7433), `Diversion` (RFC 5806) and `P-Early-Media` (RFC 5009),
    /// 2048 bytes of them.
    fn default() -> Self {
        Self {
            prefixes: vec!["X-".into()],
            names: ["User-to-User", "Diversion", "P-Early-Media"].map(Into::into).into(),
            bytes_max: 2048,
        }
    }
}

/// The reasons that a message gives (RFC 3326), as one header value; empty if it gives none that can
/// be read.
pub(crate) fn reasons(message: &Message<'_>) -> String {
    let readable = message.values(Name::Reason).filter(|it| Reason::parse(it).is_ok());
    readable.collect::<Vec<_>>().join(", ")
}

/// Copies them.
pub(crate) fn pass_reasons(message: &Message<'_>, writer: &mut MessageWriter<'_>) {
    let reasons = reasons(message);
    if !reasons.is_empty() {
        writer.text(Name::Reason, &reasons);
    }
}

/// Prefixes of headers that the service itself speaks by: a caller may not put words in its mouth.
const RESERVED: [&str; 2] = ["X-VoiceConnector-", "X-Amzn-"];

/// Whether a header can be chosen at all: one that we have a word for means something to a dialog,
/// to a body or to an identity, these aside.
fn means_nothing_here(name: Name) -> bool {
    use Name as N;
    matches!(
        name,
        N::Other
            | N::AcceptContact
            | N::AlertInfo
            | N::CallInfo
            | N::Diversion
            | N::ErrorInfo
            | N::HistoryInfo
            | N::Identity
            | N::InReplyTo
            | N::Organization
            | N::Priority
            | N::RejectContact
            | N::ReplyTo
            | N::RequestDisposition
            | N::Subject
            | N::UserToUser
    )
}

impl HeaderPolicy {
    /// Whether a header of this name can be let across at all.
    pub fn can_name(name: &str) -> bool {
        means_nothing_here(Name::parse(name))
    }

    /// Copies what may pass from `message` to `writer`, whole lines, in order, until the limit.
    pub(crate) fn pass(&self, message: &Message<'_>, writer: &mut MessageWriter<'_>) {
        self.pass_if(message, writer, |_| true);
    }

    /// The same, of those headers that are fit besides.
    pub(crate) fn pass_if(
        &self,
        message: &Message<'_>,
        writer: &mut MessageWriter<'_>,
        is_fit: impl Fn(&Header<'_>) -> bool,
    ) {
        let mut left = self.bytes_max;
        let fit = |header: &Header<'_>| self.passes(header) && is_fit(header);
        for header in message.headers().filter(fit) {
            let Some(rest) = left.checked_sub(header.line.len()) else { return };
            left = rest;
            writer.raw(header.line);
        }
    }

    fn passes(&self, header: &Header<'_>) -> bool {
        if !means_nothing_here(header.name) {
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
