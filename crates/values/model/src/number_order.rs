//! Orders of phone numbers from the inventory.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{AccountId, E164Number, Kind, PhoneNumberOrderId, ProductType, Resource, UnixMillis};

/// An order, which is fulfilled after it was accepted: number by number, each acquired or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumberOrder {
    /// Its identifier.
    pub id: PhoneNumberOrderId,
    /// Who ordered.
    pub account: AccountId,
    /// What the numbers are for.
    pub product_type: ProductType,
    /// The name that each number gets.
    pub name: Option<String>,
    /// Where it stands.
    pub status: OrderStatus,
    /// The numbers in the order they were named, none twice, never empty.
    pub numbers: Vec<OrderedNumber>,
    /// When it was made.
    pub created: UnixMillis,
    /// When it last changed.
    pub updated: UnixMillis,
}

impl PhoneNumberOrder {
    /// The parent key of orders that wait to be fulfilled; finished ones have none.
    pub const WAITING: &'static str = "processing";

    /// Ends an order whose numbers have all been decided.
    pub fn finish(&mut self, now: UnixMillis) {
        let acquired = |it: &OrderedNumber| it.status == OrderedStatus::Acquired;
        self.status = if self.numbers.iter().all(acquired) {
            OrderStatus::Successful
        } else if self.numbers.iter().any(acquired) {
            OrderStatus::Partial
        } else {
            OrderStatus::Failed
        };
        self.updated = self.updated.max(now);
    }
}

named! {
    /// The API's `PhoneNumberOrderStatus`, without the states of porting, which is the operator's
    /// business with his carriers.
    OrderStatus {
        /// Accepted, not yet decided.
        Processing = "Processing",
        /// All numbers were acquired.
        Successful = "Successful",
        /// Some were.
        Partial = "Partial",
        /// None was.
        Failed = "Failed",
    }
}

/// One number of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedNumber {
    /// The number.
    pub number: E164Number,
    /// What became of it.
    pub status: OrderedStatus,
}

named! {
    /// The API's `OrderedPhoneNumberStatus`.
    OrderedStatus {
        /// Not yet decided.
        Processing = "Processing",
        /// It is the account's.
        Acquired = "Acquired",
        /// It is not in the inventory, somebody else has it, or the account may have no more.
        Failed = "Failed",
    }
}

impl Resource for PhoneNumberOrder {
    const KIND: Kind = Kind::PhoneNumberOrder;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn parent(&self) -> String {
        match self.status {
            OrderStatus::Processing => Self::WAITING.into(),
            OrderStatus::Successful | OrderStatus::Partial | OrderStatus::Failed => String::new(),
        }
    }
}
