//! Decisions on the way of a call that was let in.

use media::Side;
use model::{Decision, Verdict};

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
    /// The caller's `Diversion` names a number that the account does not own.
    DiversionLeftOut(Box<str>),
}

impl Note {
    /// Whether two notes tell of the same, but for what was seen.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
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
