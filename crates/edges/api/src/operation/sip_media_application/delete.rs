//! `DeleteSipMediaApplication`.

use chime_api::types::{DeleteSipMediaApplicationRequest, NoContent};
use model::{SipMediaApplication, SipRule, SipRuleLink, Tags};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use super::{find, no_such};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Rules that a refusal names; the rest are summed up.
const NAMED_MAX: usize = 5;

/// Deletes an application with its tags and its logging configuration.
///
/// While an enabled rule sends calls to it, it stays. Disabled rules keep its id among their
/// targets, and cannot be enabled again before it is replaced.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteSipMediaApplicationRequest,
) -> Result<NoContent, ApiError> {
    let id = wire.sip_media_application_id;
    let account = permit.account();
    context
        .write(move |tx| {
            let application = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            refuse_while_in_use(&*tx, &application)?;
            tx.delete::<Tags>(&account, &application.arn().to_string())?;
            tx.delete::<SipMediaApplication>(&account, &id)?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}

fn refuse_while_in_use(tx: &dyn Tx, application: &SipMediaApplication) -> Result<(), ApiError> {
    let (account, key) = (application.account, application.id.to_string());
    let mut named = Vec::new();
    for link in tx.children::<SipRuleLink>(&account, &key, Page::WHOLE)?.items {
        let rule = tx.get::<SipRule>(&account, &link.rule.to_string())?;
        if rule.is_some_and(|it| !it.disabled) {
            named.push(link.rule.to_string());
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    if named.len() > NAMED_MAX {
        named.truncate(NAMED_MAX);
        named.push("and more".into());
    }
    Err(ApiError::new(
        ErrorKind::Conflict,
        format!(
            "SipMediaApplication '{key}' still gets the calls of SIP rules: {}; disable them (UpdateSipRule) or \
             delete them first (DeleteSipRule)",
            named.join(", ")
        ),
    ))
}
