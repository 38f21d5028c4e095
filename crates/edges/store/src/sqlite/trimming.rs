//! Trimming by age, in slices: what another writer waits for is bounded.

use std::time::Duration;

use model::UnixMillis;

use super::database::Database;
use super::rows::Rows;
use super::tx::WriteTx;
use crate::job::task;
use crate::{StoreError, WriteError};

/// Rows that one job takes away at most.
pub(super) const SLICE_MAX: u64 = 256;

/// Takes away at most [`SLICE_MAX`] of the rows that are as old as the moment or older, oldest first,
/// and tells how many they were.
pub(super) type TrimSlice = fn(&Rows<'_>, UnixMillis) -> Result<u64, StoreError>;

impl Database {
    /// Takes away every row that is older than `age_max`, and tells how many they were.
    pub(super) async fn trim_older(
        &self,
        now: UnixMillis,
        age_max: Duration,
        trim_slice: TrimSlice,
    ) -> Result<u64, StoreError> {
        let age_max = u64::try_from(age_max.as_millis()).unwrap_or(u64::MAX);
        let Some(cutoff) = now.0.checked_sub(age_max) else { return Ok(0) };
        let mut trimmed = 0;
        loop {
            let (job, answer) = task(move |tx: &mut WriteTx<'_>| {
                tx.change(|rows| trim_slice(rows, UnixMillis(cutoff)))
            });
            self.writer().submit(job).await?;
            let slice = answer.wait().await.map_err(WriteError::<StoreError>::into_inner)?;
            trimmed += slice;
            if slice < SLICE_MAX {
                return Ok(trimmed);
            }
        }
    }
}
