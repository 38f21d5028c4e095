//! Numbers of the inventory: who owns them, what for, and where their calls go.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{
    AccountId, E164Number, Kind, PhoneNumberOrderId, Resource, UnixMillis, VoiceConnectorGroupId,
    VoiceConnectorId,
};

/// A number of the inventory that `SearchAvailablePhoneNumbers` and orders draw from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// The number.
    pub number: E164Number,
    /// Who owns it; `None` while it is free to be ordered.
    pub owner: Option<AccountId>,
    /// When it came into the inventory.
    pub added: UnixMillis,
    /// What its owner has made of it; the default while nobody owns it.
    #[serde(default, skip_serializing_if = "Holding::is_default")]
    pub holding: Holding,
}

impl PhoneNumber {
    /// How long a deleted number waits before it is free again, in milliseconds: 7 days.
    pub const QUEUE_MS: u64 = 7 * 86_400_000;

    /// A number as it comes into the inventory.
    pub fn new(number: E164Number, owner: Option<AccountId>, added: UnixMillis) -> Self {
        Self { number, owner, added, holding: Holding::default() }
    }

    /// The number as it is at `now`: one whose time in the deletion queue is over is free.
    ///
    /// What is stored may be older than this; every reader who has a clock reads through here.
    pub fn at(self, now: UnixMillis) -> Self {
        match self.holding.deleted {
            Some(deleted) if now.since(deleted) >= Self::QUEUE_MS => {
                Self { owner: None, holding: Holding::default(), ..self }
            }
            _ => self,
        }
    }

    /// Whose calls may show it: its owner's, unless it waits in the deletion queue.
    pub fn usable_by(&self) -> Option<AccountId> {
        self.owner.filter(|_| self.holding.deleted.is_none())
    }

    /// Since when its owner has it.
    pub fn acquired(&self) -> UnixMillis {
        self.holding.acquired.unwrap_or(self.added)
    }

    /// When its owner last changed it.
    pub fn updated(&self) -> UnixMillis {
        self.holding.updated.unwrap_or(self.acquired())
    }
}

/// What an account has made of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holding {
    /// What the number serves.
    pub product_type: ProductType,
    /// A name for people, never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the called party is shown besides the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calling_name: Option<CallingName>,
    /// The order that brought it; `None` if the operator gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<PhoneNumberOrderId>,
    /// Since when the account has it; `None`: since it came into the inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquired: Option<UnixMillis>,
    /// When it was last changed; `None`: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<UnixMillis>,
    /// When it went into the deletion queue, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<UnixMillis>,
}

impl Holding {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

named! {
    /// The API's `PhoneNumberProductType`.
    #[derive(Default)]
    ProductType {
        /// Calls of Voice Connectors and their groups.
        #[default]
        VoiceConnector = "VoiceConnector",
        /// Calls into SIP media applications.
        SipMediaApplicationDialIn = "SipMediaApplicationDialIn",
    }
}

/// A calling name, which takes its time to reach those who look it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallingName {
    /// 2–15 characters of `[a-zA-Z0-9 ]`.
    pub text: String,
    /// From when on it counts as set.
    pub effective: UnixMillis,
}

impl Resource for PhoneNumber {
    const KIND: Kind = Kind::PhoneNumber;

    /// Numbers have one owner at a time across all accounts, so they live in no account's scope.
    fn account(&self) -> AccountId {
        AccountId::DEFAULT
    }
    fn key(&self) -> String {
        self.number.to_string()
    }
    fn parent(&self) -> String {
        self.owner.map(|it| it.to_string()).unwrap_or_default()
    }
}

/// A number that belongs to a Voice Connector or to a group: calls to it go there, and neither can
/// be deleted while it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumberAssociation {
    /// The owner of both.
    pub account: AccountId,
    /// The number.
    pub number: E164Number,
    /// Where its calls go.
    #[serde(flatten)]
    pub target: AssociationTarget,
    /// Since when.
    pub associated: UnixMillis,
}

/// What a number can belong to: one of these at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssociationTarget {
    /// A Voice Connector.
    Connector(VoiceConnectorId),
    /// A Voice Connector group.
    Group(VoiceConnectorGroupId),
}

impl AssociationTarget {
    /// The key under which the target's numbers are listed.
    ///
    /// A group's has a prefix that no connector's id has, since the two could be alike.
    pub fn parent_key(&self) -> String {
        match self {
            Self::Connector(id) => id.to_string(),
            Self::Group(id) => format!("group/{id}"),
        }
    }
}

impl Resource for PhoneNumberAssociation {
    const KIND: Kind = Kind::PhoneNumberAssociation;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.number.to_string()
    }
    fn parent(&self) -> String {
        self.target.parent_key()
    }
}

/// What an account has chosen for all of its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumberSettings {
    /// The account.
    pub account: AccountId,
    /// The calling name of numbers that have none of their own; `None` once it was cleared.
    pub calling_name: Option<String>,
    /// When it was set.
    pub updated: UnixMillis,
}

impl PhoneNumberSettings {
    /// How long the calling name stays before it may change again, in milliseconds: 7 days.
    pub const CHANGE_MS_MIN: u64 = 7 * 86_400_000;
    /// The one key of an account's settings.
    pub const KEY: &'static str = "settings";
}

impl Resource for PhoneNumberSettings {
    const KIND: Kind = Kind::PhoneNumberSettings;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::KEY.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> E164Number {
        E164Number::parse("+12065550100").unwrap()
    }

    #[test]
    fn a_deleted_number_is_its_owners_for_seven_days_and_then_free() {
        let mut phone = PhoneNumber::new(number(), Some(AccountId::DEFAULT), UnixMillis(5));
        phone.holding.name = Some("desk".into());
        assert_eq!(phone.usable_by(), Some(AccountId::DEFAULT));
        phone.holding.deleted = Some(UnixMillis(1000));
        assert_eq!(phone.usable_by(), None, "no call shows it while it waits");

        let last = UnixMillis(1000 + PhoneNumber::QUEUE_MS - 1);
        assert_eq!(phone.clone().at(last), phone);
        let over = UnixMillis(1000 + PhoneNumber::QUEUE_MS);
        assert_eq!(phone.at(over), PhoneNumber::new(number(), None, UnixMillis(5)));
    }

    #[test]
    fn documents_of_the_first_release_are_read() {
        let phone = r#"{"number":"+12065550100","owner":"000000000000","added":5}"#;
        let expected = PhoneNumber::new(number(), Some(AccountId::DEFAULT), UnixMillis(5));
        assert_eq!(serde_json::from_str::<PhoneNumber>(phone).unwrap(), expected);
        assert_eq!(serde_json::to_string(&expected).unwrap(), phone);

        let association = r#"{"account":"000000000000","number":"+12065550100","connector":"abcdefghijklmnopqrstuv","associated":7}"#;
        let read: PhoneNumberAssociation = serde_json::from_str(association).unwrap();
        let connector = VoiceConnectorId::parse("abcdefghijklmnopqrstuv").unwrap();
        assert_eq!(read.target, AssociationTarget::Connector(connector));
        assert_eq!(serde_json::to_string(&read).unwrap(), association);
    }

    #[test]
    fn a_group_and_a_connector_of_one_id_keep_their_numbers_apart() {
        let text = "abcdefghijklmnopqrstuv";
        let connector = AssociationTarget::Connector(VoiceConnectorId::parse(text).unwrap());
        let group = AssociationTarget::Group(VoiceConnectorGroupId::parse(text).unwrap());
        assert_ne!(connector.parent_key(), group.parent_key());
    }
}
