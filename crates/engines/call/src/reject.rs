//! Why a call is not let in: each cause by name.
//!
//! One value is at once the SIP status and phrase, the metric label, the record's reason and the
//! row that a person reads in the explanation.

use std::borrow::Cow;
use std::net::SocketAddr;

use model::{E164Number, VoiceConnectorGroupId, VoiceConnectorId};
use sip_core::{digest, session};
use sip_message::{Status, Violation};

use crate::country::Country;
use crate::explain::Rule;
use crate::limit::Exceeded;
use crate::replaces::NotReplaced;

/// A refusal of one INVITE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reject {
    /// The request breaks the grammar or lacks a header.
    Malformed(Violation),
    /// `Require` or `Proxy-Require` names extensions that we do not have (RFC 3261 §8.2.2.3).
    ExtensionUnsupported(Box<str>),
    /// `Max-Forwards` is used up (RFC 3261 §16.3).
    TooManyHops,
    /// The request has been here before (RFC 3261 §16.3).
    Loop,
    /// A PBX sends a call back to the number that it came by, each time as a new one.
    Circling {
        /// How many laps of it wait for an answer.
        laps: u32,
    },
    /// The Request-URI's host is no connector's outbound host name.
    HostUnknown(Box<str>),
    /// It wants to take another call's place (RFC 3891).
    Replaces {
        /// The leg as it is named.
        dialog: Box<str>,
        /// Why it does not.
        why: NotReplaced,
    },
    /// The session interval asked for is too short (RFC 4028 §6).
    SessionInterval(session::TooSmall),
    /// The server is being stopped and takes no new calls.
    Draining,
    /// The connector has no rules for calls out.
    TerminationAbsent,
    /// The source address is not in `CidrAllowedList`.
    SourceNotAllowed(SocketAddr),
    /// The connector requires encryption and the request came in clear.
    EncryptionRequired,
    /// Calls out are switched off.
    TerminationDisabled,
    /// No credentials and an empty allow list: nothing is let in.
    NothingAllowed(SocketAddr),
    /// The digest credentials are wrong. On the wire every cause looks alike.
    Credentials {
        /// The user they name.
        username: Box<str>,
        /// What is wrong with them.
        why: digest::Refusal,
    },
    /// The caller's number is neither E.164 nor anonymous.
    CallerIdInvalid(Box<str>),
    /// The caller's number is not the account's; `None` for an anonymous caller.
    CallerIdNotOwned(Option<E164Number>),
    /// The called number is not E.164 with a plus.
    DestinationInvalid(Box<str>),
    /// The called number leads to no country that we know of.
    DestinationUnknown(E164Number),
    /// The called number is charged by the minute to its caller.
    PremiumRate(E164Number),
    /// The called number's country is not in `CallingRegions`.
    CountryNotAllowed(Country),
    /// A limit was hit.
    Exceeded(Exceeded),
    /// The body is something other than SDP.
    BodyUnsupported(Box<str>),
    /// The offer cannot become a call.
    Offer(sdp::Refusal),
    /// No pair of media ports is free.
    PortsExhausted {
        /// How many pairs there are.
        pairs: usize,
    },
    /// There is no carrier to send the call to.
    NoCarrier,
    /// Nobody here takes calls to the called number.
    NotTaken(NotTaken),
}

