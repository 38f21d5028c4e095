//! Audit records: what to look for, and where a page ends.

use std::fmt;
use std::str::FromStr;

use model::{AccountId, AuditOutcome, AuditRecord, UnixMillis};

/// Which audit records to list. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of one account.
    pub account: Option<AccountId>,
    /// Those that a key signed, or claims to have signed.
    pub key: Option<String>,
    /// Those of one action: `chime:CreateVoiceConnector`, or without the part before the colon.
    pub action: Option<String>,
    /// Those with one outcome.
    pub outcome: Option<AuditOutcome>,
    /// Those that came at this time or later.
    pub since: Option<UnixMillis>,
    /// Those that came before this time.
    pub until: Option<UnixMillis>,
}

impl AuditFilter {
    /// Whether a record is wanted, its time aside.
    pub(crate) fn wants(&self, record: &AuditRecord) -> bool {
        let is_action = |wanted: &String| {
            let name = record.action.split_once(':').map_or("", |(_, name)| name);
            [name, record.action.as_str()].contains(&wanted.as_str())
        };
        self.account.is_none_or(|it| record.account == Some(it))
            && self.key.as_ref().is_none_or(|it| record.key.as_ref() == Some(it))
            && self.action.as_ref().is_none_or(is_action)
            && self.outcome.is_none_or(|it| record.outcome() == it)
    }
}

/// A place in a listing of audit records. It stays right while records are written and trimmed. As
/// text: `{at}_{seq}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCursor {
    pub(crate) at: UnixMillis,
    pub(crate) seq: i64,
}

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at.0, self.seq)
    }
}

impl FromStr for AuditCursor {
    type Err = model::Refused;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('_')
            .and_then(|(at, seq)| {
                let at = at.parse().ok().filter(|it| i64::try_from(*it).is_ok())?;
                Some(Self { at: UnixMillis(at), seq: seq.parse().ok()? })
            })
            .ok_or_else(|| {
                let rule = "a cursor is what an earlier page named as its next";
                model::Refused::new("audit cursor", text, rule)
            })
    }
}

/// One page of audit records, newest first. It may be short, or empty, although another one follows:
/// a page looks at a bounded number of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<AuditCursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_from_its_text_and_nothing_else_does() {
        for seq in [17, -4] {
            let cursor = AuditCursor { at: UnixMillis(1_795_428_672_345), seq };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for bad in ["", "_", "1", "1_", "_1", "1_x", "1_2_3", "9223372036854775808_1"] {
            assert!(bad.parse::<AuditCursor>().is_err(), "{bad}");
        }
    }
}
