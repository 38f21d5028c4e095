//! Removing what has expired, a little with each new thing, so that it does not pile up.

use model::{AccountId, Resource};
use store::{Page, StoreError, Tx, TypedTx as _, TypedView as _};

/// Resources looked at for each new one. More than one, so that expired ones become fewer.
const LOOKED_AT: usize = 32;

/// Deletes an account's expired resources among a few, beginning after a key and going round.
///
/// The keys of new things are random or the client's own, so that each place has its turn.
pub(crate) fn sweep<T: Resource>(
    tx: &mut dyn Tx,
    account: AccountId,
    after: &str,
    is_expired: impl Fn(&T) -> bool,
) -> Result<(), StoreError> {
    let mut looked_at = tx.list::<T>(&account, Page::after(after, LOOKED_AT))?.items;
    let left = LOOKED_AT - looked_at.len();
    if left > 0 {
        looked_at.extend(tx.list::<T>(&account, Page::first(left))?.items);
    }
    for resource in looked_at.iter().filter(|it| is_expired(it)) {
        tx.delete::<T>(&account, &resource.key())?;
    }
    Ok(())
}
