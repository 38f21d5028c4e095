//! The operations of the Chime SDK Voice API, one file per verb under its resource.
//!
//! An operation is an `async fn(&Context, Permit, Request) -> Result<Response, ApiError>` that reads
//! parse → load → change → answer. It knows no HTTP and no SQL; `answer` does the rest for all.
//! `docs/adding-an-operation.md` shows how one more comes in.

pub(crate) mod association;
mod e911_address;
mod emergency_calling;
mod external_systems;
mod global_settings;
mod logging;
mod name;
mod origination;
mod phone_number;
mod phone_number_country;
pub(crate) mod phone_number_order;
mod phone_number_settings;
mod proxy;
mod proxy_session;
mod sip_media_application;
mod sip_media_application_alexa_skill;
mod sip_media_application_call;
mod sip_media_application_logging;
mod sip_rule;
mod speaker_search_task;
mod streaming;
mod tag;
mod termination;
mod termination_credentials;
mod voice_analysis;
mod voice_connector;
mod voice_connector_group;
mod voice_connector_region;
mod voice_profile;
mod voice_profile_domain;
mod voice_tone_analysis_task;

use std::future::Future;
use std::pin::Pin;

use chime_api::{Encoded, Labels, Operation, RouteError, Violation, decode, encode};

use crate::answer::Answer;
use crate::authorize::{Asked, Permit};
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// The operations that this release does not have yet, one name a line. The list only shrinks.
const NOT_IMPLEMENTED: &str = include_str!("../not-implemented.txt");

/// The operations that this release does not have yet.
pub fn not_implemented() -> impl Iterator<Item = Operation> {
    NOT_IMPLEMENTED.lines().filter_map(|line| Operation::parse(line.trim()))
}

/// Whether this release has an operation.
pub fn is_implemented(operation: Operation) -> bool {
    handler(operation).is_some()
}

/// What a handler is called with: the surroundings, the permission, and the parts of the request.
struct Call<'a> {
    context: &'a Context,
    permit: Permit,
    labels: &'a Labels,
    query: &'a str,
    body: &'a [u8],
}

type Handled<'a> = Pin<Box<dyn Future<Output = Result<Encoded, ApiError>> + Send + 'a>>;
type Handler = for<'a> fn(Call<'a>) -> Handled<'a>;

/// The table of operations that work: name, function. Input and output types follow from the
/// function; the model's constraints are checked before it runs.
macro_rules! operations {
    ($($operation:ident => $($function:ident)::+,)+) => {
        const HANDLERS: &[(Operation, Handler)] = &[$(
            (Operation::$operation, |call| {
                Box::pin(async move {
                    let wire = decode(call.labels, call.query, call.body)?;
                    let output = $($function)::+(call.context, call.permit, wire).await?;
                    Ok(encode(Operation::$operation, &output))
                })
            }),
        )+];
    };
}

