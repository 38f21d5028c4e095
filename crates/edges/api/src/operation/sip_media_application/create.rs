//! `CreateSipMediaApplication`.

use chime_api::types::{CreateSipMediaApplicationRequest, CreateSipMediaApplicationResponse};
use model::{Quota, Region, SipMediaApplication, SipMediaApplicationId, Tags};
use store::{TypedTx as _, TypedView as _};

use super::{parse_endpoint, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::tag::parse_tags;
use crate::{quota, random};

/// Makes an application with an id of its own; names need not be unique.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateSipMediaApplicationRequest,
) -> Result<CreateSipMediaApplicationResponse, ApiError> {
    let tags = parse_tags("Tags", wire.tags.unwrap_or_default())?;
    let region = Region::parse(&wire.aws_region)
        .map_err(|refused| ApiError::bad_value("AwsRegion", &refused))?;
    let (account, now) = (permit.account(), context.clock.now());
    let application = SipMediaApplication {
        id: SipMediaApplicationId::from_random(random::bytes()),
        account,
        region,
        name: wire.name,
        function: parse_endpoint(&wire.endpoints, region)?,
        message_logs: false,
        created: now,
        updated: now,
    };
    let answer =
        CreateSipMediaApplicationResponse { sip_media_application: Some(to_wire(&application)) };

    let max = context.quotas.of(account).sip_media_applications;
    context
        .write(move |tx| {
            quota::admit(
                Quota::SipMediaApplications,
                account,
                tx.count::<SipMediaApplication>(&account, max)?,
                max,
            )?;
            tx.put(&application)?;
            if !tags.is_empty() {
                tx.put(&Tags { account, arn: application.arn().to_string(), values: tags })?;
            }
            Ok(())
        })
        .await?;
    Ok(answer)
}
