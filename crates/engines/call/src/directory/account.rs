//! What the operator set for an account as a whole.

use model::{AccountQuotas, Quota};

/// Limits on an account's calls; `None` where the engine's own configuration decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountLimits {
    /// Calls open at once: the quota "Concurrent Voice Connector calls". 0 lets no call in.
    pub calls_max: Option<u32>,
    /// Calls per second over all connectors: the quota "Calls per second per account". 0 lets no call
    /// in.
    pub calls_per_second_max: Option<u32>,
}

impl AccountLimits {
    pub(super) fn of(quotas: &AccountQuotas) -> Self {
        let value = |quota| {
            let value = quotas.values.get(&quota)?;
            Some(u32::try_from(*value).unwrap_or(u32::MAX))
        };
        Self {
            calls_max: value(Quota::ConcurrentCalls),
            calls_per_second_max: value(Quota::CallsPerSecond),
        }
    }
}
