//! `ListSipRules`.

use chime_api::types::{ListSipRulesRequest, ListSipRulesResponse};
use model::{AccountId, SipRule, SipRuleLink};
use store::{Listing as Stored, Page, StoreError, TypedView as _, View};

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::sip_media_application::{self, no_such};
use crate::page::{Listing, page_length};

/// Tells an account's rules in the order of their ids: all, or those of one application.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListSipRulesRequest,
) -> Result<ListSipRulesResponse, ApiError> {
    let account = permit.account();
    let application = wire.sip_media_application_id;
    let filter = application.as_deref().unwrap_or_default();
    let listing = Listing::new(&["ListSipRules", account.as_str(), filter]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=100)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;

    let asked = application.clone();
    let found = context
        .read(move |view| {
            let page = Page { after: after.as_deref(), limit };
            match asked {
                None => view.list::<SipRule>(&account, page).map(Some),
                Some(application) => of_application(view, account, &application, page),
            }
        })
        .await?;
    let page = found.ok_or_else(|| no_such(&application.unwrap_or_default()))?;
    Ok(ListSipRulesResponse {
        sip_rules: Some(page.items.iter().map(to_wire).collect()),
        next_token: page.next.map(|key| listing.token(&key)),
    })
}

/// A page of an application's rules; `None` if there is no such application.
fn of_application(
    view: &dyn View,
    account: AccountId,
    application: &str,
    page: Page<'_>,
) -> Result<Option<Stored<SipRule>>, StoreError> {
    let Some(application) = sip_media_application::find(view, account, application)? else {
        return Ok(None);
    };
    let key = application.id.to_string();
    let links = view.children::<SipRuleLink>(&account, &key, page)?;
    let mut rules = Vec::with_capacity(links.items.len());
    for link in links.items {
        rules.extend(view.get::<SipRule>(&account, &link.rule.to_string())?);
    }
    Ok(Some(Stored { items: rules, next: links.next }))
}
