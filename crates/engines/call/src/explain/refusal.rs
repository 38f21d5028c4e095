//! The row of the rule that refused: what it saw, what it wants, and the way out.

use std::net::SocketAddr;

use model::{Decision, Verdict};
use sip_core::digest;

use super::not_taken;
use super::{Text, allowed_networks, caller_expected, expected_user};
use crate::admission::Facts;
use crate::limit::Exceeded;
use crate::reject::Reject;

/// The row of a refusal.
pub(super) fn row(reject: &Reject, facts: &Facts) -> Decision {
    use digest::Refusal as R;
    let (seen, expected) = (seen(reject, facts), expected(reject, facts));
    let is_guess =
        matches!(reject, Reject::Credentials { why: R::UnknownUser | R::WrongResponse, .. });
    let remedy =
        if is_guess && facts.connector.is_none() { CARRIER_REMEDY.into() } else { remedy(reject) };
    super::row(reject.rule(), Verdict::Refuse, seen, expected, remedy)
}

/// The way out for a carrier that cannot prove who it is.
const CARRIER_REMEDY: &str = "check user name and password at the carrier; `trunkline carrier list` shows who may call in, \
     and `trunkline carrier add … --inbound-username` sets them";

/// What to do where a trunk does not transfer calls.
pub(super) const TRANSFER_REMEDY: &str =
    "let the PBX join the two calls by itself: a trunk does not transfer";

fn seen(reject: &Reject, facts: &Facts) -> String {
    match reject {
        Reject::Malformed(violation) => violation.to_string(),
        Reject::ExtensionUnsupported(tags) => format!("Require: {tags}"),
        Reject::TooManyHops => "Max-Forwards: 0".into(),
        Reject::Loop => "our own Via in the request".into(),
        Reject::Circling { laps } => {
            format!("{laps} calls of this connector to its own number ring, from the same caller")
        }
        Reject::Replaces { dialog, .. } => format!("Replaces: {dialog}"),
        Reject::SessionInterval(it) => format!("Session-Expires: {}", it.got),
        Reject::Draining => "the server is being stopped".into(),
        Reject::TerminationAbsent => "no termination settings".into(),
        Reject::TerminationDisabled => "Disabled: true".into(),
        Reject::EncryptionRequired => facts.transport.to_string(),
        Reject::SourceNotAllowed(source) => source.to_string(),
        Reject::NothingAllowed(source) => format!("{source}, and no credentials"),
        Reject::Credentials { username, why } => format!("user {username}: {why}"),
        Reject::CallerIdNotOwned(number) => {
            number.map_or_else(|| "anonymous".into(), |it| it.to_string())
        }
        Reject::HostUnknown(written)
        | Reject::CallerIdInvalid(written)
        | Reject::DestinationInvalid(written)
        | Reject::BodyUnsupported(written) => written.to_string(),
        Reject::DestinationUnknown(number) | Reject::PremiumRate(number) => number.to_string(),
        Reject::CountryNotAllowed(country) => country.to_string(),
        Reject::Exceeded(
            Exceeded::CallsPerSecond { max } | Exceeded::AccountCallsPerSecond { max },
        ) => {
            format!("more than {max} in a second")
        }
        Reject::Exceeded(
            Exceeded::AccountCalls { max }
            | Exceeded::ConnectorCalls { max }
            | Exceeded::EngineCalls { max }
            | Exceeded::EmergencyCalls { max },
        ) => {
            format!("{max} calls at once")
        }
        Reject::NotTaken(why) => not_taken::seen(why),
        Reject::Offer(refusal) => refusal.to_string(),
        Reject::PortsExhausted { pairs } => format!("all {pairs} port pairs are in calls"),
        Reject::NoCarrier => "no carrier with an address".into(),
    }
}