/// Why nobody here takes a call to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// The called number is nobody's here.
    NumberUnknown(E164Number),
    /// The called number belongs to no connector or group.
    NumberUnassociated(E164Number),
    /// The called number, or the connector, belongs to a SIP media application, which this release
    /// cannot run.
    ApplicationNotServed(Box<str>),
    /// No member of the group can take the call; what stops the last one.
    GroupEmpty {
        /// The group.
        group: VoiceConnectorGroupId,
        /// Why its last member cannot; `None` if it has none.
        why: Option<Box<Self>>,
    },
    /// The called connector has no routes for calls in.
    OriginationAbsent(VoiceConnectorId),
    /// Calls in are switched off.
    OriginationDisabled(VoiceConnectorId),
    /// The list of routes is empty.
    RoutesAbsent(VoiceConnectorId),
    /// The connector requires encryption and no route of it can be encrypted.
    RoutesUnencrypted(VoiceConnectorId),
    /// No route's host has an address.
    RoutesUnresolved(VoiceConnectorId),
    /// A call to a proxy number would be sent on to a number that may not be called.
    DialRefused {
        /// The participant's number, or the one to fall back on.
        dial: E164Number,
        /// What speaks against it.
        why: NotCallable,
    },
    /// A proxy number was called by somebody who has no open session there, and there is no number
    /// to fall back on.
    SessionClosed {
        /// The number that was called.
        proxy: E164Number,
        /// Who called, if that is known.
        caller: Option<E164Number>,
    },
}

/// Why a number may not be called through a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCallable {
    /// It leads to no country that we know of.
    Unknown,
    /// It is charged by the minute to its caller.
    PremiumRate,
    /// Its country is not in `CallingRegions`.
    Country(Country),
}

impl NotCallable {
    /// The refusal of a call to that number.
    pub(crate) fn reject(self, number: E164Number) -> Reject {
        match self {
            Self::Unknown => Reject::DestinationUnknown(number),
            Self::PremiumRate => Reject::PremiumRate(number),
            Self::Country(country) => Reject::CountryNotAllowed(country),
        }
    }
}

/// What the caller may retry and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// `Retry-After` of this many seconds.
    After(u32),
    /// Nothing said.
    Unsaid,
}

/// The texts of a refusal that do not depend on what was seen.
struct Texts {
    rule: Rule,
    code: &'static str,
    status: u16,
}

impl Reject {
    fn texts(&self) -> Texts {
        let (rule, code, status) = match self {
            Self::Malformed(violation) => (Rule::Request, violation.code(), violation.status().0),
            Self::ExtensionUnsupported(_) => (Rule::Request, "extension-unsupported", 420),
            Self::TooManyHops => (Rule::Request, "too-many-hops", 483),
            Self::Loop => (Rule::Request, "loop-detected", 482),
            Self::Circling { .. } => (Rule::Number, "loop-through-pbx", 482),
            Self::Replaces { why, .. } => {
                let (code, status) = why.code_and_status();
                let is_of_anybody = why.is_of_anybody();
                (if is_of_anybody { Rule::Request } else { Rule::Replaces }, code, status)
            }
            Self::SessionInterval(_) => (Rule::Request, "session-interval-too-small", 422),
            Self::HostUnknown(_) => (Rule::Connector, "host-unknown", 404),
            Self::Draining => (Rule::Connector, "draining", 503),
            Self::TerminationAbsent => (Rule::Termination, "termination-absent", 403),
            Self::SourceNotAllowed(_) => (Rule::SourceAddress, "source-not-allowed", 403),
            Self::EncryptionRequired => (Rule::Encryption, "encryption-required", 403),
            Self::TerminationDisabled => (Rule::Termination, "termination-disabled", 403),
            Self::NothingAllowed(_) => (Rule::SourceAddress, "nothing-allowed", 403),
            Self::Credentials { why, .. } => (Rule::Digest, why.code(), 403),
            Self::CallerIdInvalid(_) => (Rule::CallerId, "caller-id-invalid", 400),
            Self::CallerIdNotOwned(_) => (Rule::CallerId, "caller-id-not-owned", 403),
            Self::DestinationInvalid(_) => (Rule::Destination, "destination-invalid", 400),
            Self::DestinationUnknown(_) => (Rule::Destination, "destination-unknown", 403),
            Self::PremiumRate(_) => (Rule::Destination, "destination-premium-rate", 403),
            Self::CountryNotAllowed(_) => (Rule::CallingRegion, "country-not-allowed", 403),
            Self::Exceeded(Exceeded::CallsPerSecond { .. }) => (Rule::Cps, "cps-exceeded", 503),
            Self::Exceeded(Exceeded::AccountCallsPerSecond { .. }) => {
                (Rule::Cps, "account-cps-exceeded", 503)
            }
            Self::Exceeded(Exceeded::AccountCalls { .. }) => {
                (Rule::Concurrency, "account-calls-exceeded", 503)
            }
            Self::Exceeded(Exceeded::ConnectorCalls { .. }) => {
                (Rule::Concurrency, "connector-calls-exceeded", 503)
            }
            Self::Exceeded(Exceeded::EngineCalls { .. }) => {
                (Rule::Concurrency, "engine-calls-exceeded", 503)
            }
            Self::Exceeded(Exceeded::EmergencyCalls { .. }) => {
                (Rule::Concurrency, "emergency-calls-exceeded", 503)
            }
            Self::BodyUnsupported(_) => (Rule::Media, "body-unsupported", 415),
            Self::Offer(refusal) => (Rule::Media, sdp_code(refusal), refusal.status()),
            Self::PortsExhausted { .. } => (Rule::Ports, "media-ports-exhausted", 503),
            Self::NoCarrier => (Rule::Route, "no-carrier", 503),
            Self::NotTaken(why) => why.texts(),
        };
        Texts { rule, code, status }
    }

