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
            let slots: [(&str, &mut Option<Cow<'a, str>>); 10] = [
                ("username", &mut offer.username),
                ("realm", &mut offer.realm),
                ("nonce", &mut offer.nonce),
                ("uri", &mut offer.uri),
                ("response", &mut offer.response),
                ("algorithm", &mut offer.algorithm),
                ("cnonce", &mut offer.cnonce),
                ("qop", &mut offer.qop),
                ("nc", &mut offer.count),
                ("userhash", &mut offer.userhash),
            ];
            for (known, slot) in slots {
                if name.eq_ignore_ascii_case(known) {
                    *slot = Some(unquote(value));
                }
            }
        }
        offer
    }
}
