//! The call that a task is about: of the connector, in progress, answered, and heard.

use model::{AccountId, CallRecord, Streaming, TransactionId, VoiceConnector, VoiceConnectorId};
use store::TypedView as _;

use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::live::{LiveCall, Streamed};
use crate::operation::voice_connector;

/// The identifier of a call that can be analysed now, or why it cannot.
pub(crate) async fn analysable(
    context: &Context,
    account: AccountId,
    connector: &VoiceConnectorId,
    transaction: &str,
) -> Result<TransactionId, ApiError> {
    let key = connector.to_string();
    let (exists, streaming) = context
        .read(move |view| {
            let exists = view.get::<VoiceConnector>(&account, &key)?.is_some();
            Ok((exists, view.get::<Streaming>(&account, &key)?))
        })
        .await?;
    if !exists {
        return Err(voice_connector::no_such(connector));
    }
    let no_such_call = || {
        ApiError::new(
            ErrorKind::NotFound,
            format!(
                "TransactionId: VoiceConnector '{connector}' has no call with the transaction id '{transaction}'"
            ),
        )
    };
    let id = TransactionId::parse(transaction).map_err(|_| no_such_call())?;
    let Some(call) = context.live.find(&id.to_string()).await? else {
        let record = context.store.record(&id.to_string()).await?;
        return Err(match record {
            Some(record) if has_ended_here(&record, account, connector) => ApiError::new(
                ErrorKind::Gone,
                format!(
                    "TransactionId: the call '{id}' has ended; only a call in progress can be analysed"
                ),
            ),
            _ => no_such_call(),
        });
    };
    if call.account != Some(account) || call.connector.as_ref() != Some(connector) {
        return Err(no_such_call());
    }
    check_heard(context, &call, streaming.as_ref()).await?;
    Ok(id)
}

fn has_ended_here(record: &CallRecord, account: AccountId, connector: &VoiceConnectorId) -> bool {
    record.account == Some(account) && record.connector.as_ref() == Some(connector)
}

/// Refuses a call that nobody analyses the audio of.
async fn check_heard(
    context: &Context,
    call: &LiveCall,
    streaming: Option<&Streaming>,
) -> Result<(), ApiError> {
    let id = call.transaction_id;
    let refuse = |why: &str| {
        Err(ApiError::new(
            ErrorKind::UnprocessableEntity,
            format!("TransactionId: the call '{id}' {why}"),
        ))
    };
    let is_insightful = streaming
        .filter(|it| !it.disabled)
        .and_then(|it| it.insights.as_ref())
        .is_some_and(|it| !it.disabled);
    if !is_insightful {
        return refuse(
            "is not streamed for analysis: its VoiceConnector has no enabled MediaInsightsConfiguration; put \
             one with PutVoiceConnectorStreamingConfiguration",
        );
    }
    if call.answered.is_none() {
        return refuse("is not answered yet; ask again when it is");
    }
    match context.live.streamed(id).await? {
        Streamed::Yes => Ok(()),
        Streamed::No => refuse("is not streamed: this installation has no analyser that hears it"),
    }
}
