//! Decisions as rows that a person reads: which rule, what was seen, what it wants, what to do.
//!
//! Rules are asked in the order of [`Rule`], so a call's facts and the rule that stopped it tell
//! the whole story: nothing is written down while a call is being admitted.

use std::fmt::Write as _;

use model::{CarrierName, Decision, Verdict};
use sip_core::digest;
use sip_message::Transport;

use crate::admission::Facts;
use crate::caller_id::{CallerIdPolicy, Origin, Presentation};
use crate::limit::Exceeded;
use crate::record::{Outcome, Tried};
use crate::reject::Reject;

/// A question asked about a call. The order is the order they are asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Is it a request we can serve?
    Request,
    /// Which connector is it for?
    Connector,
    /// Does it come from an allowed network?
    SourceAddress,
    /// Is it encrypted, if it has to be?
    Encryption,
    /// May the connector call out?
    Termination,
    /// Who is it?
    Digest,
    /// Which number does it call from?
    CallerId,
    /// Which number does it call?
    Destination,
    /// May that country be called?
    CallingRegion,
    /// Not too fast?
    Cps,
    /// Not too many at once?
    Concurrency,
    /// Can its media be carried?
    Media,
    /// Is there a port for it?
    Ports,
    /// Which carrier takes it?
    Route,
    /// How did it end?
    End,
}

impl Rule {
    /// The rule's stable name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Connector => "connector",
            Self::SourceAddress => "source-address",
            Self::Encryption => "encryption",
            Self::Termination => "termination",
            Self::Digest => "digest",
            Self::CallerId => "caller-id",
            Self::Destination => "destination",
            Self::CallingRegion => "calling-region",
            Self::Cps => "cps",
            Self::Concurrency => "concurrent-calls",
            Self::Media => "media",
            Self::Ports => "media-ports",
            Self::Route => "route",
            Self::End => "end",
        }
    }

    /// The rules of admission, all that come before a carrier is chosen.
    const ADMISSION: [Self; 13] = [
        Self::Request,
        Self::Connector,
        Self::SourceAddress,
        Self::Encryption,
        Self::Termination,
        Self::Digest,
        Self::CallerId,
        Self::Destination,
        Self::CallingRegion,
        Self::Cps,
        Self::Concurrency,
        Self::Media,
        Self::Ports,
    ];
}

/// The rows of one call: what it passed, what stopped it, which carriers were tried, how it ended.
pub(crate) fn decisions(facts: &Facts, tried: &[Tried], outcome: &Outcome) -> Vec<Decision> {
    let stopped_at = match outcome {
        Outcome::Rejected(reject) => reject.rule(),
        Outcome::Ended(_) => Rule::Route,
    };
    let mut rows: Vec<Decision> = Rule::ADMISSION
        .into_iter()
        .take_while(|rule| *rule < stopped_at)
        .filter_map(|rule| passed(rule, facts))
        .collect();
    rows.extend(tried.iter().map(route_row));
    match outcome {
        Outcome::Rejected(reject) => rows.push(refused(reject, facts)),
        Outcome::Ended(end) => {
            rows.push(row(Rule::End, Verdict::Note, end.seen(), "", end.remedy()))
        }
    }
    rows
}

fn row(
    rule: Rule,
    verdict: Verdict,
    seen: impl Into<String>,
    expected: impl Into<String>,
    remedy: impl Into<String>,
) -> Decision {
    Decision {
        rule: rule.as_str().into(),
        verdict,
        seen: seen.into(),
        expected: expected.into(),
        remedy: remedy.into(),
    }
}

/// The row of a rule that was passed; none for rules that need no word when they are.
fn passed(rule: Rule, facts: &Facts) -> Option<Decision> {
    let connector = facts.connector.as_deref()?;
    let termination = connector.termination();
    let (seen, expected) = match rule {
        Rule::Request | Rule::Ports => return None,
        Rule::Connector => (connector.host().into(), "a connector's outbound host name".into()),
        Rule::SourceAddress => (facts.source.to_string(), allowed_networks(facts)),
        Rule::Encryption => (facts.transport.to_string(), expected_transport(facts).into()),
        Rule::Termination => ("enabled".into(), "enabled".into()),
        Rule::Digest => match &facts.username {
            Some(username) => (format!("user {username}"), expected_user(facts)),
            None => ("no credentials".into(), expected_user(facts)),
        },
        Rule::CallerId => (caller_seen(facts)?, caller_expected(facts)),
        Rule::Destination => (facts.called?.to_string(), "E.164 with a plus".into()),
        Rule::CallingRegion => {
            (facts.country?.to_string(), termination?.calling_regions.join(", "))
        }
        Rule::Cps => {
            ("a token was left".into(), format!("{} calls per second", termination?.cps_limit))
        }
        Rule::Concurrency => ("room was left".into(), "below the limits on calls at once".into()),
        Rule::Media => (facts.media_seen(), "PCMU or PCMA over RTP/AVP".into()),
        Rule::Route | Rule::End => return None,
    };
    Some(row(rule, Verdict::Pass, seen, expected, ""))
}

