//! The product's nouns, as checked values.
//!
//! What a [`VoiceConnector`], a [`Termination`], a [`Carrier`] or a [`CallRecord`] *is*; nothing here
//! has state, reads a clock or touches the world. A value that exists is valid: constructors that
//! can fail are called `parse`, and there is no `validate` afterwards.
//!
//! The words are those of the Chime SDK Voice API. **Termination** is customer → PSTN (calls out),
//! **origination** is PSTN → customer (calls in).
//!
//! ```
//! use model::{E164Number, VoiceConnectorId};
//!
//! let number = E164Number::parse("+12065550100").unwrap();
//! assert_eq!(number.to_string(), "+12065550100");
//! assert!(VoiceConnectorId::parse("too-short").is_err());
//! ```

pub mod access_key;
pub mod arn;
pub mod carrier;
pub mod credential;
pub mod id;
pub mod number;
pub mod origination;
pub mod record;
pub mod region;
pub mod resource;
pub mod secret;
pub mod tag;
pub mod termination;
pub mod time;
pub mod voice_connector;

pub use access_key::{AccessKey, AccessKeyId, KeyPolicy, KeyStatus};
pub use arn::Arn;
pub use carrier::{Carrier, CarrierCredential, CarrierName, CarrierTransport};
pub use credential::{DigestKey, DigestKeys, SipUser, Username};
pub use id::{AccountId, TransactionId, VoiceConnectorId};
pub use number::{E164Number, PhoneNumber, PhoneNumberAssociation};
pub use origination::{Origination, Route, RouteProtocol};
pub use record::{CallRecord, CallStatus, Decision, Direction, LegQuality, Verdict};
pub use region::Region;
pub use resource::{Kind, Resource};
pub use secret::Secret;
pub use tag::{Tag, Tags};
pub use termination::{Termination, TerminationHealth};
pub use time::UnixMillis;
pub use voice_connector::{IntegrationType, NetworkType, VoiceConnector};

/// A value that a rule refused: which rule, and what was seen.
///
/// `Display` is a sentence for the person who sent the value. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} \"{seen}\" is refused: {rule}")]
pub struct Refused {
    /// The noun, in words: "phone number", "CIDR block".
    pub what: &'static str,
    /// The text that was seen, cut to a readable length.
    pub seen: String,
    /// The rule it broke, ending in what would be right.
    pub rule: &'static str,
}

impl Refused {
    /// The longest part of a refused value that is repeated to its sender, in characters.
    pub const SEEN_CHARS_MAX: usize = 80;

    /// Refuses `seen` as a `what`, by `rule`.
    pub fn new(what: &'static str, seen: &str, rule: &'static str) -> Self {
        Self { what, seen: seen.chars().take(Self::SEEN_CHARS_MAX).collect(), rule }
    }
}
