//! What an owner may change about a number, one thing at a time.

use std::time::Duration;

use chime_api::Sensitive;
use chime_api::types::{self, ErrorCode};
use model::{
    AccountId, CallingName, Country, E164Number, NumberType, PhoneNumber, ProductType, UnixMillis,
};
use store::{Tx, TypedTx as _};

use super::owned::Owned;
use super::{ItemError, refuse_product};
use crate::error::ApiError;
use crate::operation::name::ours;

/// One change of one number.
pub(super) enum Change {
    ProductType(ProductType),
    CallingName(String),
    Name(String),
}

impl Change {
    /// Reads the one attribute that a request changes.
    pub(super) fn parse(
        product_type: Option<types::PhoneNumberProductType>,
        calling_name: Option<Sensitive>,
        name: Option<Sensitive>,
    ) -> Result<Self, ItemError> {
        match (product_type, calling_name, name) {
            (Some(product), None, None) => Ok(Self::ProductType(ours(product.as_str()))),
            (None, Some(name), None) => Ok(Self::CallingName(name.into_exposed())),
            (None, None, Some(name)) => Ok(Self::Name(name.into_exposed())),
            (None, None, None) => Err(ItemError::new(
                ErrorCode::BadRequest,
                "nothing is changed; send one of ProductType, CallingName and Name",
            )),
            _ => Err(ItemError::new(
                ErrorCode::BadRequest,
                "several attributes are changed at once; send one of ProductType, CallingName and Name",
            )),
        }
    }

    /// Changes a number of the account; `delay` is what a calling name takes to be effective.
    pub(super) fn apply(
        self,
        tx: &mut dyn Tx,
        account: AccountId,
        number: E164Number,
        now: UnixMillis,
        delay: Duration,
    ) -> Result<Result<(), ItemError>, ApiError> {
        let Some(mut owned) = Owned::find(tx, account, number, now)? else {
            return Ok(Err(ItemError::no_such(number)));
        };
        if let Err(refused) = self.make(&mut owned, now, delay) {
            return Ok(Err(refused));
        }
        owned.phone.holding.updated = Some(owned.phone.updated().max(now));
        tx.put::<PhoneNumber>(&owned.phone)?;
        Ok(Ok(()))
    }

    fn make(self, owned: &mut Owned, now: UnixMillis, delay: Duration) -> Result<(), ItemError> {
        owned.refuse_deleted("change it")?;
        match self {
            Self::ProductType(product) if product == owned.phone.holding.product_type => {}
            Self::ProductType(product) => {
                owned.refuse_assigned(ErrorCode::Conflict, "change its ProductType")?;
                if let Some(reason) = refuse_product(owned.phone.number, product) {
                    return Err(ItemError::new(ErrorCode::BadRequest, reason));
                }
                owned.phone.holding.product_type = product;
            }
            Self::CallingName(text) => {
                let effective = UnixMillis(
                    now.0.saturating_add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
                );
                set_calling_name(&mut owned.phone, text, now, effective)?;
            }
            Self::Name(name) => {
                owned.phone.holding.name = Some(name).filter(|it| !it.is_empty());
            }
        }
        Ok(())
    }
}

/// Sets or, when the text is empty, clears the calling name.
fn set_calling_name(
    phone: &mut PhoneNumber,
    text: String,
    now: UnixMillis,
    effective: UnixMillis,
) -> Result<(), ItemError> {
    let number = phone.number;
    if number.number_type() == NumberType::TollFree || number.country() != Some(Country::US) {
        return Err(ItemError::new(
            ErrorCode::BadRequest,
            format!(
                "{number} can have no CallingName; only local numbers of the United States have one"
            ),
        ));
    }
    if let Some(pending) = phone.holding.calling_name.as_ref().filter(|it| it.effective > now) {
        return Err(ItemError::new(
            ErrorCode::Conflict,
            format!(
                "the CallingName of {number} is being updated until {}; change it after that",
                pending.effective
            ),
        ));
    }
    phone.holding.calling_name =
        Some(CallingName { text, effective }).filter(|it| !it.text.is_empty());
    Ok(())
}