fn expected(reject: &Reject, facts: &Facts) -> Text {
    let text = match reject {
        Reject::SourceNotAllowed(_) => return allowed_networks(facts),
        Reject::Credentials { .. } => return expected_user(facts),
        Reject::CallerIdNotOwned(_) => return caller_expected(facts),
        Reject::CountryNotAllowed(_) => {
            return facts
                .termination()
                .map_or_else(String::new, |it| it.calling_regions.join(", "))
                .into();
        }
        Reject::Exceeded(Exceeded::CallsPerSecond { max }) => {
            return format!("{max} calls per second").into();
        }
        Reject::Exceeded(Exceeded::AccountCallsPerSecond { max }) => {
            return format!("{max} calls per second for the account").into();
        }
        Reject::Exceeded(Exceeded::AccountCalls { max }) => {
            return format!("at most {max} calls at once for the account").into();
        }
        Reject::Exceeded(Exceeded::ConnectorCalls { max }) => {
            return format!("at most {max} calls at once for the connector").into();
        }
        Reject::Exceeded(Exceeded::EngineCalls { max }) => {
            return format!("at most {max} calls at once on this node").into();
        }
        Reject::Exceeded(Exceeded::EmergencyCalls { max }) => {
            return format!("at most {max} emergency calls at once for the connector").into();
        }
        Reject::SessionInterval(it) => return format!("at least {} s", it.min).into(),
        Reject::Malformed(_) => "a request as RFC 3261 has it",
        Reject::Replaces { why, .. } => why.expected(),
        Reject::ExtensionUnsupported(_) => "no required extension",
        Reject::TooManyHops => "a hop left",
        Reject::Loop => "a request that was not here before",
        Reject::Circling { .. } => "a call that the PBX does not send back to where it came from",
        Reject::HostUnknown(_) => "a connector's outbound host name",
        Reject::Draining => "a server that takes calls",
        Reject::TerminationAbsent => "termination settings",
        Reject::TerminationDisabled => "Disabled: false",
        Reject::EncryptionRequired => "TLS",
        Reject::NothingAllowed(_) => "credentials, an allow list, or both",
        Reject::CallerIdInvalid(_) => "E.164 with a plus, or anonymous",
        Reject::DestinationInvalid(_) => "E.164 with a plus",
        Reject::DestinationUnknown(_) => "a number of a country",
        Reject::PremiumRate(_) => "a number without premium rate",
        Reject::BodyUnsupported(_) => "application/sdp",
        Reject::Offer(_) => return super::expected_media(facts).into(),
        Reject::PortsExhausted { .. } => "one free pair for each leg",
        Reject::NoCarrier => "at least one",
        Reject::NotTaken(why) => not_taken::expected(why),
    };
    text.into()
}

/// The way out of a refusal.
pub(super) fn remedy(reject: &Reject) -> Text {
    let text = match reject {
        Reject::SourceNotAllowed(source) => {
            return format!("add {} to CidrAllowedList", network_of(*source)).into();
        }
        Reject::NothingAllowed(source) => {
            let network = network_of(*source);
            return format!(
                "PutVoiceConnectorTerminationCredentials, or add {network} to CidrAllowedList"
            )
            .into();
        }
        Reject::CallerIdInvalid(seen) => {
            let hint = plus_hint(seen);
            return format!("{hint} in From or P-Asserted-Identity, or set DefaultPhoneNumber")
                .into();
        }
        Reject::DestinationInvalid(seen) => {
            return format!("{} in the Request-URI", plus_hint(seen)).into();
        }
        Reject::CountryNotAllowed(country) => {
            return format!("add {country} to CallingRegions").into();
        }
        Reject::NotTaken(why) => return not_taken::remedy(why),
        Reject::HostUnknown(_) => {
            "send the call to sip:+NUMBER@OUTBOUND-HOST-NAME, as GetVoiceConnector shows it"
        }
        Reject::Credentials { why, .. } => credentials_remedy(*why),
        Reject::Exceeded(exceeded) => limit_remedy(*exceeded),
        Reject::Malformed(_) => "mend the device that sent it: the refusal names what is malformed",
        Reject::ExtensionUnsupported(_) => {
            "make the extension optional on the calling device (Supported instead of Require)"
        }
        Reject::TooManyHops => "look for a routing loop before this service",
        Reject::Loop => "a carrier or PBX sends our own calls back: look at its routes",
        Reject::Circling { .. } => {
            "the PBX sends calls to this number back into the trunk: give the number an extension there, \
             or another forwarding target"
        }
        Reject::Replaces { why, .. } => why.remedy(),
        Reject::SessionInterval(_) => {
            "set a longer session interval on the device, or lower calls.session_min_s"
        }
        Reject::Draining => "none: callers try again, or another node",
        Reject::TerminationAbsent => "PutVoiceConnectorTermination on this connector",
        Reject::TerminationDisabled => "PutVoiceConnectorTermination with Disabled false",
        Reject::EncryptionRequired => {
            "send the call over TLS with SRTP, or UpdateVoiceConnector with RequireEncryption false"
        }
        Reject::CallerIdNotOwned(_) => {
            "call from a number of the account, or set DefaultPhoneNumber; an operator may give \
             the account this number with `trunkline number add`, or set calls.caller_id = \"any\""
        }
        Reject::DestinationUnknown(_) => {
            "check the number: satellite, freephone and personal ranges are not called"
        }
        Reject::PremiumRate(_) => "none: premium-rate numbers are not called",
        Reject::BodyUnsupported(_) => "send the offer as application/sdp and nothing else",
        Reject::Offer(refusal) => offer_remedy(refusal),
        Reject::PortsExhausted { .. } => "widen media.port_min and media.port_max",
        Reject::NoCarrier => {
            "add one with `trunkline carrier add`, or switch on carriers.simulated"
        }
    };
    text.into()
}

