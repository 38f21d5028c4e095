//! Decisions on the way of a call that was let in.

use std::net::SocketAddr;
use std::time::Duration;

use media::Side;
use model::{Decision, Verdict};
use sip_message::Status;

use super::{Rule, refusal, row};
use crate::record::party;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// A side asked to be transferred (RFC 3515), and was refused.
    TransferRefused {
        /// Who asked.
        by: Side,
        /// Where to.
        target: Box<str>,
    },
    /// The call was answered, and at least one leg of it is encrypted: the suites of the caller's
    /// leg and of the called one.
    Encrypted([Option<&'static str>; 2]),
    /// One side was not heard while the other one talked.
    OneWay {
        /// Who was not heard.
        silent: Side,
        /// For how long, when it was told.
        lasted: Duration,
    },
    /// Digits of one side, told by INFO, are events to the other side.
    DigitsTranslated {
        /// Who tells them, and is told of them, by INFO.
        by_info: Side,
    },
    /// A side would not be told of digits by INFO.
    DigitsRefused {
        /// Who.
        by: Side,
        /// What it answered.
        status: Status,
    },
    /// A side wanted credentials for a request within the call, and there are none or wrong ones.
    ChallengeUnanswered {
        /// Who.
        by: Side,
        /// What it answered.
        status: Status,
    },
    /// A newcomer took the place of a leg (RFC 3891).
    Replaced {
        /// Which leg.
        side: Side,
        /// The Call-ID that it had.
        was: Box<str>,
        /// The Call-ID that it has.
        is: Box<str>,
        /// Where the newcomer is.
        at: SocketAddr,
    },
    /// A newcomer wanted the place of a leg, and the other side did not agree to its media.
    NotReplaced {
        /// Which leg.
        side: Side,
        /// The newcomer's Call-ID.
        by: Box<str>,
        /// What the other side answered, or its silence amounts to.
        status: Status,
    },
    /// The caller's `Diversion` names a number that the account does not own.
    DiversionLeftOut(Box<str>),
}

impl Note {
    /// Whether two notes tell of the same, but for what was seen.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OneWay { silent, .. }, Self::OneWay { silent: other, .. }) => silent == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    pub(super) fn row(&self) -> Decision {
        match self {
            Self::TransferRefused { by, target } => row(
                Rule::Within,
                Verdict::Refuse,
                format!("REFER of the {} to {target}", party(*by)),
                "no transfer",
                refusal::TRANSFER_REMEDY,
            ),
            Self::Encrypted(suites) => {
                let [caller, called] = suites.map(|suite| suite.unwrap_or("in clear"));
                let seen = format!("caller's leg {caller}, called leg {called}");
                row(Rule::Media, Verdict::Note, seen, "", "")
            }
            Self::OneWay { silent, lasted } => row(
                Rule::Media,
                Verdict::Note,
                format!(
                    "one-way audio: nothing heard of the {} side for {} s while the {} side talked",
                    party(*silent),
                    lasted.as_secs(),
                    party(silent.other())
                ),
                "audio both ways",
                "look for a firewall or NAT on that side that keeps its RTP from \
                 media.advertised_address, or for a device that sends none",
            ),
            Self::DigitsTranslated { by_info } => row(
                Rule::Media,
                Verdict::Note,
                format!(
                    "digits: INFO on the {} side, telephone-event on the {} side",
                    party(*by_info),
                    party(by_info.other())
                ),
                "",
                "",
            ),
            Self::DigitsRefused { by, status } => row(
                Rule::Media,
                Verdict::Note,
                format!("the {} side answered {status} to INFO with a digit", party(*by)),
                "a side that lists INFO in Allow takes digits by it",
                "let that side offer telephone-event, or set calls.dtmf = \"as-is\" so that tones \
                 stay in the audio",
            ),
            Self::ChallengeUnanswered { by, status } => row(
                Rule::Within,
                Verdict::Refuse,
                format!("the {} side answered {status} to a request within the call", party(*by)),
                "credentials that it takes",
                "give the carrier's entry its user name and password, or let the PBX trust this \
                 service's address",
            ),
            Self::Replaced { side, was, is, at } => replaced(*side, was, is, *at),
            Self::NotReplaced { side, by, status } => not_replaced(*side, by, *status),
            Self::DiversionLeftOut(value) => row(
                Rule::Within,
                Verdict::Note,
                format!("Diversion: {value}, not handed on"),
                "a number owned by the account",
                "give the account this number, or set calls.caller_id = \"any\"",
            ),
        }
    }
}

fn replaced(side: Side, was: &str, is: &str, at: SocketAddr) -> Decision {
    let seen = format!("{at} took the place of the {}: Call-ID {is} for {was}", party(side));
    row(Rule::Replaces, Verdict::Pass, seen, "a user of the same connector", "")
}

fn not_replaced(side: Side, by: &str, status: Status) -> Decision {
    let (other, side) = (party(side.other()), party(side));
    row(
        Rule::Replaces,
        Verdict::Refuse,
        format!(
            "the {other} side answered {status} when Call-ID {by} wanted the place of the {side}"
        ),
        "an answer to the newcomer's media",
        "look at the codecs of the newcomer; the call went on as it was",
    )
}
