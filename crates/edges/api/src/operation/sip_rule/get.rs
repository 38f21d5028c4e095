//! `GetSipRule`.

use chime_api::types::{GetSipRuleRequest, GetSipRuleResponse};

use super::{find, no_such, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one rule.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetSipRuleRequest,
) -> Result<GetSipRuleResponse, ApiError> {
    let id = wire.sip_rule_id;
    let (account, key) = (permit.account(), id.clone());
    let found = context.read(move |view| find(view, account, &key)).await?;
    let rule = found.ok_or_else(|| no_such(&id))?;
    Ok(GetSipRuleResponse { sip_rule: Some(to_wire(&rule)) })
}
