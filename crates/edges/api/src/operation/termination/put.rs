//! `PutVoiceConnectorTermination`.

use std::num::NonZeroU32;

use chime_api::types::{
    self, PutVoiceConnectorTerminationRequest, PutVoiceConnectorTerminationResponse,
};
use model::{AccountId, E164Number, Quota, Termination, VoiceConnector, VoiceConnectorId};
use store::TypedTx as _;

use super::calling_region::is_country;
use super::to_wire;
use crate::address::AddressRules;
use crate::authorize::Permit;
use crate::config::Quotas;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::emergency_calling::refuse_while_needed;
use crate::operation::voice_connector::{load, parse_id};

/// Networks in one allow list.
const CIDR_COUNT_MAX: usize = 10;

/// Sets all of a connector's termination; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorTerminationRequest,
) -> Result<PutVoiceConnectorTerminationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let draft = Draft::parse(wire.termination, account, &context.quotas.of(account))?;
    let rules = context.config.address_rules();
    let termination = context
        .write(move |tx| {
            let termination = draft.complete(&load(&*tx, account, &id)?, rules)?;
            if termination.disabled {
                refuse_while_needed(&*tx, account, &id, "disable its Termination")?;
            }
            tx.put(&termination)?;
            Ok(termination)
        })
        .await?;
    Ok(PutVoiceConnectorTerminationResponse { termination: Some(to_wire(&termination)) })
}

/// A termination whose networks are not read yet: which are right depends on the connector.
struct Draft {
    cps_limit: NonZeroU32,
    default_phone_number: Option<E164Number>,
    calling_regions: Vec<String>,
    cidr_allowed_list: Vec<String>,
    disabled: bool,
}

impl Draft {
    fn parse(
        wire: types::Termination,
        account: AccountId,
        quotas: &Quotas,
    ) -> Result<Self, ApiError> {
        let default_phone_number = wire
            .default_phone_number
            .map(|it| E164Number::parse(it.expose()))
            .transpose()
            .map_err(|refused| ApiError::bad_value("Termination.DefaultPhoneNumber", &refused))?;
        let cidr_allowed_list = wire.cidr_allowed_list.unwrap_or_default();
        if cidr_allowed_list.len() > CIDR_COUNT_MAX {
            return Err(ApiError::bad_request(format!(
                "Termination.CidrAllowedList has {} networks, and at most {CIDR_COUNT_MAX} are taken; join \
                 neighbouring ones or leave some out",
                cidr_allowed_list.len()
            )));
        }
        Ok(Self {
            cps_limit: parse_cps_limit(wire.cps_limit, account, quotas.calls_per_second)?,
            default_phone_number,
            calling_regions: parse_calling_regions(wire.calling_regions.unwrap_or_default())?,
            cidr_allowed_list,
            disabled: wire.disabled.unwrap_or(false),
        })
    }

    fn complete(
        self,
        connector: &VoiceConnector,
        rules: AddressRules,
    ) -> Result<Termination, ApiError> {
        let network = |(at, text): (usize, &String)| {
            rules.parse_network(text, connector.network_type).map_err(|rule| {
                let shown: String = text.chars().take(64).collect();
                ApiError::bad_request(format!(
                    "Termination.CidrAllowedList[{at}]: the network '{shown}' {rule}"
                ))
            })
        };
        Ok(Termination {
            account: connector.account,
            connector: VoiceConnectorId::clone(&connector.id),
            cps_limit: self.cps_limit,
            default_phone_number: self.default_phone_number,
            calling_regions: self.calling_regions,
            cidr_allowed_list: self
                .cidr_allowed_list
                .iter()
                .enumerate()
                .map(network)
                .collect::<Result<_, _>>()?,
            disabled: self.disabled,
        })
    }
}

/// Calls per second: 1 when absent, at most the account's quota.
fn parse_cps_limit(
    wire: Option<i32>,
    account: AccountId,
    quota: u32,
) -> Result<NonZeroU32, ApiError> {
    let asked = wire.unwrap_or(1);
    let limit = u32::try_from(asked).ok().and_then(NonZeroU32::new);
    let name = Quota::CallsPerSecondPerConnector;
    limit.filter(|it| it.get() <= quota).ok_or_else(|| {
        ApiError::bad_request(format!(
            "Termination.CpsLimit is {asked}; it is 1 to the quota \"{}\" of the account {account}, which is \
             {quota}; lower it, or have the operator raise the quota: \
             trunkline quota set {name} {asked} --account {account}",
            name.name()
        ))
    })
}

/// Country codes; at least one, since a termination that lets no call out is a mistake.
fn parse_calling_regions(wire: Vec<String>) -> Result<Vec<String>, ApiError> {
    if wire.is_empty() {
        return Err(ApiError::bad_request(
            "Termination.CallingRegions is missing or empty; name at least one country that may be called, \
             such as \"US\"",
        ));
    }
    let unknown = wire.iter().enumerate().find(|(_, it)| !is_country(it));
    let Some((at, region)) = unknown else { return Ok(wire) };
    let shown: String = region.chars().take(64).collect();
    Err(ApiError::bad_request(format!(
        "Termination.CallingRegions[{at}] is '{shown}', which is no ISO 3166-1 alpha-2 country code; write \
         two capital letters, such as \"US\""
    )))
}
