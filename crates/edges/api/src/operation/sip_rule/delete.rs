//! `DeleteSipRule`.

use chime_api::types::{DeleteSipRuleRequest, NoContent};
use model::{SipRule, SipTriggerClaim};
use store::TypedTx as _;

use super::{find, no_such, unlink};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Deletes a rule, enabled or not, and frees its trigger.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteSipRuleRequest,
) -> Result<NoContent, ApiError> {
    let id = wire.sip_rule_id;
    let account = permit.account();
    context
        .write(move |tx| {
            let rule = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            unlink(tx, &rule)?;
            tx.delete::<SipTriggerClaim>(&account, &SipTriggerClaim::key_of(&rule.trigger))?;
            tx.delete::<SipRule>(&account, &id)?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
