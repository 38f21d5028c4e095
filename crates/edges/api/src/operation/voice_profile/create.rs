//! `CreateVoiceProfile`.

use chime_api::types::{CreateVoiceProfileRequest, CreateVoiceProfileResponse};
use model::{AccountId, Quota, Resource as _, UnixMillis, VoiceProfile, VoiceProfileId};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use super::{source, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::operation::voice_profile_domain;
use crate::{quota, random};

/// Makes a profile from the voiceprint of a speaker search, in the domain that was searched.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateVoiceProfileRequest,
) -> Result<CreateVoiceProfileResponse, ApiError> {
    let task = wire.speaker_search_task_id;
    let (account, now) = (permit.account(), context.clock.now());
    let id = VoiceProfileId::from_random(random::bytes());
    let max = context.quotas.of(account).voice_profiles;
    let profile = context
        .write(move |tx| {
            let mut task = source::load(&*tx, account, &task, now)?;
            if let Some(earlier) = task.profile {
                return Err(ApiError::new(
                    ErrorKind::Conflict,
                    format!(
                        "SpeakerSearchTaskId: VoiceProfile '{earlier}' was made from SpeakerSearchTask '{}', and \
                         one is made from each; start another search",
                        task.id
                    ),
                ));
            }
            let key = task.domain.to_string();
            let domain = voice_profile_domain::find(&*tx, account, &key)?
                .ok_or_else(|| voice_profile_domain::no_such(&key))?;
            let count = count(tx, account, &key, now)?;
            quota::admit(Quota::VoiceProfilesPerDomain, account, count, max)?;
            let profile = VoiceProfile {
                id,
                account,
                region: domain.region,
                domain: domain.id,
                source: task.id,
                created: now,
                updated: now,
            };
            tx.put(&profile)?;
            task.profile = Some(id);
            tx.put(&task)?;
            Ok(profile)
        })
        .await?;
    Ok(CreateVoiceProfileResponse { voice_profile: Some(to_wire(&profile)) })
}

/// How many profiles a domain has, after those that have expired are gone.
fn count(
    tx: &mut dyn Tx,
    account: AccountId,
    domain: &str,
    now: UnixMillis,
) -> Result<u64, ApiError> {
    let mut count = 0;
    for profile in tx.children::<VoiceProfile>(&account, domain, Page::WHOLE)?.items {
        if profile.is_expired(now) {
            tx.delete::<VoiceProfile>(&account, &profile.key())?;
        } else {
            count += 1;
        }
    }
    Ok(count)
}
