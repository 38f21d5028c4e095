//! Phone numbers: the account's own, and the inventory they come from.

pub(super) mod batch_delete;
pub(super) mod batch_update;
mod change;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
mod owned;
pub(super) mod restore;
pub(super) mod search;
pub(super) mod update;

use chime_api::types::{ErrorCode, PhoneNumberError};
use chime_api::{Sensitive, e164_of_phone_number_id, phone_number_id};
use model::{AccountId, Country, E164Number, Kind, PhoneNumber, ProductType, Quota, UnixMillis};
use store::{Page, Range, StoreError, TypedView as _, View};

use crate::error::{ApiError, ErrorKind};
use crate::quota;

/// Numbers read from the store at once.
const CHUNK: usize = 500;

/// Reads a number's id in any of the spellings that clients send: `+1…`, `%2B1…`, `%252B1…`, `1…`.
pub(super) fn parse_id(member: &str, text: &str) -> Result<E164Number, ApiError> {
    let number = e164_of_phone_number_id(text);
    number.and_then(|it| E164Number::parse(&it).ok()).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        ApiError::bad_request(format!(
            "{member} is '{shown}', which is no phone number id; send the PhoneNumberId as the API returned it, \
             or the number in E.164 form, such as +12065550100"
        ))
    })
}

/// Reads a number in E.164 form.
pub(super) fn parse_number(member: &str, text: &str) -> Result<E164Number, ApiError> {
    E164Number::parse(text).map_err(|refused| ApiError::bad_value(member, &refused))
}

/// A number as it is at `now`, if the account has it; one that waits in the deletion queue counts.
pub(super) fn find_owned<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    number: E164Number,
    now: UnixMillis,
) -> Result<Option<PhoneNumber>, StoreError> {
    let stored = view.get::<PhoneNumber>(&AccountId::DEFAULT, &number.to_string())?;
    Ok(stored.map(|it| it.at(now)).filter(|it| it.owner == Some(account)))
}

/// How many numbers an account has, those in the deletion queue left out; exact if it may matter.
///
/// What is below `quota` with the queue is below it without.
pub(super) fn count_owned<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    quota: u64,
) -> Result<u64, StoreError> {
    let (scope, parent) = (&AccountId::DEFAULT, account.as_str());
    let all = Range::Children { account: scope, parent, after: "" };
    let rough = view.count_raw(Kind::PhoneNumber, all, quota)?;
    if rough < quota {
        return Ok(rough);
    }
    let (mut count, mut after) = (0, String::new());
    loop {
        let page = view.children::<PhoneNumber>(scope, parent, Page::after(&after, CHUNK))?;
        count += page.items.iter().filter(|it| it.holding.deleted.is_none()).count() as u64;
        match page.next {
            Some(next) if count < quota => after = next,
            _ => return Ok(count),
        }
    }
}

/// Makes room for `more` numbers, or refuses.
pub(super) fn admit(account: AccountId, count: u64, more: u64, quota: u64) -> Result<(), ApiError> {
    if count + more <= quota {
        return Ok(());
    }
    let used = format!("it has {count} and asks for {more} more; delete some first");
    Err(quota::exceeded(Quota::PhoneNumbers, account, quota, &used, count + more))
}

/// Why a number cannot serve a product, if it cannot: outside the United States there is one.
pub(super) fn refuse_product(number: E164Number, product: ProductType) -> Option<String> {
    let is_foreign = number.country() != Some(Country::US);
    (is_foreign && product == ProductType::VoiceConnector).then(|| {
        format!(
            "{number} is no number of the United States, and such numbers have the ProductType \
             SipMediaApplicationDialIn; name that"
        )
    })
}

/// Why one number of several was passed over.
#[derive(Debug)]
pub(super) struct ItemError {
    code: ErrorCode,
    message: String,
}

impl ItemError {
    /// An error of a code, with a sentence for the caller.
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A number that the account does not have, whoever has it.
    pub(super) fn no_such(number: E164Number) -> Self {
        Self::new(
            ErrorCode::NotFound,
            format!("Could not find PhoneNumber with Id '{number}'; order it first"),
        )
    }

    /// The error of a request that is about this number alone.
    pub(super) fn into_error(self) -> ApiError {
        let kind = if self.code == ErrorCode::NotFound {
            ErrorKind::NotFound
        } else if self.code == ErrorCode::Conflict {
            ErrorKind::Conflict
        } else {
            ErrorKind::BadRequest
        };
        ApiError::new(kind, self.message)
    }

    /// The error as the API tells it.
    pub(super) fn to_wire(&self, number: E164Number) -> PhoneNumberError {
        PhoneNumberError {
            phone_number_id: Some(Sensitive::new(phone_number_id(&number.to_string()))),
            error_code: Some(self.code),
            error_message: Some(self.message.clone()),
        }
    }
}
