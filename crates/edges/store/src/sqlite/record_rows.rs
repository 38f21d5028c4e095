//! Call records: appending, listing, finding and trimming.

use model::{CallRecord, CallStatus, TransactionId, UnixMillis};
use rusqlite::{ToSql, params};

use super::database::Database;
use super::fault::{Sorted as _, corrupt};
use super::rows::{Rows, account_stored};
use super::trimming::SLICE_MAX;
use crate::job::task;
use crate::{RecordCursor, RecordFilter, RecordPage, StoreError, WriteError};

/// A record as it is stored, made before it is queued so that the writer has nothing left to do.
struct Stored {
    record: CallRecord,
    document: Vec<u8>,
}

impl Database {
    pub(crate) async fn append_records(&self, records: Vec<CallRecord>) -> Result<(), StoreError> {
        let stored: Vec<Stored> = records
            .into_iter()
            .map(|record| {
                let document = serde_json::to_vec(&record)
                    .expect("a call record serializes: nothing in it can fail");
                Stored { record, document }
            })
            .collect();
        let count_max = self.retention().count_max;
        let (job, answer) = task(move |tx| {
            tx.change(|rows| {
                stored.iter().try_for_each(|it| append(rows, it))?;
                // Twice as many as came, so that a lowered limit is reached in the end.
                trim_by_count(rows, count_max, stored.len() as u64 * 2)
            })
        });
        self.writer().submit(job).await?;
        answer.wait().await.map_err(WriteError::into_inner)
    }

    pub(crate) async fn records(
        &self,
        filter: RecordFilter,
        after: Option<RecordCursor>,
        limit: usize,
    ) -> Result<RecordPage, StoreError> {
        self.readers()
            .on_thread(move |reader| reader.run(|rows| list(rows, &filter, after, limit)))
            .await
    }

    pub(crate) async fn record(&self, id: &str) -> Result<Option<CallRecord>, StoreError> {
        let id = id.to_owned();
        self.readers().on_thread(move |reader| reader.run(|rows| find(rows, &id))).await
    }

    pub(crate) async fn trim_records(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.trim_older(now, self.retention().age_max, trim_slice).await
    }
}

fn append(rows: &Rows<'_>, Stored { record, document }: &Stored) -> Result<(), StoreError> {
    let added = rows
        .conn
        .prepare_cached(
            "INSERT INTO call_record (transaction_id, call_id, peer_call_id, account, connector, \
             started, status, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (transaction_id) DO NOTHING",
        )
        .and_then(|mut it| {
            it.execute(params![
                record.transaction_id.as_bytes(),
                record.call_id,
                record.peer_call_id,
                record.account.as_ref().map(account_stored),
                record.connector.as_ref().map(|it| it.as_str()),
                record.started.0,
                status_stored(record.status),
                document,
            ])
        })
        .sorted()?;
    if added == 1 {
        append_legs(rows, &record.attempt_call_ids)?;
    }
    Ok(())
}

