//! `AssociatePhoneNumbersWithVoiceConnector`.

use chime_api::types::{
    AssociatePhoneNumbersWithVoiceConnectorRequest, AssociatePhoneNumbersWithVoiceConnectorResponse,
};
use model::AssociationTarget;

use super::{Earlier, give, parse_numbers};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{load, parse_id};

/// Gives numbers to a connector, each for itself; the others are told in `PhoneNumberErrors`.
pub(crate) async fn associate(
    context: &Context,
    permit: Permit,
    wire: AssociatePhoneNumbersWithVoiceConnectorRequest,
) -> Result<AssociatePhoneNumbersWithVoiceConnectorResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let numbers = parse_numbers(&wire.e164_phone_numbers)?;
    let earlier = Earlier::of(wire.force_associate);
    let (account, now) = (permit.account(), context.clock.now());
    let errors = context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            give(tx, account, &AssociationTarget::Connector(id), &numbers, earlier, now)
        })
        .await?;
    Ok(AssociatePhoneNumbersWithVoiceConnectorResponse { phone_number_errors: Some(errors) })
}