fn allowed_networks(facts: &Facts) -> String {
    let list = facts.termination().map_or(&[][..], |it| &it.cidr_allowed_list);
    if list.is_empty() {
        return "any source: the allow list is empty".into();
    }
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn expected_transport(facts: &Facts) -> &'static str {
    match facts.connector.as_deref() {
        Some(it) if it.connector.require_encryption => "TLS and SRTP",
        Some(_) | None => "any transport",
    }
}

fn expected_user(facts: &Facts) -> String {
    match facts.connector.as_deref().map_or(0, |it| it.users().len()) {
        0 => "none: the connector has no credentials".into(),
        1 => "the connector's user".into(),
        count => format!("one of the connector's {count} users"),
    }
}

fn caller_seen(facts: &Facts) -> Option<String> {
    let caller = facts.caller.as_ref()?;
    let mut seen = match caller.number {
        Some(number) => number.to_string(),
        None => "anonymous".into(),
    };
    let origin = match caller.origin {
        Origin::AssertedIdentity => " by P-Asserted-Identity",
        Origin::From => " by From",
        Origin::DefaultPhoneNumber => " by DefaultPhoneNumber",
    };
    seen.push_str(origin);
    if caller.presentation == Presentation::Withheld {
        seen.push_str(", withheld from the called party");
    }
    Some(seen)
}

fn caller_expected(facts: &Facts) -> String {
    match (facts.caller_id_policy, facts.connector.as_deref()) {
        (CallerIdPolicy::Any, _) | (CallerIdPolicy::Inventory, None) => {
            "any E.164 number or anonymous".into()
        }
        (CallerIdPolicy::Inventory, Some(it)) => {
            format!("a number owned by account {}", it.account())
        }
    }
}

fn route_row(tried: &Tried) -> Decision {
    let name: &CarrierName = &tried.attempt.carrier.carrier.name;
    let mut seen = format!("carrier {name} at {}: ", tried.attempt.address);
    write!(seen, "{}", tried.result).expect("a String takes every text");
    let (verdict, remedy) = tried.result.verdict();
    row(Rule::Route, verdict, seen, "an answer", remedy)
}

/// The row of the rule that refused, with the way out.
fn refused(reject: &Reject, facts: &Facts) -> Decision {
    let rule = reject.rule();
    let row = |seen: String, expected: String, remedy: String| {
        row(rule, Verdict::Refuse, seen, expected, remedy)
    };
    match reject {
        Reject::Malformed(_)
        | Reject::ExtensionUnsupported(_)
        | Reject::TooManyHops
        | Reject::Loop
        | Reject::HostUnknown(_)
        | Reject::Draining => refused_request(reject),
        Reject::TerminationAbsent
        | Reject::SourceNotAllowed(_)
        | Reject::EncryptionRequired
        | Reject::TerminationDisabled
        | Reject::NothingAllowed(_) => refused_connector(reject, facts),
        Reject::Credentials { username, why } => refused_credentials(username, *why, facts),
        Reject::CallerIdInvalid(_)
        | Reject::CallerIdNotOwned(_)
        | Reject::DestinationInvalid(_)
        | Reject::DestinationUnknown(_)
        | Reject::PremiumRate(_)
        | Reject::CountryNotAllowed(_) => refused_number(reject, facts),
        Reject::Exceeded(exceeded) => refused_limit(*exceeded),
        Reject::BodyUnsupported(kind) => row(
            kind.to_string(),
            "application/sdp".into(),
            "send the offer as application/sdp and nothing else".into(),
        ),
        Reject::Offer(refusal) => row(
            refusal.to_string(),
            "an audio stream over RTP/AVP with PCMU or PCMA".into(),
            "enable G.711 (PCMU or PCMA) without SRTP on the device that offers".into(),
        ),
        Reject::PortsExhausted { pairs } => row(
            format!("all {pairs} port pairs are in calls"),
            "one free pair for each leg".into(),
            "widen media.port_min and media.port_max".into(),
        ),
        Reject::NoCarrier => row(
            "no carrier with an address".into(),
            "at least one".into(),
            "add one with `trunkline carrier add`, or switch on carriers.simulated".into(),
        ),
    }
}

