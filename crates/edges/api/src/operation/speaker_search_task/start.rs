//! `StartSpeakerSearchTask`.

use chime_api::Operation;
use chime_api::types::{
    CallLegType, StartSpeakerSearchTaskRequest, StartSpeakerSearchTaskResponse,
};
use model::{AnalysedLeg, Analysis, SpeakerSearchTask, SpeakerSearchTaskId};

use super::to_wire;
use crate::authorize::Permit;
use crate::client_request::Repeatable;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_analysis::{analysable, enqueue};
use crate::operation::voice_connector::parse_id;
use crate::operation::voice_profile_domain;
use crate::random;

/// Has one leg of a call in progress searched for the speakers of a domain.
///
/// The task is durable in the queue when this returns; the analyser finds it there.
pub(crate) async fn start(
    context: &Context,
    permit: Permit,
    wire: StartSpeakerSearchTaskRequest,
) -> Result<StartSpeakerSearchTaskResponse, ApiError> {
    let connector = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let transaction = analysable(context, account, &connector, &wire.transaction_id).await?;
    let leg = match wire.call_leg {
        None | Some(CallLegType::Caller) => AnalysedLeg::Caller,
        Some(CallLegType::Callee) => AnalysedLeg::Callee,
    };
    let repeatable = Repeatable::new(
        Operation::StartSpeakerSearchTask,
        wire.client_request_token,
        &[
            connector.as_str(),
            &wire.transaction_id,
            &wire.voice_profile_domain_id,
            &format!("{leg:?}"),
        ],
    );
    let id = SpeakerSearchTaskId::from_random(random::bytes());
    let now = context.clock.now();
    let quota = context.quotas.of(account).speaker_search_tasks;
    let domain = wire.voice_profile_domain_id;
    let task = context
        .write(move |tx| {
            let domain = voice_profile_domain::find(&*tx, account, &domain)?
                .ok_or_else(|| voice_profile_domain::no_such(&domain))?;
            let task = SpeakerSearchTask {
                id,
                analysis: Analysis::queued(account, connector, transaction, now),
                domain: domain.id,
                leg,
                matches: Vec::new(),
                voiceprint: None,
                profile: None,
            };
            enqueue(tx, task, repeatable, quota)
        })
        .await?;
    Ok(StartSpeakerSearchTaskResponse { speaker_search_task: Some(to_wire(&task)) })
}