operations! {
    AssociatePhoneNumbersWithVoiceConnector => association::associate::associate,
    AssociatePhoneNumbersWithVoiceConnectorGroup => association::associate_group::associate_group,
    BatchDeletePhoneNumber => phone_number::batch_delete::batch_delete,
    BatchUpdatePhoneNumber => phone_number::batch_update::batch_update,
    CreatePhoneNumberOrder => phone_number_order::create::create,
    CreateProxySession => proxy_session::create::create,
    CreateSipMediaApplication => sip_media_application::create::create,
    CreateSipMediaApplicationCall => sip_media_application_call::create::create,
    CreateSipRule => sip_rule::create::create,
    CreateVoiceConnector => voice_connector::create::create,
    CreateVoiceConnectorGroup => voice_connector_group::create::create,
    CreateVoiceProfile => voice_profile::create::create,
    CreateVoiceProfileDomain => voice_profile_domain::create::create,
    DeletePhoneNumber => phone_number::delete::delete,
    DeleteProxySession => proxy_session::delete::delete,
    DeleteSipMediaApplication => sip_media_application::delete::delete,
    DeleteSipRule => sip_rule::delete::delete,
    DeleteVoiceConnector => voice_connector::delete::delete,
    DeleteVoiceConnectorEmergencyCallingConfiguration => emergency_calling::delete::delete,
    DeleteVoiceConnectorExternalSystemsConfiguration => external_systems::delete::delete,
    DeleteVoiceConnectorGroup => voice_connector_group::delete::delete,
    DeleteVoiceConnectorOrigination => origination::delete::delete,
    DeleteVoiceConnectorProxy => proxy::delete::delete,
    DeleteVoiceConnectorStreamingConfiguration => streaming::delete::delete,
    DeleteVoiceConnectorTermination => termination::delete::delete,
    DeleteVoiceConnectorTerminationCredentials => termination_credentials::delete::delete,
    DeleteVoiceProfile => voice_profile::delete::delete,
    DeleteVoiceProfileDomain => voice_profile_domain::delete::delete,
    DisassociatePhoneNumbersFromVoiceConnector => association::disassociate::disassociate,
    DisassociatePhoneNumbersFromVoiceConnectorGroup => association::disassociate_group::disassociate_group,
    GetGlobalSettings => global_settings::get::get,
    GetPhoneNumber => phone_number::get::get,
    GetPhoneNumberOrder => phone_number_order::get::get,
    GetPhoneNumberSettings => phone_number_settings::get::get,
    GetProxySession => proxy_session::get::get,
    GetSipMediaApplication => sip_media_application::get::get,
    GetSipMediaApplicationAlexaSkillConfiguration => sip_media_application_alexa_skill::get::get,
    GetSipMediaApplicationLoggingConfiguration => sip_media_application_logging::get::get,
    GetSipRule => sip_rule::get::get,
    GetSpeakerSearchTask => speaker_search_task::get::get,
    GetVoiceConnector => voice_connector::get::get,
    GetVoiceConnectorEmergencyCallingConfiguration => emergency_calling::get::get,
    GetVoiceConnectorExternalSystemsConfiguration => external_systems::get::get,
    GetVoiceConnectorGroup => voice_connector_group::get::get,
    GetVoiceConnectorLoggingConfiguration => logging::get::get,
    GetVoiceConnectorOrigination => origination::get::get,
    GetVoiceConnectorProxy => proxy::get::get,
    GetVoiceConnectorStreamingConfiguration => streaming::get::get,
    GetVoiceConnectorTermination => termination::get::get,
    GetVoiceConnectorTerminationHealth => termination::get_health::get_health,
    GetVoiceProfile => voice_profile::get::get,
    GetVoiceProfileDomain => voice_profile_domain::get::get,
    GetVoiceToneAnalysisTask => voice_tone_analysis_task::get::get,
    ListAvailableVoiceConnectorRegions => voice_connector_region::list::list,
    ListPhoneNumberOrders => phone_number_order::list::list,
    ListPhoneNumbers => phone_number::list::list,
    ListProxySessions => proxy_session::list::list,
    ListSipMediaApplications => sip_media_application::list::list,
    ListSipRules => sip_rule::list::list,
    ListSupportedPhoneNumberCountries => phone_number_country::list::list,
    ListTagsForResource => tag::list::list,
    ListVoiceConnectorGroups => voice_connector_group::list::list,
    ListVoiceConnectorTerminationCredentials => termination_credentials::list::list,
    ListVoiceConnectors => voice_connector::list::list,
    ListVoiceProfileDomains => voice_profile_domain::list::list,
    ListVoiceProfiles => voice_profile::list::list,
    PutSipMediaApplicationAlexaSkillConfiguration => sip_media_application_alexa_skill::put::put,
    PutSipMediaApplicationLoggingConfiguration => sip_media_application_logging::put::put,
    PutVoiceConnectorEmergencyCallingConfiguration => emergency_calling::put::put,
    PutVoiceConnectorExternalSystemsConfiguration => external_systems::put::put,
    PutVoiceConnectorLoggingConfiguration => logging::put::put,
    PutVoiceConnectorOrigination => origination::put::put,
    PutVoiceConnectorProxy => proxy::put::put,
    PutVoiceConnectorStreamingConfiguration => streaming::put::put,
    PutVoiceConnectorTermination => termination::put::put,
    PutVoiceConnectorTerminationCredentials => termination_credentials::put::put,
    RestorePhoneNumber => phone_number::restore::restore,
    SearchAvailablePhoneNumbers => phone_number::search::search,
    StartSpeakerSearchTask => speaker_search_task::start::start,
    StartVoiceToneAnalysisTask => voice_tone_analysis_task::start::start,
    StopSpeakerSearchTask => speaker_search_task::stop::stop,
    StopVoiceToneAnalysisTask => voice_tone_analysis_task::stop::stop,
    TagResource => tag::tag::tag,
    UntagResource => tag::untag::untag,
    UpdateGlobalSettings => global_settings::update::update,
    UpdatePhoneNumber => phone_number::update::update,
    UpdatePhoneNumberSettings => phone_number_settings::update::update,
    UpdateProxySession => proxy_session::update::update,
    UpdateSipMediaApplication => sip_media_application::update::update,
    UpdateSipMediaApplicationCall => sip_media_application_call::update::update,
    UpdateSipRule => sip_rule::update::update,
    UpdateVoiceConnector => voice_connector::update::update,
    UpdateVoiceConnectorGroup => voice_connector_group::update::update,
    UpdateVoiceProfile => voice_profile::update::update,
    UpdateVoiceProfileDomain => voice_profile_domain::update::update,
    ValidateE911Address => e911_address::validate::validate,
}

