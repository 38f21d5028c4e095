//! Associations: which connector or group a number's calls belong to.
//!
//! A number belongs to one connector or one group at a time. Each number of a request stands for
//! itself: those that cannot be done are told with their reasons, the others are done.

pub(super) mod associate;
pub(super) mod associate_group;
pub(super) mod disassociate;
pub(super) mod disassociate_group;

use chime_api::Sensitive;
use chime_api::types::{ErrorCode, PhoneNumberError};
use model::{
    AccountId, AssociationTarget, E164Number, PhoneNumberAssociation, ProductType, Resource as _,
    UnixMillis,
};
use store::{Tx, TypedTx as _, TypedView as _};

use super::phone_number::{ItemError, find_owned, parse_number};
use crate::error::ApiError;

/// What becomes of an association that a number has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Earlier {
    /// It stays, and the number is passed over.
    Stays,
    /// It goes: `ForceAssociate`.
    Goes,
}

impl Earlier {
    fn of(force_associate: Option<bool>) -> Self {
        if force_associate == Some(true) { Self::Goes } else { Self::Stays }
    }
}

/// Reads the numbers of a request: at least one.
fn parse_numbers(wire: &[Sensitive]) -> Result<Vec<E164Number>, ApiError> {
    if wire.is_empty() {
        return Err(ApiError::bad_request(
            "E164PhoneNumbers is empty; name at least one number, such as +12065550100",
        ));
    }
    let parse = |(at, text): (usize, &Sensitive)| {
        parse_number(&format!("E164PhoneNumbers[{at}]"), text.expose())
    };
    wire.iter().enumerate().map(parse).collect()
}

/// Gives numbers to a connector or group that exists; tells those that cannot be given.
fn give(
    tx: &mut dyn Tx,
    account: AccountId,
    target: &AssociationTarget,
    numbers: &[E164Number],
    earlier: Earlier,
    now: UnixMillis,
) -> Result<Vec<PhoneNumberError>, ApiError> {
    let mut errors = Vec::new();
    for number in numbers {
        if let Err(error) = give_one(tx, account, target, *number, earlier, now)? {
            errors.push(error.to_wire(*number));
        }
    }
    Ok(errors)
}

fn give_one(
    tx: &mut dyn Tx,
    account: AccountId,
    target: &AssociationTarget,
    number: E164Number,
    earlier: Earlier,
    now: UnixMillis,
) -> Result<Result<(), ItemError>, ApiError> {
    let Some(phone) = find_owned(tx, account, number, now)? else {
        return Ok(Err(ItemError::no_such(number)));
    };
    if phone.holding.deleted.is_some() {
        return Ok(Err(ItemError::new(
            ErrorCode::PreconditionFailed,
            format!("{number} is in the deletion queue; restore it first (RestorePhoneNumber)"),
        )));
    }
    if phone.holding.product_type != ProductType::VoiceConnector {
        return Ok(Err(ItemError::new(
            ErrorCode::BadRequest,
            format!(
                "{number} has the ProductType SipMediaApplicationDialIn, and only numbers of the ProductType \
                 VoiceConnector can be associated; change it first (UpdatePhoneNumber)"
            ),
        )));
    }
    match tx.get::<PhoneNumberAssociation>(&account, &number.to_string())? {
        Some(known) if known.target == *target => return Ok(Ok(())),
        Some(known) if earlier == Earlier::Stays => {
            return Ok(Err(ItemError::new(
                ErrorCode::PhoneNumberAssociationsExist,
                format!(
                    "{number} belongs to {}; disassociate it first, or send ForceAssociate to move it",
                    describe(&known.target)
                ),
            )));
        }
        Some(_) | None => {}
    }
    let target = target.clone();
    tx.put(&PhoneNumberAssociation { account, number, target, associated: now })?;
    Ok(Ok(()))
}

/// Takes numbers from a connector or group; tells those that did not belong to it.
fn take(
    tx: &mut dyn Tx,
    account: AccountId,
    target: &AssociationTarget,
    numbers: &[E164Number],
    now: UnixMillis,
) -> Result<Vec<PhoneNumberError>, ApiError> {
    let mut errors = Vec::new();
    for number in numbers {
        let known = tx.get::<PhoneNumberAssociation>(&account, &number.to_string())?;
        let error = match known {
            Some(known) if known.target == *target => {
                tx.delete::<PhoneNumberAssociation>(&account, &known.key())?;
                continue;
            }
            _ if find_owned(tx, account, *number, now)?.is_none() => ItemError::no_such(*number),
            Some(known) => ItemError::new(
                ErrorCode::NotFound,
                format!(
                    "{number} belongs to {}, not to {}",
                    describe(&known.target),
                    describe(target)
                ),
            ),
            None => ItemError::new(
                ErrorCode::NotFound,
                format!("{number} is not associated with {}", describe(target)),
            ),
        };
        errors.push(error.to_wire(*number));
    }
    Ok(errors)
}

/// A connector or group in the words of a message.
pub(crate) fn describe(target: &AssociationTarget) -> String {
    match target {
        AssociationTarget::Connector(id) => format!("VoiceConnector '{id}'"),
        AssociationTarget::Group(id) => format!("VoiceConnectorGroup '{id}'"),
    }
}
