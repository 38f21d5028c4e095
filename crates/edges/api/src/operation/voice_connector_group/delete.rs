//! `DeleteVoiceConnectorGroup`.

use chime_api::types::{DeleteVoiceConnectorGroupRequest, NoContent};
use model::{AssociationTarget, PhoneNumberAssociation, VoiceConnectorGroup};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use super::{load, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Blocking resources that a refusal names; the rest are summed up.
const NAMED_MAX: usize = 5;

/// Deletes a group that has neither connectors nor numbers any more.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorGroupRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_group_id)?;
    let account = permit.account();
    context
        .write(move |tx| {
            let group = load(&*tx, account, &id)?;
            refuse_while_in_use(&*tx, &group)?;
            tx.delete::<VoiceConnectorGroup>(&account, id.as_str())?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}

/// Refuses while connectors or numbers belong to the group.
fn refuse_while_in_use(tx: &dyn Tx, group: &VoiceConnectorGroup) -> Result<(), ApiError> {
    let named = |all: &mut dyn Iterator<Item = String>| {
        let mut named: Vec<String> = all.take(NAMED_MAX + 1).collect();
        if named.len() > NAMED_MAX {
            named[NAMED_MAX] = "and more".into();
        }
        named.join(", ")
    };
    let refuse = |what: &str, which: String, remedy: &str| {
        Err(ApiError::new(
            ErrorKind::Conflict,
            format!("VoiceConnectorGroup '{}' still has {what}: {which}; {remedy}", group.id),
        ))
    };
    if !group.items.is_empty() {
        let which = named(&mut group.items.iter().map(|it| it.connector.to_string()));
        return refuse(
            "Voice Connectors",
            which,
            "empty its VoiceConnectorItems first (UpdateVoiceConnectorGroup)",
        );
    }
    let parent = AssociationTarget::Group(group.id.clone()).parent_key();
    let page = Page::first(NAMED_MAX + 1);
    let numbers = tx.children::<PhoneNumberAssociation>(&group.account, &parent, page)?.items;
    if numbers.is_empty() {
        return Ok(());
    }
    let which = named(&mut numbers.iter().map(|it| it.number.to_string()));
    refuse(
        "phone numbers",
        which,
        "disassociate them first (DisassociatePhoneNumbersFromVoiceConnectorGroup)",
    )
}
