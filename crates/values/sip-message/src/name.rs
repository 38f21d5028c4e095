//! Header names: the ones a trunk touches, by their full and compact spellings.

use std::fmt;

/// Writes the enum, the spellings and the compact forms from one table.
macro_rules! names {
    ($( $(#[$doc:meta])* $variant:ident = $text:literal $(, $compact:literal)? ; )+) => {
        /// A header name. Extensions this crate has no word for are [`Name::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Name {
            $( #[doc = concat!("`", $text, "`")] $variant, )+
            /// Any other header; its name is in [`Header::raw_name`](crate::Header::raw_name).
            Other,
        }

        impl Name {
            /// Every name but `Other`, in alphabetical order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// Full spellings in the order of the variants.
            const SPELLINGS: &'static [&'static str] = &[ $( $text ),+ ];

            /// The full spelling, as its RFC writes it. `Other` has none and is called
            /// `extension`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                Self::SPELLINGS.get(self as usize).copied().unwrap_or("extension")
            }

            /// The one-letter form, if the registry has one.
            #[must_use]
            pub fn compact(self) -> Option<&'static str> {
                match self {
                    $( $( Self::$variant => Some($compact), )? )+
                    _ => None,
                }
            }

            /// The name behind one lower-case letter.
            const fn of_letter(letter: u8) -> Self {
                $( $(
                    if $compact.as_bytes()[0] == letter {
                        return Self::$variant;
                    }
                )? )+
                Self::Other
            }
        }
    };
}

names! {
    Accept = "Accept";
    AcceptContact = "Accept-Contact", "a";
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    AlertInfo = "Alert-Info";
    Allow = "Allow";
    AllowEvents = "Allow-Events", "u";
    AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization";
    CallId = "Call-ID", "i";
    CallInfo = "Call-Info";
    Contact = "Contact", "m";
    ContentDisposition = "Content-Disposition";
    ContentEncoding = "Content-Encoding", "e";
    ContentId = "Content-ID";
    ContentLanguage = "Content-Language";
    ContentLength = "Content-Length", "l";
    ContentType = "Content-Type", "c";
    CSeq = "CSeq";
    Date = "Date";
    Diversion = "Diversion";
    ErrorInfo = "Error-Info";
    Event = "Event", "o";
    Expires = "Expires";
    From = "From", "f";
    Geolocation = "Geolocation";
    GeolocationRouting = "Geolocation-Routing";
    HistoryInfo = "History-Info";
    Identity = "Identity", "y";
    InReplyTo = "In-Reply-To";
    MaxForwards = "Max-Forwards";
    MimeVersion = "MIME-Version";
    MinExpires = "Min-Expires";
    MinSe = "Min-SE";
    Organization = "Organization";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Path = "Path";
    Priority = "Priority";
    Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate";
    ProxyAuthenticationInfo = "Proxy-Authentication-Info";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyRequire = "Proxy-Require";
    RAck = "RAck";
    Reason = "Reason";
    RecordRoute = "Record-Route";
    ReferTo = "Refer-To", "r";
    ReferredBy = "Referred-By", "b";
    RejectContact = "Reject-Contact", "j";
    RemotePartyId = "Remote-Party-ID";
    Replaces = "Replaces";
    ReplyTo = "Reply-To";
    RequestDisposition = "Request-Disposition", "d";
    Require = "Require";
    RetryAfter = "Retry-After";
    Route = "Route";
    RSeq = "RSeq";
    Server = "Server";
    ServiceRoute = "Service-Route";
    SessionExpires = "Session-Expires", "x";
    SipETag = "SIP-ETag";
    SipIfMatch = "SIP-If-Match";
    Subject = "Subject", "s";
    SubscriptionState = "Subscription-State";
    Supported = "Supported", "k";
    Timestamp = "Timestamp";
    To = "To", "t";
    Unsupported = "Unsupported";
    UserAgent = "User-Agent";
    UserToUser = "User-to-User";
    Via = "Via", "v";
    Warning = "Warning";
    WwwAuthenticate = "WWW-Authenticate";
}

impl Name {
    /// How many names there are, `Other` included.
    pub(crate) const COUNT: usize = Self::ALL.len() + 1;

    /// Recognises a header name in any case, full or compact.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        Self::of_bytes(raw.as_bytes())
    }

    #[inline]
    pub(crate) fn of_bytes(raw: &[u8]) -> Self {
        match raw {
            [] => Self::Other,
            [letter] => LETTERS[usize::from(letter.to_ascii_lowercase() & 0x7f)],
            _ => {
                let name = SLOTS[slot(raw, SEED)];
                let spelling = name.as_str().as_bytes();
                // Nearly every sender spells names as their RFC does.
                let is_it = raw == spelling || raw.eq_ignore_ascii_case(spelling);
                if is_it { name } else { Self::Other }
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names by compact letter. Bytes above 0x7f cannot occur in a name, so they may share its slots.
static LETTERS: [Name; 128] = {
    let mut table = [Name::Other; 128];
    let mut letter = b'a';
    while letter <= b'z' {
        table[letter as usize] = Name::of_letter(letter);
        letter += 1;
    }
    table
};

const SLOT_COUNT: usize = 1024;

/// Where a name of two bytes or more hashes to: its length, ends and middle, mixed by `seed`.
#[inline]
const fn slot(raw: &[u8], seed: u32) -> usize {
    const CASE: u8 = 0x20;
    let length = raw.len();
    let word = u32::from_le_bytes([
        raw[0] | CASE,
        raw[length - 1] | CASE,
        raw[length / 2] | CASE,
        raw[length / 3] | CASE,
    ]);
    (word.wrapping_add(length as u32).wrapping_mul(seed) >> 22) as usize
}

/// A multiplier that gives every name a slot of its own, found by the compiler.
const SEED: u32 = {
    let mut seed = 0x9e37_79b1_u32;
    while !is_perfect(seed) {
        seed = seed.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f) | 1;
    }
    seed
};

const fn is_perfect(seed: u32) -> bool {
    let mut taken = [false; SLOT_COUNT];
    let mut i = 0;
    while i < Name::SPELLINGS.len() {
        let at = slot(Name::SPELLINGS[i].as_bytes(), seed);
        if taken[at] {
            return false;
        }
        taken[at] = true;
        i += 1;
    }
    true
}

static SLOTS: [Name; SLOT_COUNT] = {
    let mut table = [Name::Other; SLOT_COUNT];
    let mut i = 0;
    while i < Name::SPELLINGS.len() {
        table[slot(Name::SPELLINGS[i].as_bytes(), SEED)] = Name::ALL[i];
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in Name::ALL {
            assert_eq!(Name::parse(name.as_str()), name);
            assert_eq!(Name::parse(&name.as_str().to_uppercase()), name);
            assert_eq!(Name::parse(&name.as_str().to_lowercase()), name);
        }
    }

    #[test]
    fn every_compact_form_is_found_in_any_case() {
        let mut seen = 0;
        for &name in Name::ALL {
            if let Some(letter) = name.compact() {
                assert_eq!(Name::parse(letter), name);
                assert_eq!(Name::parse(&letter.to_uppercase()), name);
                seen += 1;
            }
        }
        assert_eq!(seen, 19, "the registry's compact forms, Identity-Info (n) aside");
    }

    #[test]
    fn a_name_nobody_gave_a_meaning_is_other() {
        for raw in ["", "z", "1", "é", "X-VoiceConnector-ID", "Vias", "Fro", "C%6Fntact"] {
            assert_eq!(Name::parse(raw), Name::Other, "{raw}");
        }
    }
}
