//! Fulfilment: takes the numbers of accepted orders out of the inventory.
//!
//! An order is fulfilled in one transaction, so that of two orders for one number one wins and the
//! other one fails, and an order that a crash left waiting is fulfilled at the next start.

use std::sync::Arc;
use std::time::Duration;

use model::{
    AccountId, Holding, OrderStatus, OrderedStatus, PhoneNumber, PhoneNumberOrder,
    PhoneNumberOrderId, UnixMillis,
};
use store::{Store, StoreError, Tx, TypedTx as _, TypedView as _};

use crate::clock::Clock;
use crate::operation::phone_number::count_owned;
use crate::quota::QuotaBook;

/// How often a transaction is tried that the store cannot take.
const TRIES_MAX: u32 = 60;
/// Time between the tries.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// What fulfilment needs.
#[derive(Clone)]
pub(crate) struct Fulfilment {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    /// How many numbers each account may have.
    pub(crate) quotas: Arc<QuotaBook>,
}

impl Fulfilment {
    /// Begins to fulfil an order; does not wait for it.
    pub(crate) fn begin(self, account: AccountId, id: PhoneNumberOrderId) {
        tokio::spawn(async move { self.run(account, id).await });
    }

    /// Begins to fulfil every order that waits.
    pub(crate) async fn resume(self) -> Result<(), StoreError> {
        let waiting = self
            .store
            .read(|view| {
                let mut waiting = Vec::new();
                view.owned(|order: PhoneNumberOrder| waiting.push((order.account, order.id)))?;
                Ok(waiting)
            })
            .await?;
        for (account, id) in waiting {
            self.clone().begin(account, id);
        }
        Ok(())
    }

    /// Fulfils an order, waiting out a store that is away for a while.
    async fn run(self, account: AccountId, id: PhoneNumberOrderId) {
        for _ in 0..TRIES_MAX {
            let (now, quota) = (self.clock.now(), self.quotas.of(account).phone_numbers);
            let done = self.store.write(move |tx| fulfil(tx, account, id, quota, now)).await;
            match done.map_err(store::WriteError::into_inner) {
                Ok(()) => return,
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(TRY_EVERY).await,
                Err(error) => {
                    tracing::error!(%account, order = %id, %error, "a phone number order waits");
                    return;
                }
            }
        }
        tracing::error!(%account, order = %id, "a phone number order waits: the store is away");
    }
}

/// Decides each number of an order that waits; any other order stays as it is.
fn fulfil(
    tx: &mut dyn Tx,
    account: AccountId,
    id: PhoneNumberOrderId,
    quota: u64,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let found = tx.get::<PhoneNumberOrder>(&account, &id.to_string())?;
    let Some(mut order) = found.filter(|it| it.status == OrderStatus::Processing) else {
        return Ok(());
    };
    let mut count = count_owned(tx, account, quota)?;
    for ordered in &mut order.numbers {
        let key = ordered.number.to_string();
        let stored = tx.get::<PhoneNumber>(&AccountId::DEFAULT, &key)?;
        let free = stored.map(|it| it.at(now)).filter(|it| it.owner.is_none());
        let Some(mut phone) = free.filter(|_| count < quota) else {
            ordered.status = OrderedStatus::Failed;
            continue;
        };
        phone.owner = Some(account);
        phone.holding = Holding {
            product_type: order.product_type,
            name: order.name.clone(),
            order: Some(order.id),
            acquired: Some(now),
            ..Holding::default()
        };
        tx.put(&phone)?;
        count += 1;
        ordered.status = OrderedStatus::Acquired;
    }
    order.finish(now);
    tx.put(&order)
}
