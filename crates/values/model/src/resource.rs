//! What every stored thing has: a kind, an owner, a key, a parent.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::AccountId;

macro_rules! kinds {
    ($($(#[$attr:meta])* $variant:ident = $name:literal, $seal:ident;)+) => {
        /// The kinds of stored resources.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind { $($(#[$attr])* $variant),+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The kind's name in the database; never changes once released.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Whether the store encrypts documents of this kind at rest.
            pub const fn is_sealed(self) -> bool {
                match self { $(Self::$variant => kinds!(@$seal)),+ }
            }
        }
    };
    (@sealed) => { true };
    (@clear) => { false };
}

kinds! {
    /// An [`AccessKey`](crate::AccessKey).
    AccessKey = "access_key", sealed;
    /// A [`Carrier`](crate::Carrier).
    Carrier = "carrier", sealed;
    /// An [`Origination`](crate::Origination).
    Origination = "origination", clear;
    /// A [`PhoneNumber`](crate::PhoneNumber).
    PhoneNumber = "phone_number", clear;
    /// A [`PhoneNumberAssociation`](crate::PhoneNumberAssociation).
    PhoneNumberAssociation = "phone_number_association", clear;
    /// A [`SipUser`](crate::SipUser).
    SipUser = "sip_user", sealed;
    /// [`Tags`](crate::Tags).
    Tags = "tags", clear;
    /// A [`Termination`](crate::Termination).
    Termination = "termination", clear;
    /// A [`TerminationHealth`](crate::TerminationHealth).
    TerminationHealth = "termination_health", clear;
    /// A [`VoiceConnector`](crate::VoiceConnector).
    VoiceConnector = "voice_connector", clear;
}

impl Kind {
    /// Finds a kind by its name in the database.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

/// A thing the store keeps, found by `(kind, account, key)` and listed by `(kind, account)` or
/// `(kind, account, parent)` in key order.
pub trait Resource: Serialize + DeserializeOwned + Send + 'static {
    /// What it is.
    const KIND: Kind;

    /// In whose scope its key is unique.
    fn account(&self) -> AccountId;
    /// Its key: unique within its kind and account.
    fn key(&self) -> String;
    /// The key of what it belongs to; empty if it stands alone.
    fn parent(&self) -> String {
        String::new()
    }
}
