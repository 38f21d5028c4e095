//! Proxy phone sessions: two people who call each other through a number that is neither's.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{AccountId, E164Number, Kind, ProxySessionId, Resource, UnixMillis, VoiceConnectorId};

/// The proxying of one Voice Connector. A put replaces all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// How long a session lasts that names no time of its own, in minutes.
    pub default_expiry_minutes: u32,
    /// ISO 3166-1 alpha-2 codes of the countries whose numbers may stand in; never empty.
    pub countries: Vec<String>,
    /// Where calls to a proxy number go that belong to no open session.
    pub fall_back: Option<E164Number>,
    /// True while no session may be made; open ones go on.
    pub disabled: bool,
}

impl Resource for Proxy {
    const KIND: Kind = Kind::Proxy;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.connector.to_string()
    }
    fn parent(&self) -> String {
        self.connector.to_string()
    }
}

/// A session of two participants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxySession {
    /// Its identifier.
    pub id: ProxySessionId,
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it runs on.
    pub connector: VoiceConnectorId,
    /// A name for people.
    pub name: Option<String>,
    /// How long it lasts after its last change, in minutes.
    pub expiry_minutes: u32,
    /// What the participants may do, none twice; never empty.
    pub capabilities: Vec<ProxyCapability>,
    /// How its number was chosen with respect to earlier sessions of the same two.
    pub selection: Option<NumberSelection>,
    /// How its number was chosen with respect to places.
    pub geo_match: Option<GeoMatch>,
    /// The two.
    pub participants: [Participant; 2],
    /// When it was made.
    pub created: UnixMillis,
    /// When it last changed.
    pub updated: UnixMillis,
    /// When it was ended, if somebody did.
    pub ended: Option<UnixMillis>,
}

impl ProxySession {
    /// When it ends by itself.
    pub fn expires(&self) -> UnixMillis {
        UnixMillis(self.updated.0.saturating_add(u64::from(self.expiry_minutes) * 60_000))
    }

    /// When it ended, if it has by `now`: by somebody's hand or by time, whichever came first.
    pub fn ended_by(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.ended.or_else(|| Some(self.expires()).filter(|it| *it <= now))
    }

    /// Where it stands at `now`.
    pub fn status(&self, now: UnixMillis) -> ProxySessionStatus {
        match self.ended_by(now) {
            Some(_) => ProxySessionStatus::Closed,
            None => ProxySessionStatus::Open,
        }
    }

    /// The key of a connector's session.
    pub fn key_of(connector: &VoiceConnectorId, id: ProxySessionId) -> String {
        format!("{connector}/{id}")
    }

    /// Whether the two are the same as another session's, in either order.
    pub fn is_between(&self, one: E164Number, other: E164Number) -> bool {
        let [a, b] = self.participants;
        (a.number, b.number) == (one, other) || (a.number, b.number) == (other, one)
    }
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The participant's own number.
    pub number: E164Number,
    /// The number that the other one sees and calls.
    pub proxy: E164Number,
}

named! {
    /// The API's `ProxySessionStatus`.
    ProxySessionStatus {
        /// The two can call each other.
        Open = "Open",
        /// They do so now.
        InProgress = "InProgress",
        /// It is over.
        Closed = "Closed",
    }
}

named! {
    /// The API's `Capability`.
    ProxyCapability {
        /// Calls.
        Voice = "Voice",
        /// Short messages.
        Sms = "SMS",
    }
}

named! {
    /// The API's `NumberSelectionBehavior`.
    NumberSelection {
        /// The number that the two had before, if it can be had.
        PreferSticky = "PreferSticky",
        /// Another number than they had before, if one can be had.
        AvoidSticky = "AvoidSticky",
    }
}

/// Which place the number is to be of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoMatch {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Three digits; `None` when the country is enough.
    pub area_code: Option<String>,
    /// True when the request named the place, false when it is that of the first participant.
    pub is_named: bool,
}

impl Resource for ProxySession {
    const KIND: Kind = Kind::ProxySession;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::key_of(&self.connector, self.id)
    }
    fn parent(&self) -> String {
        self.connector.to_string()
    }
}
