//! `DeleteVoiceConnector`.

use std::sync::Arc;

use chime_api::types::{DeleteVoiceConnectorRequest, NoContent};
use model::{
    EmergencyCalling, ExternalSystems, Logging, Origination, PhoneNumberAssociation, Proxy,
    ProxySession, Resource as _, SipUser, Streaming, Tags, Termination, TerminationHealth,
    VoiceConnector,
};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use super::{load, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::operation::voice_connector_group::groups_of;

/// Blocking resources that a refusal names; the rest are summed up.
const NAMED_MAX: usize = 5;

/// Deletes a connector with all of its settings, its credentials, sessions and tags.
///
/// Numbers and groups are not deleted along: while any belongs to the connector, it stays.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let count = Arc::clone(&context.voice_connectors);
    let written = context
        .write(move |tx| {
            let connector = load(&*tx, account, &id)?;
            refuse_while_in_use(&*tx, &connector)?;
            delete_settings(tx, &connector)?;
            tx.delete::<VoiceConnector>(&account, id.as_str())?;
            count.release(account);
            Ok(())
        })
        .await;
    if written.is_err() {
        context.voice_connectors.forget(account);
    }
    written?;
    Ok(NoContent {})
}

/// Refuses while something that lives on its own belongs to the connector.
fn refuse_while_in_use(tx: &dyn Tx, connector: &VoiceConnector) -> Result<(), ApiError> {
    let page = Page::first(NAMED_MAX);
    let found =
        tx.children::<PhoneNumberAssociation>(&connector.account, connector.id.as_str(), page)?;
    if found.items.is_empty() {
        return refuse_while_in_a_group(tx, connector);
    }
    let mut named: Vec<String> = found.items.iter().map(|it| it.number.to_string()).collect();
    if found.next.is_some() {
        named.push("and more".into());
    }
    Err(ApiError::new(
        ErrorKind::Conflict,
        format!(
            "VoiceConnector '{}' still has phone numbers: {}; disassociate them first \
             (DisassociatePhoneNumbersFromVoiceConnector)",
            connector.id,
            named.join(", ")
        ),
    ))
}

/// Refuses while a group sends calls to the connector.
fn refuse_while_in_a_group(tx: &dyn Tx, connector: &VoiceConnector) -> Result<(), ApiError> {
    let groups = groups_of(tx, connector, NAMED_MAX)?;
    if groups.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = groups.iter().map(ToString::to_string).collect();
    Err(ApiError::new(
        ErrorKind::Conflict,
        format!(
            "VoiceConnector '{}' is still in the Voice Connector groups {}; take it out of them first \
             (UpdateVoiceConnectorGroup)",
            connector.id,
            named.join(", ")
        ),
    ))
}

/// Deletes everything that has no meaning without its connector.
fn delete_settings(tx: &mut dyn Tx, connector: &VoiceConnector) -> Result<(), ApiError> {
    let (account, id) = (&connector.account, connector.id.as_str());
    tx.delete::<Termination>(account, id)?;
    tx.delete::<TerminationHealth>(account, id)?;
    tx.delete::<Origination>(account, id)?;
    tx.delete::<Streaming>(account, id)?;
    tx.delete::<Logging>(account, id)?;
    tx.delete::<EmergencyCalling>(account, id)?;
    tx.delete::<ExternalSystems>(account, id)?;
    tx.delete::<Proxy>(account, id)?;
    for session in tx.children::<ProxySession>(account, id, Page::WHOLE)?.items {
        tx.delete::<ProxySession>(account, &session.key())?;
    }
    tx.delete::<Tags>(account, &connector.arn().to_string())?;
    for user in tx.children::<SipUser>(account, id, Page::WHOLE)?.items {
        tx.delete::<SipUser>(account, &user.key())?;
    }
    Ok(())
}