    /// The rule that refused.
    pub fn rule(&self) -> Rule {
        self.texts().rule
    }

    /// The reason's stable name: metric label and record field.
    pub fn code(&self) -> &'static str {
        self.texts().code
    }

    /// The SIP status of the answer.
    pub fn status(&self) -> Status {
        Status(self.texts().status)
    }

    /// The reason phrase of the answer: AWS's where one is known.
    ///
    /// Until a source has shown that it may use the connector it reads the status code's own phrase
    /// and nothing more; the explanation is for the operator.
    pub fn phrase(&self) -> Cow<'static, str> {
        match self {
            Self::Malformed(violation) => violation.to_string().into(),
            Self::CallerIdInvalid(_) => {
                "Source number is not valid E.164 or anonymous value".into()
            }
            Self::CallerIdNotOwned(Some(number)) => {
                format!("Caller Id {number} is not valid").into()
            }
            Self::CallerIdNotOwned(None) => "Caller Id anonymous is not valid".into(),
            Self::DestinationInvalid(_) => "Destination number is not valid E.164".into(),
            Self::DestinationUnknown(_) => "Destination number is not known".into(),
            Self::PremiumRate(_) => "Destination number is premium rate".into(),
            Self::CountryNotAllowed(country) => {
                format!("Destination country {country} is not allowed").into()
            }
            Self::Exceeded(
                Exceeded::CallsPerSecond { .. } | Exceeded::AccountCallsPerSecond { .. },
            ) => "Calls per second limit exceeded".into(),
            Self::Exceeded(
                Exceeded::AccountCalls { .. }
                | Exceeded::ConnectorCalls { .. }
                | Exceeded::EmergencyCalls { .. },
            ) => "Concurrent call limit exceeded".into(),
            Self::Offer(refusal) => offer_phrase(refusal).into(),
            Self::PortsExhausted { .. } => "No media port available".into(),
            Self::NoCarrier => "No carrier available".into(),
            Self::ExtensionUnsupported(_)
            | Self::TooManyHops
            | Self::Loop
            | Self::Circling { .. }
            | Self::Replaces { .. }
            | Self::SessionInterval(_)
            | Self::HostUnknown(_)
            | Self::Draining
            | Self::TerminationAbsent
            | Self::SourceNotAllowed(_)
            | Self::EncryptionRequired
            | Self::TerminationDisabled
            | Self::NothingAllowed(_)
            | Self::Credentials { .. }
            | Self::Exceeded(Exceeded::EngineCalls { .. })
            | Self::BodyUnsupported(_)
            | Self::NotTaken(_) => self.status().reason().into(),
        }
    }

    /// Whether the answer names a time to come back.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Exceeded(
                Exceeded::CallsPerSecond { .. } | Exceeded::AccountCallsPerSecond { .. },
            ) => Retry::After(1),
            Self::Exceeded(
                Exceeded::AccountCalls { .. }
                | Exceeded::ConnectorCalls { .. }
                | Exceeded::EngineCalls { .. }
                | Exceeded::EmergencyCalls { .. },
            )
            | Self::PortsExhausted { .. } => Retry::After(5),
            Self::Draining => Retry::After(10),
            Self::Malformed(_)
            | Self::ExtensionUnsupported(_)
            | Self::TooManyHops
            | Self::Loop
            | Self::Circling { .. }
            | Self::Replaces { .. }
            | Self::SessionInterval(_)
            | Self::HostUnknown(_)
            | Self::TerminationAbsent
            | Self::SourceNotAllowed(_)
            | Self::EncryptionRequired
            | Self::TerminationDisabled
            | Self::NothingAllowed(_)
            | Self::Credentials { .. }
            | Self::CallerIdInvalid(_)
            | Self::CallerIdNotOwned(_)
            | Self::DestinationInvalid(_)
            | Self::DestinationUnknown(_)
            | Self::PremiumRate(_)
            | Self::CountryNotAllowed(_)
            | Self::BodyUnsupported(_)
            | Self::Offer(_)
            | Self::NoCarrier
            | Self::NotTaken(_) => Retry::Unsaid,
        }
    }
}

