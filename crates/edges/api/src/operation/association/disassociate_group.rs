//! `DisassociatePhoneNumbersFromVoiceConnectorGroup`.

use chime_api::types::{
    DisassociatePhoneNumbersFromVoiceConnectorGroupRequest,
    DisassociatePhoneNumbersFromVoiceConnectorGroupResponse,
};
use model::AssociationTarget;

use super::{parse_numbers, take};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector_group::{load, parse_id};

/// Takes numbers from a group; those that did not belong to it are told in `PhoneNumberErrors`.
pub(crate) async fn disassociate_group(
    context: &Context,
    permit: Permit,
    wire: DisassociatePhoneNumbersFromVoiceConnectorGroupRequest,
) -> Result<DisassociatePhoneNumbersFromVoiceConnectorGroupResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_group_id)?;
    let numbers = parse_numbers(&wire.e164_phone_numbers)?;
    let (account, now) = (permit.account(), context.clock.now());
    let errors = context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            take(tx, account, &AssociationTarget::Group(id), &numbers, now)
        })
        .await?;
    Ok(DisassociatePhoneNumbersFromVoiceConnectorGroupResponse {
        phone_number_errors: Some(errors),
    })
}
