//! Audit records: appending, listing and trimming.

use model::{AuditRecord, UnixMillis};
use rusqlite::params;

use super::database::Database;
use super::fault::{Sorted as _, corrupt};
use super::rows::{Rows, account_stored};
use super::trimming::SLICE_MAX;
use super::tx::WriteTx;
use crate::job::task;
use crate::{AuditCursor, AuditFilter, AuditPage, StoreError, WriteError};

/// Records of strangers that are kept: anybody can make them.
const STRANGERS_MAX: i64 = 10_000;
/// One in so many records pays for the trimming of the others.
const TRIM_EVERY: i64 = 256;
/// Records that one page looks at: what it costs is bounded, however few of them are wanted.
const LOOKED_AT_MAX: usize = 20_000;

impl Database {
    pub(crate) async fn append_audit(&self, records: Vec<AuditRecord>) -> Result<(), StoreError> {
        let (job, answer) = task(move |tx: &mut WriteTx<'_>| {
            tx.change(|rows| records.iter().try_for_each(|it| append(rows, it)))
        });
        self.writer().submit(job).await?;
        answer.wait().await.map_err(WriteError::into_inner)
    }

    pub(crate) async fn audit(
        &self,
        filter: AuditFilter,
        after: Option<AuditCursor>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.readers()
            .on_thread(move |reader| reader.run(|rows| list(rows, &filter, after, limit)))
            .await
    }

    pub(crate) async fn trim_audit(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.trim_older(now, self.audit_retention().age_max, trim_slice).await
    }
}

/// Writes a record, and now and then takes away those beyond the limit.
pub(super) fn append(rows: &Rows<'_>, record: &AuditRecord) -> Result<(), StoreError> {
    let document =
        serde_json::to_vec(record).expect("an audit record serializes: nothing in it can fail");
    let newest = match record.account {
        Some(_) => "SELECT max(seq) FROM audit",
        None => "SELECT min(seq) FROM audit",
    };
    let newest: Option<i64> = rows
        .conn
        .prepare_cached(newest)
        .and_then(|mut it| it.query_row([], |row| row.get(0)))
        .sorted()?;
    let newest = newest.unwrap_or(0);
    let seq = match record.account {
        Some(_) => newest.max(0) + 1,
        None => newest.min(0) - 1,
    };
    rows.conn
        .prepare_cached("INSERT INTO audit (seq, at, account, document) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut it| {
            let account = record.account.as_ref().map(account_stored);
            it.execute(params![seq, record.at.0, account, document])
        })
        .sorted()?;
    if seq % TRIM_EVERY == 0 {
        trim_by_count(rows, seq)?;
    }
    Ok(())
}

/// Numbers are given out in order, so a limit is a place in them: nothing is ever counted. Twice as many
/// as came, so that a lowered limit is reached in the end.
fn trim_by_count(rows: &Rows<'_>, newest: i64) -> Result<(), StoreError> {
    let slice = TRIM_EVERY * 2;
    let (sql, end) = if newest > 0 {
        let count_max = i64::try_from(rows.lens.audit_retention.count_max).unwrap_or(i64::MAX);
        (
            "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq > 0 AND seq <= ?1 \
             ORDER BY seq LIMIT ?2)",
            newest.saturating_sub(count_max),
        )
    } else {
        (
            "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE seq < 0 AND seq >= ?1 \
             ORDER BY seq DESC LIMIT ?2)",
            newest.saturating_add(STRANGERS_MAX),
        )
    };
    rows.conn
        .prepare_cached(sql)
        .and_then(|mut it| it.execute(params![end, slice]))
        .map(drop)
        .sorted()
}

fn trim_slice(rows: &Rows<'_>, cutoff: UnixMillis) -> Result<u64, StoreError> {
    let trimmed = rows
        .conn
        .prepare_cached(
            "DELETE FROM audit WHERE seq IN (SELECT seq FROM audit \
             WHERE at <= ?1 ORDER BY at, seq LIMIT ?2)",
        )
        .and_then(|mut it| it.execute(params![cutoff.0, SLICE_MAX]))
        .sorted()?;
    Ok(trimmed as u64)
}

fn list(
    rows: &Rows<'_>,
    filter: &AuditFilter,
    after: Option<AuditCursor>,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let latest = i64::MAX.cast_unsigned();
    let until = filter.until.map_or(latest, |it| it.0.min(latest));
    let since = filter.since.map_or(0, |it| it.0.min(latest));
    let (after_at, after_seq) = after.map_or((latest, i64::MAX), |it| (it.at.0, it.seq));
    let mut statement = rows
        .conn
        .prepare_cached(
            "SELECT at, seq, document FROM audit INDEXED BY audit_by_time \
             WHERE (at, seq) < (?1, ?2) AND at >= ?3 AND at < ?4 ORDER BY at DESC, seq DESC",
        )
        .sorted()?;
    let mut found = statement.query(params![after_at, after_seq, since, until]).sorted()?;
    let mut page = AuditPage { records: Vec::new(), next: None };
    let mut last = None;
    let mut looked_at = 0;
    while let Some(row) = found.next().sorted()? {
        if page.records.len() == limit || looked_at == LOOKED_AT_MAX {
            page.next = last;
            break;
        }
        looked_at += 1;
        last =
            Some(AuditCursor { at: UnixMillis(row.get(0).sorted()?), seq: row.get(1).sorted()? });
        let document = row.get_ref(2).sorted()?.as_blob().map_err(|it| corrupt(it.to_string()))?;
        let record: AuditRecord = serde_json::from_slice(document)
            .map_err(|error| corrupt(format!("an audit record is not readable: {error}")))?;
        if filter.wants(&record) {
            page.records.push(record);
        }
    }
    Ok(page)
}
