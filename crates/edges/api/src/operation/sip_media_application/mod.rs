//! SIP media applications.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;

use chime_api::{Sensitive, types};
use model::{AccountId, FunctionArn, Region, SipMediaApplication};
use store::{StoreError, TypedView as _, View};

use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// The resource's name in messages.
pub(super) const NOUN: &str = "SipMediaApplication";

/// The error for an application that the account does not have.
pub(super) fn no_such(id: &str) -> ApiError {
    ApiError::no_such(NOUN, id)
}

/// An account's application by the id of a request, whatever text that is.
pub(super) fn find<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    id: &str,
) -> Result<Option<SipMediaApplication>, StoreError> {
    view.get::<SipMediaApplication>(&account, id)
}

/// Reads the one endpoint of a request, whose function must be in the application's region.
fn parse_endpoint(
    wire: &[types::SipMediaApplicationEndpoint],
    region: Region,
) -> Result<FunctionArn, ApiError> {
    let [endpoint] = wire else {
        return Err(ApiError::bad_request(format!(
            "Endpoints has {} endpoints; an application has exactly one",
            wire.len()
        )));
    };
    let function = endpoint.lambda_arn.as_ref().ok_or_else(|| {
        ApiError::bad_request(
            "Endpoints[0].LambdaArn is missing; name the function that is asked what to do with calls",
        )
    })?;
    let function = FunctionArn::parse(function.expose()).map_err(|refused| {
        ApiError::bad_request(format!("Endpoints[0].LambdaArn: {}", refused.rule))
    })?;
    if function.region() != region.as_str() {
        return Err(ApiError::bad_request(format!(
            "Endpoints[0].LambdaArn names a function in {}, and the application is in {region}; both must be in \
             one region",
            function.region()
        )));
    }
    Ok(function)
}

/// An application as the API tells it.
fn to_wire(application: &SipMediaApplication) -> types::SipMediaApplication {
    types::SipMediaApplication {
        sip_media_application_id: Some(application.id.to_string()),
        aws_region: Some(application.region.to_string()),
        name: Some(application.name.clone()),
        endpoints: Some(vec![types::SipMediaApplicationEndpoint {
            lambda_arn: Some(Sensitive::new(application.function.as_str())),
        }]),
        created_timestamp: Some(timestamp(application.created)),
        updated_timestamp: Some(timestamp(application.updated)),
        sip_media_application_arn: Some(application.arn().to_string()),
    }
}
