//! `CreateSipRule`.

use chime_api::types::{CreateSipRuleRequest, CreateSipRuleResponse};
use model::{Quota, SipRule, SipRuleId, SipTriggerClaim};
use store::{TypedTx as _, TypedView as _};

use super::{link, target, to_wire, trigger};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::{quota, random};

/// Makes a rule that sends the calls of a trigger to applications, unless it is disabled.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateSipRuleRequest,
) -> Result<CreateSipRuleResponse, ApiError> {
    let trigger = trigger::parse(wire.trigger_type, &wire.trigger_value)?;
    let (account, now) = (permit.account(), context.clock.now());
    let id = SipRuleId::from_random(random::bytes());
    let max = context.quotas.of(account).sip_rules;
    let rule = context
        .write(move |tx| {
            let targets = target::parse(&*tx, account, &wire.target_applications)?;
            trigger::check_owned(&*tx, account, &trigger, now)?;
            trigger::check_free(&*tx, account, &trigger)?;
            let count = tx.count::<SipRule>(&account, max)?;
            quota::admit(Quota::SipRules, account, count, max)?;
            let rule = SipRule {
                id,
                account,
                name: wire.name,
                disabled: wire.disabled.unwrap_or(false),
                trigger,
                targets,
                created: now,
                updated: now,
            };
            tx.put(&SipTriggerClaim { account, trigger: rule.trigger.clone(), rule: id })?;
            link(tx, &rule)?;
            tx.put(&rule)?;
            Ok(rule)
        })
        .await?;
    Ok(CreateSipRuleResponse { sip_rule: Some(to_wire(&rule)) })
}
