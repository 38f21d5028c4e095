//! SIP rules: which calls go to which SIP media applications.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, E164Number, Kind, Region, Resource, SipMediaApplicationId, SipRuleId, UnixMillis,
};

/// Sends the calls of one trigger to applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipRule {
    /// Its identifier.
    pub id: SipRuleId,
    /// Its owner.
    pub account: AccountId,
    /// A name of 1–256 characters of `[a-zA-Z0-9 _.-]`; need not be unique.
    pub name: String,
    /// True while it takes no calls.
    pub disabled: bool,
    /// Which calls; never changes.
    pub trigger: SipTrigger,
    /// Where to: at least one, each in a region of its own. An enabled rule's targets all exist.
    pub targets: Vec<TargetApplication>,
    /// When it was created.
    pub created: UnixMillis,
    /// When it was last updated.
    pub updated: UnixMillis,
}

impl SipRule {
    /// The most targets of one rule.
    pub const TARGETS_MAX: usize = 25;
}

impl Resource for SipRule {
    const KIND: Kind = Kind::SipRule;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
}

/// What makes a rule take a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SipTrigger {
    /// The number in the To header.
    ToPhoneNumber(E164Number),
    /// The host of the Request-URI: a Voice Connector's outbound host name, in lower case.
    RequestUriHostname(String),
}

impl fmt::Display for SipTrigger {
    /// The API's `TriggerValue`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToPhoneNumber(number) => number.fmt(f),
            Self::RequestUriHostname(host) => f.write_str(host),
        }
    }
}

/// One application of a rule. They are tried by ascending priority, those of equal priority in the
/// order of the rule's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetApplication {
    /// The application.
    pub application: SipMediaApplicationId,
    /// Smaller is earlier.
    pub priority: NonZeroU32,
    /// The application's region.
    pub region: Region,
}

/// That a trigger is taken by a rule: each is in one rule at most, enabled or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipTriggerClaim {
    /// The rule's owner.
    pub account: AccountId,
    /// The trigger.
    pub trigger: SipTrigger,
    /// The rule.
    pub rule: SipRuleId,
}

impl SipTriggerClaim {
    /// The key of the claim on a trigger; its value alone, since no number is a host name.
    pub fn key_of(trigger: &SipTrigger) -> String {
        trigger.to_string()
    }
}

impl Resource for SipTriggerClaim {
    const KIND: Kind = Kind::SipTriggerClaim;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::key_of(&self.trigger)
    }
    fn parent(&self) -> String {
        self.rule.to_string()
    }
}

/// That a rule names an application: finds an application's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipRuleLink {
    /// The owner of both.
    pub account: AccountId,
    /// The application.
    pub application: SipMediaApplicationId,
    /// The rule.
    pub rule: SipRuleId,
}

impl SipRuleLink {
    /// The key of the link between an application and a rule.
    pub fn key_of(application: SipMediaApplicationId, rule: SipRuleId) -> String {
        format!("{application}/{rule}")
    }
}

impl Resource for SipRuleLink {
    const KIND: Kind = Kind::SipRuleLink;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::key_of(self.application, self.rule)
    }
    fn parent(&self) -> String {
        self.application.to_string()
    }
}
