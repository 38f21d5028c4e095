//! `ListPhoneNumbers`.

use chime_api::types::{
    ListPhoneNumbersRequest, ListPhoneNumbersResponse, PhoneNumberAssociationName,
    PhoneNumberStatus,
};
use model::{
    AccountId, AssociationTarget, E164Number, PhoneNumber, PhoneNumberAssociation, ProductType,
    SipRule, SipTrigger, UnixMillis, VoiceConnectorGroupId, VoiceConnectorId,
};
use store::{Listing as Stored, Page, StoreError, TypedView as _, View};

use super::CHUNK;
use super::owned::Owned;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::page::{Listing, page_length};

/// Numbers that one page looks at before it ends early.
const SCANNED_MAX: usize = 50_000;

/// Tells the account's numbers, page by page, in their order; those in the deletion queue as well.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListPhoneNumbersRequest,
) -> Result<ListPhoneNumbersResponse, ApiError> {
    let account = permit.account();
    let filter = Filter::parse(&wire)?;
    let listing = Listing::new(&[
        "ListPhoneNumbers",
        account.as_str(),
        wire.status.as_deref().unwrap_or_default(),
        wire.product_type.map(|it| it.as_str()).unwrap_or_default(),
        wire.filter_name.map(|it| it.as_str()).unwrap_or_default(),
        wire.filter_value.as_deref().unwrap_or_default(),
    ]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=100)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;
    let (now, region) = (context.clock.now(), context.config.region);
    let page = context
        .read(move |view| filter.scan(view, account, after.unwrap_or_default(), limit, now))
        .await?;
    Ok(ListPhoneNumbersResponse {
        phone_numbers: Some(page.items.iter().map(|it| it.to_wire(region, now)).collect()),
        next_token: page.next.map(|key| listing.token(&key)),
    })
}

/// What a listing shows.
struct Filter {
    status: Option<PhoneNumberStatus>,
    product_type: Option<ProductType>,
    source: Source,
}

/// Where the numbers of a listing are found.
enum Source {
    /// All that the account has.
    Account,
    /// Those of a connector or group.
    Target(AssociationTarget),
    /// That of a SIP rule.
    Rule(String),
    /// Of something that cannot exist.
    Nothing,
}

impl Filter {
    fn parse(wire: &ListPhoneNumbersRequest) -> Result<Self, ApiError> {
        let status = wire.status.as_deref().map(|text| {
            PhoneNumberStatus::parse(text).ok_or_else(|| {
                let shown: String = text.chars().take(80).collect();
                ApiError::bad_request(format!(
                    "status is '{shown}', which is no status of a number; ask for Unassigned, Assigned or \
                     DeleteInProgress"
                ))
            })
        });
        Ok(Self {
            status: status.transpose()?,
            product_type: wire.product_type.map(|it| ours(it.as_str())),
            source: Source::parse(wire.filter_name, wire.filter_value.as_deref())?,
        })
    }

    fn shows(&self, owned: &Owned) -> bool {
        self.status.is_none_or(|it| it == owned.status())
            && self.product_type.is_none_or(|it| it == owned.phone.holding.product_type)
    }

    /// Fills a page with what passes; a page that looked at too much ends early.
    fn scan(
        &self,
        view: &dyn View,
        account: AccountId,
        mut after: String,
        limit: usize,
        now: UnixMillis,
    ) -> Result<Stored<Owned>, StoreError> {
        let mut items = Vec::new();
        for _ in 0..SCANNED_MAX / CHUNK {
            let chunk = self.source.numbers(view, account, Page::after(&after, CHUNK))?;
            for number in chunk.items {
                if items.len() == limit {
                    return Ok(Stored { items, next: Some(after) });
                }
                after = number.to_string();
                let owned = Owned::find(view, account, number, now)?;
                items.extend(owned.filter(|it| self.shows(it)));
            }
            if chunk.next.is_none() {
                return Ok(Stored { items, next: None });
            }
        }
        Ok(Stored { items, next: Some(after) })
    }
}

impl Source {
    fn parse(
        name: Option<PhoneNumberAssociationName>,
        value: Option<&str>,
    ) -> Result<Self, ApiError> {
        let (name, value) = match (name, value) {
            (None, None) => return Ok(Self::Account),
            (Some(name), Some(value)) => (name, value),
            _ => {
                return Err(ApiError::bad_request(
                    "filter-name and filter-value go together; send both or neither",
                ));
            }
        };
        Ok(match name {
            PhoneNumberAssociationName::VoiceConnectorId => VoiceConnectorId::parse(value)
                .map_or(Self::Nothing, |it| Self::Target(AssociationTarget::Connector(it))),
            PhoneNumberAssociationName::VoiceConnectorGroupId => {
                VoiceConnectorGroupId::parse(value)
                    .map_or(Self::Nothing, |it| Self::Target(AssociationTarget::Group(it)))
            }
            PhoneNumberAssociationName::SipRuleId => Self::Rule(value.to_ascii_lowercase()),
        })
    }

    fn numbers(
        &self,
        view: &dyn View,
        account: AccountId,
        page: Page<'_>,
    ) -> Result<Stored<E164Number>, StoreError> {
        match self {
            Self::Account => {
                let scope = AccountId::DEFAULT;
                let found = view.children::<PhoneNumber>(&scope, account.as_str(), page)?;
                let items = found.items.iter().map(|it| it.number).collect();
                Ok(Stored { items, next: found.next })
            }
            Self::Target(target) => {
                let parent = target.parent_key();
                let found = view.children::<PhoneNumberAssociation>(&account, &parent, page)?;
                let items = found.items.iter().map(|it| it.number).collect();
                Ok(Stored { items, next: found.next })
            }
            Self::Rule(id) => {
                let rule = view.get::<SipRule>(&account, id)?.filter(|it| !it.disabled);
                let number = rule.and_then(|it| match it.trigger {
                    SipTrigger::ToPhoneNumber(number) => Some(number),
                    SipTrigger::RequestUriHostname(_) => None,
                });
                let is_ahead = |it: &E164Number| it.to_string().as_str() > page.after.unwrap_or("");
                Ok(Stored { items: number.into_iter().filter(is_ahead).collect(), next: None })
            }
            Self::Nothing => Ok(Stored { items: Vec::new(), next: None }),
        }
    }
}