fn refused_request(reject: &Reject) -> Decision {
    let (seen, expected, remedy): (String, &str, &str) = match reject {
        Reject::Malformed(violation) => (
            violation.to_string(),
            "a request as RFC 3261 has it",
            "mend the device that sent it; `trunkline trace` shows the message",
        ),
        Reject::ExtensionUnsupported(tags) => (
            format!("Require: {tags}"),
            "no required extension",
            "make the extension optional on the calling device (Supported instead of Require)",
        ),
        Reject::TooManyHops => {
            ("Max-Forwards: 0".into(), "a hop left", "look for a routing loop before this service")
        }
        Reject::Loop => (
            "our own Via in the request".into(),
            "a request that was not here before",
            "a carrier or PBX sends our own calls back: look at its routes",
        ),
        Reject::HostUnknown(host) => (
            host.to_string(),
            "a connector's outbound host name",
            "send the call to sip:+NUMBER@OUTBOUND-HOST-NAME, as GetVoiceConnector shows it",
        ),
        _ => (
            "the server is being stopped".into(),
            "a server that takes calls",
            "none: callers try again, or another node",
        ),
    };
    row(reject.rule(), Verdict::Refuse, seen, expected, remedy)
}

fn refused_connector(reject: &Reject, facts: &Facts) -> Decision {
    let (seen, expected, remedy): (String, String, String) = match reject {
        Reject::TerminationAbsent => (
            "no termination settings".into(),
            "termination settings".into(),
            "PutVoiceConnectorTermination on this connector".into(),
        ),
        Reject::TerminationDisabled => (
            "Disabled: true".into(),
            "Disabled: false".into(),
            "PutVoiceConnectorTermination with Disabled false".into(),
        ),
        Reject::EncryptionRequired => (
            facts.transport.to_string(),
            Transport::Tls.to_string(),
            "send the call over TLS with SRTP, or UpdateVoiceConnector with RequireEncryption \
             false"
                .into(),
        ),
        Reject::SourceNotAllowed(source) => (
            source.to_string(),
            allowed_networks(facts),
            format!("add {}/{} to CidrAllowedList", source.ip(), host_bits(*source)),
        ),
        _ => (
            format!("{}, and no credentials", facts.source),
            "credentials, an allow list, or both".into(),
            format!(
                "PutVoiceConnectorTerminationCredentials, or add {}/{} to CidrAllowedList",
                facts.source.ip(),
                host_bits(facts.source)
            ),
        ),
    };
    row(reject.rule(), Verdict::Refuse, seen, expected, remedy)
}

fn host_bits(source: std::net::SocketAddr) -> u8 {
    if source.is_ipv4() { 32 } else { 128 }
}

fn refused_credentials(username: &str, why: digest::Refusal, facts: &Facts) -> Decision {
    use digest::Refusal as R;
    let remedy = match why {
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
    };
    let seen = format!("user {username}: {why}");
    row(Rule::Digest, Verdict::Refuse, seen, expected_user(facts), remedy)
}

fn refused_number(reject: &Reject, facts: &Facts) -> Decision {
    let (seen, expected, remedy): (String, String, String) = match reject {
        Reject::CallerIdInvalid(seen) => (
            seen.to_string(),
            "E.164 with a plus, or anonymous".into(),
            format!(
                "{} in From or P-Asserted-Identity, or set DefaultPhoneNumber",
                plus_hint(seen)
            ),
        ),
        Reject::CallerIdNotOwned(number) => (
            number.map_or_else(|| "anonymous".into(), |it| it.to_string()),
            caller_expected(facts),
            "call from a number of the account, order this one, or set DefaultPhoneNumber; an \
             operator may set calls.caller_id = \"any\""
                .into(),
        ),
        Reject::DestinationInvalid(seen) => (
            seen.to_string(),
            "E.164 with a plus".into(),
            format!("{} in the Request-URI", plus_hint(seen)),
        ),
        Reject::DestinationUnknown(number) => (
            number.to_string(),
            "a number of a country".into(),
            "check the number: satellite, freephone and personal ranges are not called".into(),
        ),
        Reject::PremiumRate(number) => (
            number.to_string(),
            "a number without premium rate".into(),
            "none: premium-rate numbers are not called".into(),
        ),
        Reject::CountryNotAllowed(country) => (
            country.to_string(),
            facts.termination().map_or_else(String::new, |it| it.calling_regions.join(", ")),
            format!("add {country} to CallingRegions"),
        ),
        _ => (String::new(), String::new(), String::new()),
    };
    row(reject.rule(), Verdict::Refuse, seen, expected, remedy)
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

fn refused_limit(exceeded: Exceeded) -> Decision {
    let (rule, seen, expected, remedy) = match exceeded {
        Exceeded::CallsPerSecond { max } => (
            Rule::Cps,
            format!("more than {max} in a second"),
            format!("{max} calls per second"),
            "raise CpsLimit with PutVoiceConnectorTermination, or call more slowly",
        ),
        Exceeded::AccountCalls { max } => (
            Rule::Concurrency,
            format!("{max} calls at once"),
            format!("at most {max} calls at once for the account"),
            "raise the account's limit on calls at once",
        ),
        Exceeded::EngineCalls { max } => (
            Rule::Concurrency,
            format!("{max} calls at once"),
            format!("at most {max} calls at once on this node"),
            "raise calls.calls_max, or add a node",
        ),
    };
    row(rule, Verdict::Refuse, seen, expected, remedy)
}
