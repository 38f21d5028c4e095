//! `StartVoiceToneAnalysisTask`.

use chime_api::Operation;
use chime_api::types::{StartVoiceToneAnalysisTaskRequest, StartVoiceToneAnalysisTaskResponse};
use model::{Analysis, VoiceToneAnalysisTask, VoiceToneAnalysisTaskId};

use super::to_wire;
use crate::authorize::Permit;
use crate::client_request::Repeatable;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_analysis::{analysable, enqueue};
use crate::operation::voice_connector::parse_id;
use crate::random;

/// Has the tone of both legs of a call in progress analysed.
///
/// The task is durable in the queue when this returns; the analyser finds it there.
pub(crate) async fn start(
    context: &Context,
    permit: Permit,
    wire: StartVoiceToneAnalysisTaskRequest,
) -> Result<StartVoiceToneAnalysisTaskResponse, ApiError> {
    let connector = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let transaction = analysable(context, account, &connector, &wire.transaction_id).await?;
    let repeatable = Repeatable::new(
        Operation::StartVoiceToneAnalysisTask,
        wire.client_request_token,
        &[connector.as_str(), &wire.transaction_id, wire.language_code.as_str()],
    );
    let task = VoiceToneAnalysisTask {
        id: VoiceToneAnalysisTaskId::from_random(random::bytes()),
        analysis: Analysis::queued(account, connector, transaction, context.clock.now()),
    };
    let quota = context.quotas.of(account).voice_tone_analysis_tasks;
    let task = context.write(move |tx| enqueue(tx, task, repeatable, quota)).await?;
    Ok(StartVoiceToneAnalysisTaskResponse { voice_tone_analysis_task: Some(to_wire(&task, None)) })
}
