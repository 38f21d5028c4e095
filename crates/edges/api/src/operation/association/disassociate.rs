//! `DisassociatePhoneNumbersFromVoiceConnector`.

use chime_api::types::{
    DisassociatePhoneNumbersFromVoiceConnectorRequest,
    DisassociatePhoneNumbersFromVoiceConnectorResponse,
};
use model::AssociationTarget;

use super::{parse_numbers, take};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{load, parse_id};

/// Takes numbers from a connector; those that did not belong to it are told in `PhoneNumberErrors`.
pub(crate) async fn disassociate(
    context: &Context,
    permit: Permit,
    wire: DisassociatePhoneNumbersFromVoiceConnectorRequest,
) -> Result<DisassociatePhoneNumbersFromVoiceConnectorResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let numbers = parse_numbers(&wire.e164_phone_numbers)?;
    let (account, now) = (permit.account(), context.clock.now());
    let errors = context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            take(tx, account, &AssociationTarget::Connector(id), &numbers, now)
        })
        .await?;
    Ok(DisassociatePhoneNumbersFromVoiceConnectorResponse { phone_number_errors: Some(errors) })
}
