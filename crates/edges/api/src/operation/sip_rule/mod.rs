//! SIP rules.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
mod target;
mod trigger;
pub(super) mod update;

use chime_api::types;
use model::{AccountId, SipRule, SipRuleLink, SipTrigger};
use store::{StoreError, Tx, TypedTx as _, TypedView as _, View};

use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// The error for a rule that the account does not have.
fn no_such(id: &str) -> ApiError {
    ApiError::no_such("SipRule", id)
}

/// An account's rule by the id of a request, whatever text that is.
fn find<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    id: &str,
) -> Result<Option<SipRule>, StoreError> {
    view.get::<SipRule>(&account, id)
}

/// Makes the rule known to its applications.
fn link(tx: &mut dyn Tx, rule: &SipRule) -> Result<(), StoreError> {
    for target in &rule.targets {
        let (account, application) = (rule.account, target.application);
        tx.put(&SipRuleLink { account, application, rule: rule.id })?;
    }
    Ok(())
}

/// Makes its applications forget the rule.
fn unlink(tx: &mut dyn Tx, rule: &SipRule) -> Result<(), StoreError> {
    for target in &rule.targets {
        let key = SipRuleLink::key_of(target.application, rule.id);
        tx.delete::<SipRuleLink>(&rule.account, &key)?;
    }
    Ok(())
}

/// A rule as the API tells it: every member.
fn to_wire(rule: &SipRule) -> types::SipRule {
    let target = |it: &model::TargetApplication| types::SipRuleTargetApplication {
        sip_media_application_id: Some(it.application.to_string()),
        priority: Some(i32::try_from(it.priority.get()).unwrap_or(i32::MAX)),
        aws_region: Some(it.region.to_string()),
    };
    types::SipRule {
        sip_rule_id: Some(rule.id.to_string()),
        name: Some(rule.name.clone()),
        disabled: Some(rule.disabled),
        trigger_type: Some(match rule.trigger {
            SipTrigger::ToPhoneNumber(_) => types::SipRuleTriggerType::ToPhoneNumber,
            SipTrigger::RequestUriHostname(_) => types::SipRuleTriggerType::RequestUriHostname,
        }),
        trigger_value: Some(rule.trigger.to_string()),
        target_applications: Some(rule.targets.iter().map(target).collect()),
        created_timestamp: Some(timestamp(rule.created)),
        updated_timestamp: Some(timestamp(rule.updated)),
    }
}
