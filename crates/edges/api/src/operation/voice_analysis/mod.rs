//! What speaker search and voice tone analysis have in common: a task on a call in progress.

mod call;

pub(super) use call::analysable;

use chime_api::types;
use model::{
    AccountId, Analysis, Named as _, Quota, Resource, SpeakerSearchTask, Stopped, UnixMillis,
    VoiceConnectorId, VoiceToneAnalysisTask,
};
use store::{Page, StoreError, Tx, TypedTx as _, TypedView as _, View};

use super::voice_connector;
use crate::authorize::Permit;
use crate::client_request::Repeatable;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::operator::dto::timestamp;
use crate::quota;
use crate::sweep::sweep;

/// A task on a call.
pub(super) trait Task: Resource {
    /// The resource's name in messages.
    const NOUN: &'static str;
    /// Of those that have not ended.
    const QUOTA: Quota;

    /// What every task has.
    fn analysis(&self) -> &Analysis;
    /// What every task has, to be changed.
    fn analysis_mut(&mut self) -> &mut Analysis;
}

impl Task for SpeakerSearchTask {
    const NOUN: &'static str = "SpeakerSearchTask";
    const QUOTA: Quota = Quota::SpeakerSearchTasks;

    fn analysis(&self) -> &Analysis {
        &self.analysis
    }
    fn analysis_mut(&mut self) -> &mut Analysis {
        &mut self.analysis
    }
}

impl Task for VoiceToneAnalysisTask {
    const NOUN: &'static str = "VoiceToneAnalysisTask";
    const QUOTA: Quota = Quota::VoiceToneAnalysisTasks;

    fn analysis(&self) -> &Analysis {
        &self.analysis
    }
    fn analysis_mut(&mut self) -> &mut Analysis {
        &mut self.analysis
    }
}

/// Puts a task in the queue, or finds the one that the same token put there before.
///
/// There is one active task of a kind for each call, and a quota of active ones for each account.
pub(super) fn enqueue<T: Task>(
    tx: &mut dyn Tx,
    task: T,
    repeatable: Repeatable,
    quota: u64,
) -> Result<T, ApiError> {
    let (account, now) = (task.account(), task.analysis().created);
    if let Some(made) = repeatable.made(&*tx, account, now)?
        && let Some(earlier) = tx.get::<T>(&account, &made)?
    {
        return Ok(earlier);
    }
    let active = tx.children::<T>(&account, model::voice_analysis::ACTIVE, Page::WHOLE)?.items;
    let transaction = task.analysis().transaction;
    if let Some(other) = active.iter().find(|it| it.analysis().transaction == transaction) {
        return Err(ApiError::new(
            ErrorKind::Conflict,
            format!(
                "TransactionId: {} '{}' is active on the call '{transaction}', and one can be at a time; wait for \
                 its end or stop it first",
                T::NOUN,
                other.key()
            ),
        ));
    }
    if active.len() as u64 >= quota {
        let count = active.len() as u64;
        let used = format!("{count} are active; wait for the end of one, stop one");
        return Err(quota::exceeded(T::QUOTA, account, quota, &used, count + 1));
    }
    sweep::<T>(tx, account, &task.key(), |old| old.analysis().is_expired(now))?;
    tx.put(&task)?;
    repeatable.remember(tx, account, task.key(), now)?;
    Ok(task)
}

/// A connector's task by the id of a request, whatever text that is, unless it has expired.
fn find<T: Task, V: View + ?Sized>(
    view: &V,
    account: AccountId,
    connector: &VoiceConnectorId,
    id: &str,
    now: UnixMillis,
) -> Result<Option<T>, StoreError> {
    let task = view.get::<T>(&account, id)?;
    Ok(task.filter(|it| it.analysis().connector == *connector && !it.analysis().is_expired(now)))
}

/// Tells a connector's task.
pub(super) async fn get<T: Task>(
    context: &Context,
    permit: Permit,
    connector: &str,
    id: String,
) -> Result<T, ApiError> {
    let connector = voice_connector::parse_id(connector)?;
    let (account, now) = (permit.account(), context.clock.now());
    let key = id.clone();
    let found =
        context.read(move |view| find::<T, _>(view, account, &connector, &key, now)).await?;
    found.ok_or_else(|| ApiError::no_such(T::NOUN, &id))
}

/// Stops a connector's task; one that was stopped before stays as it is.
pub(super) async fn stop<T: Task>(
    context: &Context,
    permit: Permit,
    connector: &str,
    id: String,
) -> Result<types::NoContent, ApiError> {
    let connector = voice_connector::parse_id(connector)?;
    let (account, now) = (permit.account(), context.clock.now());
    context
        .write(move |tx| {
            let mut task = find::<T, _>(&*tx, account, &connector, &id, now)?
                .ok_or_else(|| ApiError::no_such(T::NOUN, &id))?;
            match task.analysis_mut().stop(now) {
                Stopped::Now => tx.put(&task)?,
                Stopped::Before => {}
                Stopped::Ended(status) => {
                    return Err(ApiError::new(
                        ErrorKind::UnprocessableEntity,
                        format!(
                            "{} '{id}' has ended with the status {}; there is nothing to stop",
                            T::NOUN,
                            status.as_str()
                        ),
                    ));
                }
            }
            Ok(())
        })
        .await?;
    Ok(types::NoContent {})
}

/// The members that both kinds of tasks have on the wire.
pub(super) struct Told {
    pub(super) status: Option<String>,
    pub(super) message: Option<String>,
    pub(super) call: Option<types::CallDetails>,
    pub(super) created: Option<chime_api::Timestamp>,
    pub(super) started: Option<chime_api::Timestamp>,
    pub(super) updated: Option<chime_api::Timestamp>,
}

/// What every task has, as the API tells it. `is_caller`: which leg it is about.
pub(super) fn told(analysis: &Analysis, is_caller: Option<bool>) -> Told {
    Told {
        status: Some(analysis.status.as_str().into()),
        message: Some(analysis.message.clone()).filter(|it| !it.is_empty()),
        call: Some(types::CallDetails {
            voice_connector_id: Some(analysis.connector.to_string()),
            transaction_id: Some(analysis.transaction.to_string()),
            is_caller,
        }),
        created: Some(timestamp(analysis.created)),
        started: analysis.started.map(timestamp),
        updated: Some(timestamp(analysis.updated)),
    }
}