impl NotTaken {
    /// The reason's stable name.
    pub fn code(&self) -> &'static str {
        self.texts().1
    }

    fn texts(&self) -> (Rule, &'static str, u16) {
        match self {
            Self::NumberUnknown(_) => (Rule::Number, "number-unknown", 404),
            Self::NumberUnassociated(_) => (Rule::Number, "number-unassociated", 404),
            Self::ApplicationNotServed(_) => (Rule::Number, "application-not-served", 480),
            Self::SessionClosed { .. } => (Rule::Session, "proxy-session-closed", 480),
            Self::DialRefused { why, .. } => (
                Rule::Session,
                match why {
                    NotCallable::PremiumRate => "proxy-destination-premium-rate",
                    NotCallable::Country(_) => "proxy-country-not-allowed",
                    NotCallable::Unknown => "proxy-destination-unknown",
                },
                403,
            ),
            Self::GroupEmpty { .. } => (Rule::Origination, "group-empty", 480),
            Self::OriginationAbsent(_) => (Rule::Origination, "origination-absent", 480),
            Self::OriginationDisabled(_) => (Rule::Origination, "origination-disabled", 480),
            Self::RoutesAbsent(_) => (Rule::Origination, "origination-no-routes", 480),
            Self::RoutesUnencrypted(_) => (Rule::Origination, "origination-not-encrypted", 480),
            Self::RoutesUnresolved(_) => (Rule::Route, "origination-unresolved", 480),
        }
    }
}

fn sdp_code(refusal: &sdp::Refusal) -> &'static str {
    use sdp::Refusal as R;
    match refusal {
        R::Malformed(_) => "sdp-malformed",
        R::NoAudio => "sdp-no-audio",
        R::NoCommonCodec => "sdp-no-common-codec",
        R::Encrypted => "sdp-encrypted",
        R::EncryptionRequired => "sdp-encryption-required",
        R::Dtls => "sdp-dtls",
        R::NoCommonSuite => "sdp-no-common-suite",
        R::UnknownProtocol => "sdp-unknown-protocol",
        R::NoAddress => "sdp-no-address",
        R::SectionsDiffer => "sdp-sections-differ",
    }
}

fn offer_phrase(refusal: &sdp::Refusal) -> &'static str {
    use sdp::Refusal as R;
    match refusal {
        R::Malformed(_) => "Malformed SDP",
        R::NoAudio => "No audio in the offer",
        R::NoCommonCodec => "No common codec",
        R::Encrypted => "Encrypted media is not accepted here",
        R::EncryptionRequired => "Encrypted media is required",
        R::Dtls => "Media keys by DTLS are not supported",
        R::NoCommonSuite => "No common crypto suite",
        R::UnknownProtocol => "Media transport is not supported",
        R::NoAddress => "No media address in the offer",
        R::SectionsDiffer => "Answer does not match the offer",
    }
}
