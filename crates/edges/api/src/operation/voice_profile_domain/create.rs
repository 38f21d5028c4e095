//! `CreateVoiceProfileDomain`.

use chime_api::Operation;
use chime_api::types::{CreateVoiceProfileDomainRequest, CreateVoiceProfileDomainResponse, Tag};
use model::{KmsKeyArn, Quota, Tags, VoiceProfileDomain, VoiceProfileDomainId};
use store::{TypedTx as _, TypedView as _};

use super::{find, to_wire};
use crate::authorize::Permit;
use crate::client_request::Repeatable;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::tag::parse_tags;
use crate::{quota, random};

/// Makes a domain for voice profiles, or finds the one that the same token made before.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateVoiceProfileDomainRequest,
) -> Result<CreateVoiceProfileDomainResponse, ApiError> {
    let repeatable = repeatable(&wire);
    let tags = parse_tags("Tags", wire.tags.unwrap_or_default())?;
    let key = wire.server_side_encryption_configuration.kms_key_arn;
    let encryption_key = KmsKeyArn::parse(key.expose()).map_err(|refused| {
        ApiError::bad_request(format!(
            "ServerSideEncryptionConfiguration.KmsKeyArn: {}",
            refused.rule
        ))
    })?;
    let (account, now) = (permit.account(), context.clock.now());
    let domain = VoiceProfileDomain {
        id: VoiceProfileDomainId::from_random(random::bytes()),
        account,
        region: context.config.region,
        name: wire.name,
        description: wire.description.filter(|it| !it.is_empty()),
        encryption_key,
        created: now,
        updated: now,
    };
    let max = context.quotas.of(account).voice_profile_domains;
    let domain = context
        .write(move |tx| {
            if let Some(made) = repeatable.made(&*tx, account, now)?
                && let Some(domain) = find(&*tx, account, &made)?
            {
                return Ok(domain);
            }
            quota::admit(
                Quota::VoiceProfileDomains,
                account,
                tx.count::<VoiceProfileDomain>(&account, max)?,
                max,
            )?;
            tx.put(&domain)?;
            if !tags.is_empty() {
                tx.put(&Tags { account, arn: domain.arn().to_string(), values: tags })?;
            }
            repeatable.remember(tx, account, domain.id.to_string(), now)?;
            Ok(domain)
        })
        .await?;
    Ok(CreateVoiceProfileDomainResponse { voice_profile_domain: Some(to_wire(&domain)) })
}

fn repeatable(wire: &CreateVoiceProfileDomainRequest) -> Repeatable {
    let mut asked = vec![
        wire.name.as_str(),
        wire.description.as_deref().unwrap_or_default(),
        wire.server_side_encryption_configuration.kms_key_arn.expose(),
    ];
    let tag = |it: &Tag| [it.key.expose().to_owned(), it.value.expose().to_owned()];
    let tags: Vec<String> = wire.tags.iter().flatten().flat_map(tag).collect();
    asked.extend(tags.iter().map(String::as_str));
    Repeatable::new(Operation::CreateVoiceProfileDomain, wire.client_request_token.clone(), &asked)
}
