//! Credentials as they came, read in one pass.

use std::borrow::Cow;

use sip_message::{DigestFields, unquote};

/// The fields of one `Digest` credential that a server looks at.
#[derive(Debug, Default)]
pub(super) struct Offer<'a> {
    pub(super) username: Option<Cow<'a, str>>,
    pub(super) realm: Option<Cow<'a, str>>,
    pub(super) nonce: Option<Cow<'a, str>>,
    pub(super) uri: Option<Cow<'a, str>>,
    pub(super) response: Option<Cow<'a, str>>,
    pub(super) algorithm: Option<Cow<'a, str>>,
    pub(super) cnonce: Option<Cow<'a, str>>,
    pub(super) qop: Option<Cow<'a, str>>,
    pub(super) count: Option<Cow<'a, str>>,
    pub(super) userhash: Option<Cow<'a, str>>,
}

impl<'a> Offer<'a> {
    pub(super) fn read(fields: &DigestFields<'a>) -> Self {
        let mut offer = Self::default();
        for (name, value) in fields.params() {
            if let Some(slot) = offer.slot(name) {
                *slot = Some(unquote(value));
            }
        }
        offer
    }

    /// Where a parameter goes; its length tells most of them apart.
    fn slot(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        let (known, slot) = match name.len() {
            2 => ("nc", &mut self.count),
            3 if name.eq_ignore_ascii_case("uri") => ("uri", &mut self.uri),
            3 => ("qop", &mut self.qop),
            5 if name.eq_ignore_ascii_case("realm") => ("realm", &mut self.realm),
            5 => ("nonce", &mut self.nonce),
            6 => ("cnonce", &mut self.cnonce),
            8 if name.eq_ignore_ascii_case("username") => ("username", &mut self.username),
            8 if name.eq_ignore_ascii_case("userhash") => ("userhash", &mut self.userhash),
            8 => ("response", &mut self.response),
            9 => ("algorithm", &mut self.algorithm),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known).then_some(slot)
    }
}
