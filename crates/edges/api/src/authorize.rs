//! From a caller to a permission, before anything is read.

use chime_api::{Effect, ErrorShape, Operation};
use model::{AccountId, KeyPolicy};

use crate::authenticate::Caller;
use crate::error::{ApiError, ErrorKind};

/// Proof that a caller may do what it asks, in its own account. [`Caller::authorize`] is the only
/// maker; operations take it by value.
#[derive(Debug)]
pub(crate) struct Permit {
    account: AccountId,
}

impl Permit {
    /// Whose resources may be touched.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }
}

/// Proof that a caller may use the operator API. [`Caller::authorize_operator`] is the only maker.
#[derive(Debug)]
pub(crate) struct OperatorPermit {
    account: AccountId,
}

impl OperatorPermit {
    /// The operator's own account.
    pub(crate) fn account(&self) -> AccountId {
        self.account
    }
}

impl Caller {
    /// Permits an operation, or refuses it with an error that the operation declares.
    pub(crate) fn authorize(&self, operation: Operation) -> Result<Permit, ApiError> {
        let spec = operation.spec();
        match (self.policy(), spec.effect) {
            (KeyPolicy::Full, _) | (KeyPolicy::ReadOnly, Effect::Read) => {
                Ok(Permit { account: self.account() })
            }
            (KeyPolicy::ReadOnly, Effect::Idempotent | Effect::Once) => {
                let kind = if spec.declares(ErrorShape::ForbiddenException) {
                    ErrorKind::Forbidden
                } else {
                    ErrorKind::AccessDenied
                };
                Err(ApiError::new(
                    kind,
                    format!(
                        "the access key '{}' is read-only and {operation} changes something; use a key with \
                         the policy full (`trunkline key create`)",
                        self.key_id()
                    ),
                ))
            }
        }
    }

    /// Permits the operator API: to full keys of the operator's account, since it reaches into
    /// every account.
    pub(crate) fn authorize_operator(&self) -> Result<OperatorPermit, ApiError> {
        let refuse = |reason: String| {
            Err(ApiError::new(
                ErrorKind::Forbidden,
                format!(
                    "the operator API wants a key with the policy full of the operator's account {}, but \
                     the access key '{}' {reason}",
                    AccountId::DEFAULT,
                    self.key_id()
                ),
            ))
        };
        match self.policy() {
            KeyPolicy::ReadOnly => refuse("is read-only".into()),
            KeyPolicy::Full if self.account() != AccountId::DEFAULT => {
                refuse(format!("is of the account {}", self.account()))
            }
            KeyPolicy::Full => Ok(OperatorPermit { account: self.account() }),
        }
    }
}
