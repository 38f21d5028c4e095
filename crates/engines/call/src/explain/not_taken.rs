//! The row of a call that nobody here takes.

use super::{Text, refusal};
use crate::reject::{NotCallable, NotTaken};

/// What was seen.
pub(super) fn seen(why: &NotTaken) -> String {
    match why {
        NotTaken::NumberUnknown(number) | NotTaken::NumberUnassociated(number) => {
            number.to_string()
        }
        NotTaken::ApplicationNotServed(what) => format!("{what} is a SIP media application's"),
        NotTaken::GroupEmpty { group, why: None } => format!("group {group} has no member"),
        NotTaken::GroupEmpty { group, why: Some(why) } => {
            format!("no member of group {group} can take it; the last: {}", why.code())
        }
        NotTaken::OriginationAbsent(id) => format!("connector {id} has no origination settings"),
        NotTaken::OriginationDisabled(id) => format!("connector {id} has Disabled: true"),
        NotTaken::RoutesAbsent(id) => format!("connector {id} has no routes"),
        NotTaken::RoutesUnencrypted(id) => {
            format!("connector {id} has only routes of Protocol UDP")
        }
        NotTaken::RoutesUnresolved(id) => {
            format!("no host in connector {id}'s routes has an address")
        }
        NotTaken::SessionClosed { proxy, caller } => match caller {
            Some(caller) => format!("{caller} has no open session at {proxy}"),
            None => format!("an anonymous caller at {proxy}"),
        },
        NotTaken::DialRefused { dial, why } => match why {
            NotCallable::Country(country) => format!("on to {dial} in {country}"),
            NotCallable::Unknown | NotCallable::PremiumRate => format!("on to {dial}"),
        },
    }
}

/// What would have been taken.
pub(super) fn expected(why: &NotTaken) -> &'static str {
    match why {
        NotTaken::NumberUnknown(_) => "a number that an account owns",
        NotTaken::NumberUnassociated(_) => "a number associated with a connector or a group",
        NotTaken::ApplicationNotServed(_) => {
            "a number of ProductType VoiceConnector without SIP rule"
        }
        NotTaken::GroupEmpty { .. } => "a member with enabled routes",
        NotTaken::OriginationAbsent(_) | NotTaken::RoutesAbsent(_) => {
            "origination settings with routes"
        }
        NotTaken::OriginationDisabled(_) => "Disabled: false",
        NotTaken::RoutesUnencrypted(_) => "a route of Protocol TCP, which means TLS there",
        NotTaken::RoutesUnresolved(_) => "one that resolves",
        NotTaken::SessionClosed { .. } => "a participant of an open session",
        NotTaken::DialRefused { .. } => {
            "a number in the connector's CallingRegions without premium rate"
        }
    }
}

/// The way out.
pub(super) fn remedy(why: &NotTaken) -> Text {
    let text = match why {
        NotTaken::NumberUnknown(number) => {
            return format!("`trunkline number add {number} --account ACCOUNT` gives it an owner")
                .into();
        }
        NotTaken::NumberUnassociated(number) => {
            return format!(
                "AssociatePhoneNumbersWithVoiceConnector with {number}: `trunkline api \
                 AssociatePhoneNumbersWithVoiceConnector --json \
                 '{{\"VoiceConnectorId\":\"…\",\"E164PhoneNumbers\":[\"{number}\"]}}'`"
            )
            .into();
        }
        NotTaken::ApplicationNotServed(_) => {
            "this release runs no SIP media applications: disable the SIP rule, or give the number \
             ProductType VoiceConnector and associate it"
        }
        NotTaken::GroupEmpty { why: None, .. } => {
            "UpdateVoiceConnectorGroup with VoiceConnectorItems"
        }
        NotTaken::GroupEmpty { why: Some(why), .. } => return remedy(why),
        NotTaken::OriginationAbsent(id) | NotTaken::RoutesAbsent(id) => {
            return format!(
                "PutVoiceConnectorOrigination on {id} with a route to the PBX that takes its calls"
            )
            .into();
        }
        NotTaken::OriginationDisabled(id) => {
            return format!("PutVoiceConnectorOrigination on {id} with Disabled false").into();
        }
        NotTaken::RoutesUnencrypted(id) => {
            return format!(
                "PutVoiceConnectorOrigination on {id} with Protocol TCP and the PBX's TLS port, or \
                 UpdateVoiceConnector with RequireEncryption false"
            )
            .into();
        }
        NotTaken::RoutesUnresolved(id) => {
            return format!(
                "check the Host of each route of {id} with GetVoiceConnectorOrigination, and the \
                 name server; an IPV4_ONLY connector takes no IPv6 address"
            )
            .into();
        }
        NotTaken::DialRefused { dial, why } => return refusal::remedy(&why.reject(*dial)),
        NotTaken::SessionClosed { .. } => {
            "CreateProxySession for the caller, or PutVoiceConnectorProxy with a \
             FallBackPhoneNumber"
        }
    };
    text.into()
}
