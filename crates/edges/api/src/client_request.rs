//! Requests that carry a `ClientRequestToken`: repeated, they give what the first one made.

use aws_lc_rs::digest;
use chime_api::Operation;
use model::{AccountId, ClientRequest, Resource as _, UnixMillis};
use store::{StoreError, Tx, TypedTx as _, TypedView as _};

use crate::error::{ApiError, ErrorKind};
use crate::sweep::sweep;

/// A request that may be a repetition.
#[derive(Debug)]
pub(crate) struct Repeatable {
    operation: Operation,
    /// The client's token; without one, every request is new.
    token: Option<String>,
    fingerprint: String,
}

impl Repeatable {
    /// A request of `operation` that asks for `asked`, all of it.
    pub(crate) fn new(operation: Operation, token: Option<String>, asked: &[&str]) -> Self {
        let whole = digest::digest(&digest::SHA256, format!("{asked:?}").as_bytes());
        Self {
            operation,
            token: token.filter(|it| !it.is_empty()),
            fingerprint: whole.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// The key of what the first request with this token made; `None` if this is the first.
    ///
    /// # Errors
    /// A conflict if the first one asked for something else.
    pub(crate) fn made(
        &self,
        tx: &dyn Tx,
        account: AccountId,
        now: UnixMillis,
    ) -> Result<Option<String>, ApiError> {
        let Some(token) = &self.token else { return Ok(None) };
        let key = ClientRequest::key_of(self.operation.name(), token);
        let Some(first) = tx.get::<ClientRequest>(&account, &key)? else { return Ok(None) };
        if is_forgotten(&first, now) {
            return Ok(None);
        }
        if first.fingerprint != self.fingerprint {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                format!(
                    "ClientRequestToken: another {} with the token '{token}' asked for something else; choose a \
                     new token, or repeat the request unchanged",
                    self.operation
                ),
            ));
        }
        Ok(Some(first.made))
    }

    /// Remembers what this request made, and forgets some tokens whose time is over.
    pub(crate) fn remember(
        self,
        tx: &mut dyn Tx,
        account: AccountId,
        made: String,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let Some(token) = self.token else { return Ok(()) };
        let request = ClientRequest {
            account,
            operation: self.operation.name().into(),
            token,
            fingerprint: self.fingerprint,
            made,
            at: now,
        };
        sweep::<ClientRequest>(tx, account, &request.key(), |old| is_forgotten(old, now))?;
        tx.put(&request)
    }
}

fn is_forgotten(request: &ClientRequest, now: UnixMillis) -> bool {
    now.since(request.at) >= ClientRequest::LIFETIME_MS
}
