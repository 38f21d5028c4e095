//! Bodies of several parts: the description among them, and the others around it (RFC 5621).
//!
//! An INVITE may carry a caller's location beside the offer (RFC 6442). On its way to the called
//! side the offer is replaced by ours, and every other part stays as it came, byte for byte.

use std::ops::Range;

use sip_message::{MediaType, Message, MessageWriter, Multipart, Name};

/// A whole body and its media type.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    kind: Box<str>,
    bytes: Vec<u8>,
}

/// Where the description stands among the parts; `None` if no part is one.
pub(crate) fn place_of_description(kind: &MediaType<'_>, body: &[u8]) -> Option<Range<usize>> {
    let mut parts = Multipart::of(kind, body)?.parts();
    parts.find(|part| part.is("application", "sdp")).map(|part| part.content)
}

/// An INVITE's body of several parts with `offer` in place of the caller's own; `None` if it has
/// not several parts, or is encoded.
pub(crate) fn around(invite: &Message<'_>, offer: Option<&[u8]>) -> Option<Whole> {
    let kind = invite.content_type().ok()??;
    let body = invite.body();
    Multipart::of(&kind, body)?;
    let bytes = match (place_of_description(&kind, body), offer) {
        (Some(place), Some(offer)) => [&body[..place.start], offer, &body[place.end..]].concat(),
        (None, None) => body.to_vec(),
        (Some(_), None) | (None, Some(_)) => return None,
    };
    Some(Whole { kind: invite.first(Name::ContentType)?.into(), bytes })
}

impl Whole {
    /// Ends an INVITE with the body, and with the headers that speak of its parts.
    pub(crate) fn write(&self, invite: &Message<'_>, writer: &mut MessageWriter<'_>) {
        for name in [Name::Geolocation, Name::GeolocationRouting, Name::MimeVersion] {
            writer.copy_all(invite, name);
        }
        writer.body(&self.kind, &self.bytes);
    }
}
