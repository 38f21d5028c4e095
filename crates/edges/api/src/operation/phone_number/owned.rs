//! A number that an account has, with what it belongs to.

use chime_api::types::{
    self, CallingNameStatus, ErrorCode, PhoneNumberAssociationName, PhoneNumberStatus,
};
use chime_api::{Sensitive, phone_number_id};
use model::{
    AccountId, Arn, AssociationTarget, Country, E164Number, PhoneNumber, PhoneNumberAssociation,
    Region, SipRule, SipTriggerClaim, UnixMillis,
};
use store::{StoreError, TypedView as _, View};

use super::{ItemError, find_owned};
use crate::operation::association::describe;
use crate::operation::name::theirs;
use crate::operator::dto::timestamp;

/// A number and what it belongs to.
pub(super) struct Owned {
    pub(super) phone: PhoneNumber,
    association: Option<PhoneNumberAssociation>,
    /// The enabled SIP rule that takes its calls.
    rule: Option<SipRule>,
}

impl Owned {
    /// Finds a number that the account has at `now`.
    pub(super) fn find<V: View + ?Sized>(
        view: &V,
        account: AccountId,
        number: E164Number,
        now: UnixMillis,
    ) -> Result<Option<Self>, StoreError> {
        let Some(phone) = find_owned(view, account, number, now)? else { return Ok(None) };
        let key = number.to_string();
        let association = view.get::<PhoneNumberAssociation>(&account, &key)?;
        let claim = view.get::<SipTriggerClaim>(&account, &key)?;
        let rule = match claim {
            Some(claim) => view.get::<SipRule>(&account, &claim.rule.to_string())?,
            None => None,
        };
        Ok(Some(Self { phone, association, rule: rule.filter(|it| !it.disabled) }))
    }

    /// Where the number stands.
    pub(super) fn status(&self) -> PhoneNumberStatus {
        if self.phone.holding.deleted.is_some() {
            PhoneNumberStatus::DeleteInProgress
        } else if self.association.is_some() || self.rule.is_some() {
            PhoneNumberStatus::Assigned
        } else {
            PhoneNumberStatus::Unassigned
        }
    }

    /// Refuses a deed, such as "delete it", on a number that waits in the deletion queue.
    pub(super) fn refuse_deleted(&self, deed: &str) -> Result<(), ItemError> {
        if self.phone.holding.deleted.is_none() {
            return Ok(());
        }
        Err(ItemError::new(
            ErrorCode::PreconditionFailed,
            format!(
                "{} is in the deletion queue; restore it (RestorePhoneNumber) before you {deed}",
                self.phone.number
            ),
        ))
    }

    /// Refuses a deed, such as "delete it", on a number that belongs to something.
    pub(super) fn refuse_assigned(&self, code: ErrorCode, deed: &str) -> Result<(), ItemError> {
        let (what, remedy) = match (&self.association, &self.rule) {
            (Some(association), _) => (describe(&association.target), "disassociate it"),
            (None, Some(rule)) => (format!("SipRule '{}'", rule.id), "disable the rule"),
            (None, None) => return Ok(()),
        };
        Err(ItemError::new(
            code,
            format!("{} belongs to {what}; {remedy} before you {deed}", self.phone.number),
        ))
    }

    /// The number as the API tells it at `now`.
    pub(super) fn to_wire(&self, region: Region, now: UnixMillis) -> types::PhoneNumber {
        let (phone, holding) = (&self.phone, &self.phone.holding);
        let number = phone.number.to_string();
        let owner = phone.owner.expect("only numbers that the account has are found");
        let arn =
            Arn { region, account: owner, kind: Arn::PHONE_NUMBER.into(), id: number.clone() };
        let calling_name = holding.calling_name.as_ref();
        types::PhoneNumber {
            phone_number_id: Some(Sensitive::new(phone_number_id(&number))),
            phone_number_arn: Some(arn.to_string()),
            country: phone.number.country().map(|it: Country| it.to_string()),
            r#type: Some(theirs(phone.number.number_type(), types::PhoneNumberType::parse)),
            product_type: Some(theirs(holding.product_type, types::PhoneNumberProductType::parse)),
            status: Some(self.status()),
            capabilities: Some(capabilities()),
            associations: Some(self.associations()),
            calling_name: calling_name.map(|it| Sensitive::new(it.text.clone())),
            calling_name_status: Some(match calling_name {
                None => CallingNameStatus::Unassigned,
                Some(name) if name.effective > now => CallingNameStatus::UpdateInProgress,
                Some(_) => CallingNameStatus::UpdateSucceeded,
            }),
            created_timestamp: Some(timestamp(phone.acquired())),
            updated_timestamp: Some(timestamp(phone.updated())),
            deletion_timestamp: holding.deleted.map(timestamp),
            order_id: holding.order.map(|it| it.to_string()),
            name: holding.name.clone().map(Sensitive::new),
            e164_phone_number: Some(Sensitive::new(number)),
        }
    }

    fn associations(&self) -> Vec<types::PhoneNumberAssociation> {
        let told = |name, value, since| types::PhoneNumberAssociation {
            name: Some(name),
            value: Some(value),
            associated_timestamp: Some(timestamp(since)),
        };
        let association = self.association.as_ref().map(|it| match &it.target {
            AssociationTarget::Connector(id) => {
                told(PhoneNumberAssociationName::VoiceConnectorId, id.to_string(), it.associated)
            }
            AssociationTarget::Group(id) => told(
                PhoneNumberAssociationName::VoiceConnectorGroupId,
                id.to_string(),
                it.associated,
            ),
        });
        let rule = self
            .rule
            .as_ref()
            .map(|it| told(PhoneNumberAssociationName::SipRuleId, it.id.to_string(), it.created));
        association.into_iter().chain(rule).collect()
    }
}

/// What every number can do: calls. Messages are not carried.
fn capabilities() -> types::PhoneNumberCapabilities {
    types::PhoneNumberCapabilities {
        inbound_call: Some(true),
        outbound_call: Some(true),
        inbound_sms: Some(false),
        outbound_sms: Some(false),
        inbound_mms: Some(false),
        outbound_mms: Some(false),
    }
}
