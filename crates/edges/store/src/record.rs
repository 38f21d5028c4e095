//! Call records: what to look for, where a page ends, how long they are kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use model::{AccountId, CallRecord, CallStatus, UnixMillis, VoiceConnectorId};

/// Which call records to list. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Those of one account.
    pub account: Option<AccountId>,
    /// Those of one connector.
    pub connector: Option<VoiceConnectorId>,
    /// Those that ended in one way.
    pub status: Option<CallStatus>,
    /// Those that started at this time or later.
    pub since: Option<UnixMillis>,
    /// Those that started before this time.
    pub until: Option<UnixMillis>,
}

/// A place in a listing of records: after the record that started then and was written as number `seq`.
///
/// It stays right while records are written and trimmed. As text: `{started}-{seq}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordCursor {
    pub(crate) started: UnixMillis,
    pub(crate) seq: u64,
}

impl fmt::Display for RecordCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.started.0, self.seq)
    }
}

impl FromStr for RecordCursor {
    type Err = model::Refused;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| part.parse().ok().filter(|it| i64::try_from(*it).is_ok());
        text.split_once('-')
            .and_then(|(started, seq)| {
                Some(Self { started: UnixMillis(number(started)?), seq: number(seq)? })
            })
            .ok_or_else(|| {
                let rule = "a cursor is what an earlier page named as its next";
                model::Refused::new("record cursor", text, rule)
            })
    }
}

/// One page of call records, newest start first.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<CallRecord>,
    /// Where the next page begins; `None` if this is the last one.
    pub next: Option<RecordCursor>,
}

/// How long records are kept. Whichever limit is hit first trims the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The most records kept; enforced with each append.
    pub count_max: u64,
    /// The age, since its start, at which a record goes; enforced by
    /// [`Store::trim_records`](crate::Store::trim_records) and
    /// [`Store::trim_audit`](crate::Store::trim_audit).
    pub age_max: Duration,
}

impl Retention {
    /// Of audit records: a million, 400 days.
    pub const AUDIT: Self =
        Self { count_max: 1_000_000, age_max: Duration::from_secs(400 * 24 * 60 * 60) };
}

impl Default for Retention {
    /// Ten million records, 90 days.
    fn default() -> Self {
        Self { count_max: 10_000_000, age_max: Duration::from_secs(90 * 24 * 60 * 60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_from_its_text() {
        let cursor = RecordCursor { started: UnixMillis(1_795_428_672_345), seq: 17 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn text_that_is_no_cursor_is_refused() {
        for bad in ["", "-", "1", "1-", "-1", "1-x", "1-2-3", "9223372036854775808-1"] {
            assert!(bad.parse::<RecordCursor>().is_err(), "{bad}");
        }
    }
}
