//! `UpdateSipRule`.

use chime_api::types::{UpdateSipRuleRequest, UpdateSipRuleResponse};
use store::TypedTx as _;

use super::{find, link, no_such, target, to_wire, trigger, unlink};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Sets a rule's name and what else the request names; the rest stays. The trigger never changes.
///
/// A disabled rule holds neither its number nor its applications, so that what went meanwhile is
/// found out when it is enabled.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateSipRuleRequest,
) -> Result<UpdateSipRuleResponse, ApiError> {
    let id = wire.sip_rule_id;
    let (account, now) = (permit.account(), context.clock.now());
    let rule = context
        .write(move |tx| {
            let mut rule = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            let was_disabled = rule.disabled;
            rule.name = wire.name;
            rule.disabled = wire.disabled.unwrap_or(was_disabled);
            rule.updated = rule.updated.max(now);
            if let Some(targets) = wire.target_applications {
                unlink(tx, &rule)?;
                rule.targets = target::parse(&*tx, account, &targets)?;
                link(tx, &rule)?;
            }
            if was_disabled && !rule.disabled {
                trigger::check_owned(&*tx, account, &rule.trigger, now)?;
                target::check_kept(&*tx, &rule)?;
            }
            tx.put(&rule)?;
            Ok(rule)
        })
        .await?;
    Ok(UpdateSipRuleResponse { sip_rule: Some(to_wire(&rule)) })
}
