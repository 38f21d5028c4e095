//! What makes a rule take a call, and whether the account may have it.

use chime_api::types::SipRuleTriggerType;
use model::{
    AccountId, E164Number, PhoneNumber, ProductType, SipTrigger, SipTriggerClaim, UnixMillis,
    VoiceConnector,
};
use store::{Tx, TypedView as _};

use crate::error::{ApiError, ErrorKind};

/// Reads a trigger of a request.
pub(super) fn parse(kind: SipRuleTriggerType, value: &str) -> Result<SipTrigger, ApiError> {
    match kind {
        SipRuleTriggerType::ToPhoneNumber => E164Number::parse(value)
            .map(SipTrigger::ToPhoneNumber)
            .map_err(|refused| ApiError::bad_value("TriggerValue", &refused)),
        SipRuleTriggerType::RequestUriHostname => {
            Ok(SipTrigger::RequestUriHostname(value.to_ascii_lowercase()))
        }
    }
}

/// Refuses a trigger that is not the account's.
pub(super) fn check_owned(
    tx: &dyn Tx,
    account: AccountId,
    trigger: &SipTrigger,
    now: UnixMillis,
) -> Result<(), ApiError> {
    match trigger {
        SipTrigger::ToPhoneNumber(number) => check_number(tx, account, *number, now),
        SipTrigger::RequestUriHostname(host) => check_host(tx, account, host),
    }
}

/// Refuses a trigger that a rule has.
pub(super) fn check_free(
    tx: &dyn Tx,
    account: AccountId,
    trigger: &SipTrigger,
) -> Result<(), ApiError> {
    let key = SipTriggerClaim::key_of(trigger);
    match tx.get::<SipTriggerClaim>(&account, &key)? {
        None => Ok(()),
        Some(claim) => Err(ApiError::new(
            ErrorKind::Conflict,
            format!(
                "TriggerValue: '{trigger}' is the trigger of SipRule '{}', and each is in one rule at most; \
                 update that rule, or delete it first (DeleteSipRule)",
                claim.rule
            ),
        )),
    }
}

fn check_number(
    tx: &dyn Tx,
    account: AccountId,
    number: E164Number,
    now: UnixMillis,
) -> Result<(), ApiError> {
    let found = tx.get::<PhoneNumber>(&AccountId::DEFAULT, &number.to_string())?;
    let found = found.map(|it| it.at(now)).filter(|it| it.usable_by() == Some(account));
    let Some(found) = found else {
        return Err(ApiError::bad_request(format!(
            "TriggerValue: {number} is not a phone number of this account; name one that ListPhoneNumbers tells"
        )));
    };
    match found.holding.product_type {
        ProductType::SipMediaApplicationDialIn => Ok(()),
        ProductType::VoiceConnector => Err(ApiError::bad_request(format!(
            "TriggerValue: {number} has the product type VoiceConnector; give it SipMediaApplicationDialIn first \
             (UpdatePhoneNumber)"
        ))),
    }
}

fn check_host(tx: &dyn Tx, account: AccountId, host: &str) -> Result<(), ApiError> {
    let id = host.split('.').next().unwrap_or_default();
    let connector = tx.get::<VoiceConnector>(&account, id)?;
    if connector.is_some_and(|it| it.outbound_host_name.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let shown: String = host.chars().take(80).collect();
    Err(ApiError::bad_request(format!(
        "TriggerValue: '{shown}' is not the OutboundHostName of a VoiceConnector of this account; send it as \
         GetVoiceConnector tells it"
    )))
}