fn handler(operation: Operation) -> Option<Handler> {
    HANDLERS.iter().find(|(it, _)| *it == operation).map(|(_, handler)| *handler)
}

/// Answers a permitted request to one of the 96 operations.
pub(crate) async fn answer(
    context: &Context,
    permit: Permit,
    asked: Asked<'_>,
) -> Result<Answer, ApiError> {
    let Asked { operation, labels, query, body } = asked;
    let Some(handler) = handler(operation) else {
        return Err(ApiError::new(
            ErrorKind::NotImplemented,
            format!(
                "{operation} is not implemented in this release; `trunkline api --list` tells which operations are"
            ),
        ));
    };
    let call = Call { context, permit, labels, query, body };
    let Encoded { status, body } = handler(call).await?;
    Ok(Answer::encoded(status, body))
}

impl From<RouteError> for ApiError {
    fn from(error: RouteError) -> Self {
        let kind = match error.wire().status {
            404 => ErrorKind::UnknownOperation,
            405 => ErrorKind::MethodNotServed,
            _ => ErrorKind::BadRequest,
        };
        let refused = Self::new(kind, error.to_string());
        let RouteError::Method { allowed, .. } = error else { return refused };
        let methods: Vec<&str> = allowed.iter().map(|it| it.as_str()).collect();
        refused.allow(methods.join(", "))
    }
}

impl From<Violation> for ApiError {
    fn from(violation: Violation) -> Self {
        Self::bad_request(violation.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_either_implemented_or_on_the_list_of_those_that_are_not() {
        let lines: Vec<&str> = NOT_IMPLEMENTED.lines().collect();
        let listed: BTreeSet<Operation> = not_implemented().collect();
        assert_eq!(lines.len(), listed.len(), "a line names no operation, or one twice");
        assert!(lines.is_sorted(), "the list is in alphabetical order");

        let implemented: BTreeSet<Operation> = HANDLERS.iter().map(|(it, _)| *it).collect();
        assert_eq!(implemented.len(), HANDLERS.len(), "an operation has two handlers");
        assert!(listed.is_disjoint(&implemented), "an operation on the list has a handler");
        assert_eq!(listed.len() + implemented.len(), 96);
        assert_eq!(Operation::all().len(), 96);
    }
}
