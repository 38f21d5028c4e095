//! Phone numbers: the account's own, and the inventory they come from.

use chime_api::types::{ErrorCode, PhoneNumberError};
use chime_api::{Sensitive, phone_number_id};
use model::{AccountId, E164Number, PhoneNumber, UnixMillis};
use store::{StoreError, TypedView as _, View};

use crate::error::ApiError;

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

    /// The error as the API tells it.
    pub(super) fn to_wire(&self, number: E164Number) -> PhoneNumberError {
        PhoneNumberError {
            phone_number_id: Some(Sensitive::new(phone_number_id(&number.to_string()))),
            error_code: Some(self.code),
            error_message: Some(self.message.clone()),
        }
    }
}