/// Notes the further Call-IDs of the record that was added last.
fn append_legs(rows: &Rows<'_>, call_ids: &[String]) -> Result<(), StoreError> {
    let seq = rows.conn.last_insert_rowid();
    call_ids.iter().try_for_each(|call_id| {
        rows.conn
            .prepare_cached(
                "INSERT INTO call_record_leg (call_id, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )
            .and_then(|mut it| it.execute(params![call_id, seq]))
            .map(drop)
            .sorted()
    })
}

/// Numbers are given out in order, so the limit is a place in them: nothing is ever counted.
fn trim_by_count(rows: &Rows<'_>, count_max: u64, slice: u64) -> Result<(), StoreError> {
    let (oldest, newest): (Option<u64>, Option<u64>) = rows
        .conn
        .prepare_cached(
            "SELECT (SELECT min(seq) FROM call_record), (SELECT max(seq) FROM call_record)",
        )
        .and_then(|mut it| it.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .sorted()?;
    let (Some(oldest), Some(newest)) = (oldest, newest) else { return Ok(()) };
    let kept_from = newest.saturating_sub(count_max) + 1;
    let end = kept_from.min(oldest + slice);
    if end > oldest {
        rows.conn
            .prepare_cached("DELETE FROM call_record WHERE seq < ?1")
            .and_then(|mut it| it.execute([end]))
            .sorted()?;
    }
    Ok(())
}

fn trim_slice(rows: &Rows<'_>, cutoff: UnixMillis) -> Result<u64, StoreError> {
    let trimmed = rows
        .conn
        .prepare_cached(
            "DELETE FROM call_record WHERE seq IN (SELECT seq FROM call_record \
             WHERE started <= ?1 ORDER BY started, seq LIMIT ?2)",
        )
        .and_then(|mut it| it.execute(params![cutoff.0, SLICE_MAX]))
        .sorted()?;
    Ok(trimmed as u64)
}

fn list(
    rows: &Rows<'_>,
    filter: &RecordFilter,
    after: Option<RecordCursor>,
    limit: usize,
) -> Result<RecordPage, StoreError> {
    let account = filter.account.as_ref().map(account_stored);
    let connector = filter.connector.as_ref().map(|it| it.as_str());
    let status = filter.status.map(status_stored);
    let (since, until) = (filter.since.map(|it| it.0), filter.until.map(|it| it.0));
    let (after_started, after_seq) = (after.map(|it| it.started.0), after.map(|it| it.seq));
    let index = match (&connector, &account) {
        (Some(_), _) => "call_record_by_connector",
        (None, Some(_)) => "call_record_by_account",
        (None, None) => "call_record_by_started",
    };

    let clauses: [(&str, Option<&dyn ToSql>); 7] = [
        ("connector = ?", connector.as_ref().map(|it| it as _)),
        ("account = ?", account.as_ref().map(|it| it as _)),
        ("status = ?", status.as_ref().map(|it| it as _)),
        ("started >= ?", since.as_ref().map(|it| it as _)),
        ("started < ?", until.as_ref().map(|it| it as _)),
        // One comparison of a pair, in two clauses.
        ("(started, seq) < (?", after_started.as_ref().map(|it| it as _)),
        ("?)", after_seq.as_ref().map(|it| it as _)),
    ];
    let mut sql = format!("SELECT started, seq, document FROM call_record INDEXED BY {index}");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    for (text, value) in clauses {
        let Some(value) = value else { continue };
        sql.push_str(match text {
            "?)" => ", ",
            _ if values.is_empty() => " WHERE ",
            _ => " AND ",
        });
        sql.push_str(text);
        values.push(value);
    }
    sql.push_str(" ORDER BY started DESC, seq DESC");
    page(rows, &sql, &values, limit)
}

/// Reads one row more than the page holds, to know whether there is another page.
fn page(
    rows: &Rows<'_>,
    sql: &str,
    values: &[&dyn ToSql],
    limit: usize,
) -> Result<RecordPage, StoreError> {
    let mut statement = rows.conn.prepare_cached(sql).sorted()?;
    let mut found = statement.query(values).sorted()?;
    let mut page = RecordPage { records: Vec::new(), next: None };
    let mut last = None;
    while let Some(row) = found.next().sorted()? {
        if page.records.len() == limit {
            page.next = last;
            break;
        }
        let started = UnixMillis(row.get(0).sorted()?);
        last = Some(RecordCursor { started, seq: row.get(1).sorted()? });
        page.records.push(record_read(row, 2)?);
    }
    Ok(page)
}

fn find(rows: &Rows<'_>, id: &str) -> Result<Option<CallRecord>, StoreError> {
    if let Ok(transaction) = TransactionId::parse(id) {
        let sql = "SELECT seq, document FROM call_record WHERE transaction_id = ?1";
        if let Some((_, record)) = find_by(rows, sql, transaction.as_bytes())? {
            return Ok(Some(record));
        }
        // Many user agents make UUIDs for Call-IDs, so it may be one of those.
    }
    let came_in = find_by(
        rows,
        "SELECT seq, document FROM call_record INDEXED BY call_record_by_call_id \
         WHERE call_id = ?1 ORDER BY seq DESC LIMIT 1",
        &id,
    )?;
    let went_out = find_by(
        rows,
        "SELECT seq, document FROM call_record INDEXED BY call_record_by_peer_call_id \
         WHERE peer_call_id = ?1 ORDER BY seq DESC LIMIT 1",
        &id,
    )?;
    let tried = find_by(
        rows,
        "SELECT seq, document FROM call_record_leg JOIN call_record USING (seq) \
         WHERE call_record_leg.call_id = ?1 ORDER BY seq DESC LIMIT 1",
        &id,
    )?;
    Ok([came_in, went_out, tried].into_iter().flatten().max_by_key(|(seq, _)| *seq).map(|it| it.1))
}

fn find_by(
    rows: &Rows<'_>,
    sql: &str,
    id: &dyn ToSql,
) -> Result<Option<(u64, CallRecord)>, StoreError> {
    let mut statement = rows.conn.prepare_cached(sql).sorted()?;
    let mut found = statement.query([id]).sorted()?;
    let Some(row) = found.next().sorted()? else { return Ok(None) };
    Ok(Some((row.get(0).sorted()?, record_read(row, 1)?)))
}

fn record_read(row: &rusqlite::Row<'_>, column: usize) -> Result<CallRecord, StoreError> {
    let document = row.get_ref(column).sorted()?.as_blob().map_err(|it| corrupt(it.to_string()))?;
    serde_json::from_slice(document)
        .map_err(|error| corrupt(format!("a call record is not readable: {error}")))
}

/// The number of a status in the database; never changes once released.
const fn status_stored(status: CallStatus) -> i64 {
    match status {
        CallStatus::Completed => 0,
        CallStatus::Failed => 1,
        CallStatus::Rejected => 2,
    }
}
