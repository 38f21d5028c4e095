//! The applications of a rule.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use chime_api::types;
use model::{AccountId, Region, SipRule, TargetApplication};
use store::Tx;

use crate::error::ApiError;
use crate::operation::sip_media_application::{NOUN, find};

/// Reads the targets of a request. Their applications must exist, each in a region of its own.
pub(super) fn parse(
    tx: &dyn Tx,
    account: AccountId,
    wire: &[types::SipRuleTargetApplication],
) -> Result<Vec<TargetApplication>, ApiError> {
    if wire.is_empty() || wire.len() > SipRule::TARGETS_MAX {
        return Err(ApiError::bad_request(format!(
            "TargetApplications has {} targets; a rule has 1 to {}",
            wire.len(),
            SipRule::TARGETS_MAX
        )));
    }
    let mut regions = BTreeSet::new();
    let mut targets = Vec::with_capacity(wire.len());
    for (at, target) in wire.iter().enumerate() {
        let target = parse_one(tx, account, at, target)?;
        if !regions.insert(target.region) {
            return Err(ApiError::bad_request(format!(
                "TargetApplications[{at}]: another target is in {}, too; name one application for each region",
                target.region
            )));
        }
        targets.push(target);
    }
    Ok(targets)
}

fn parse_one(
    tx: &dyn Tx,
    account: AccountId,
    at: usize,
    wire: &types::SipRuleTargetApplication,
) -> Result<TargetApplication, ApiError> {
    let refuse = |member: &str, rule: String| {
        ApiError::bad_request(format!("TargetApplications[{at}].{member} {rule}"))
    };
    let missing = |member: &str| refuse(member, "is missing; each target has one".into());
    let id =
        wire.sip_media_application_id.as_deref().ok_or_else(|| missing("SipMediaApplicationId"))?;
    let priority = wire.priority.ok_or_else(|| missing("Priority"))?;
    let priority = u32::try_from(priority).ok().and_then(NonZeroU32::new).ok_or_else(|| {
        refuse("Priority", format!("is {priority}; 1 is the first, greater ones come later"))
    })?;
    let application = find(tx, account, id)?.ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        refuse("SipMediaApplicationId:", format!("Could not find {NOUN} with Id '{shown}'"))
    })?;
    if let Some(text) = &wire.aws_region {
        let member = format!("TargetApplications[{at}].AwsRegion");
        let region =
            Region::parse(text).map_err(|refused| ApiError::bad_value(&member, &refused))?;
        if region != application.region {
            return Err(refuse(
                "AwsRegion",
                format!("is {region}, but the application is in {}", application.region),
            ));
        }
    }
    Ok(TargetApplication { application: application.id, priority, region: application.region })
}

/// Refuses to enable a rule one of whose applications was deleted.
pub(super) fn check_kept(tx: &dyn Tx, rule: &SipRule) -> Result<(), ApiError> {
    for target in &rule.targets {
        if find(tx, rule.account, &target.application.to_string())?.is_none() {
            return Err(ApiError::bad_request(format!(
                "SipRule '{}' cannot be enabled: its target {NOUN} '{}' was deleted; send other \
                 TargetApplications along",
                rule.id, target.application
            )));
        }
    }
    Ok(())
}
