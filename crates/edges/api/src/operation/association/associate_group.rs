//! `AssociatePhoneNumbersWithVoiceConnectorGroup`.

use chime_api::types::{
    AssociatePhoneNumbersWithVoiceConnectorGroupRequest,
    AssociatePhoneNumbersWithVoiceConnectorGroupResponse,
};
use model::AssociationTarget;

use super::{Earlier, give, parse_numbers};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector_group::{load, parse_id};

/// Gives numbers to a group, each for itself; the others are told in `PhoneNumberErrors`.
pub(crate) async fn associate_group(
    context: &Context,
    permit: Permit,
    wire: AssociatePhoneNumbersWithVoiceConnectorGroupRequest,
) -> Result<AssociatePhoneNumbersWithVoiceConnectorGroupResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_group_id)?;
    let numbers = parse_numbers(&wire.e164_phone_numbers)?;
    let earlier = Earlier::of(wire.force_associate);
    let (account, now) = (permit.account(), context.clock.now());
    let errors = context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            give(tx, account, &AssociationTarget::Group(id), &numbers, earlier, now)
        })
        .await?;
    Ok(AssociatePhoneNumbersWithVoiceConnectorGroupResponse { phone_number_errors: Some(errors) })
}