fn offer_remedy(refusal: &sdp::Refusal) -> &'static str {
    use sdp::Refusal as R;
    match refusal {
        R::EncryptionRequired => {
            "switch on SRTP with SDES keys on the device that offers, or UpdateVoiceConnector with \
             RequireEncryption false"
        }
        R::Encrypted => "switch off SRTP on the device that offers, or allow it on this side",
        R::Dtls => "choose SDES instead of DTLS for the keys of SRTP on the device that offers",
        R::NoCommonSuite => {
            "enable AES_CM_128_HMAC_SHA1_80 on the device that offers, without session parameters \
             such as UNENCRYPTED_SRTP"
        }
        R::Malformed(_)
        | R::NoAudio
        | R::NoCommonCodec
        | R::UnknownProtocol
        | R::NoAddress
        | R::SectionsDiffer => "enable G.711 (PCMU or PCMA) on the device that offers",
    }
}

fn credentials_remedy(why: digest::Refusal) -> &'static str {
    use digest::Refusal as R;
    match why {
        R::UnknownUser | R::WrongResponse => {
            "check user name and password on the device; the realm is the outbound host name. \
             PutVoiceConnectorTerminationCredentials sets a new password"
        }
        R::Replayed => {
            "the device must count nc up, or take the new nonce; if it does, somebody replays its \
             requests"
        }
        R::Unreadable | R::Field(_) | R::Algorithm | R::Qop | R::Uri | R::ForgedNonce => {
            "the device must answer the challenge as it was given (RFC 7616)"
        }
    }
}

/// The way out of a limit.
pub(crate) fn limit_remedy(exceeded: Exceeded) -> &'static str {
    match exceeded {
        Exceeded::CallsPerSecond { .. } => {
            "raise CpsLimit with PutVoiceConnectorTermination, or call more slowly"
        }
        Exceeded::AccountCallsPerSecond { .. } => {
            "raise the account's quota calls-per-second (trunkline quota set), or call more slowly"
        }
        Exceeded::AccountCalls { .. } => {
            "raise the account's quota concurrent-calls (trunkline quota set)"
        }
        Exceeded::ConnectorCalls { .. } => "raise the limit on calls at once of a connector",
        Exceeded::EmergencyCalls { .. } => {
            "look whether somebody calls for help without need; calls.emergency_calls_max is the limit"
        }
        Exceeded::EngineCalls { .. } => "raise the limit on calls at once, or add a node",
    }
}

/// The one address as an allow list has it.
fn network_of(source: SocketAddr) -> ipnet::IpNet {
    source.ip().into()
}

/// How the number that was seen should have been written, if that can be told.
fn plus_hint(seen: &str) -> String {
    let digits: String = seen.chars().filter(char::is_ascii_digit).collect();
    if let Some(rest) = digits.strip_prefix("011").or_else(|| digits.strip_prefix("00")) {
        return format!("write +{rest} without the international prefix");
    }
    match digits.len() {
        10 => format!("write +1{digits} if it is a North American number"),
        11..=15 => format!("write +{digits}"),
        _ => "write a full number such as +12065550100".into(),
    }
}
