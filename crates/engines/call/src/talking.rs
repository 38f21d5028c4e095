//! Proxy sessions whose two participants talk.

use std::collections::BTreeMap;

use model::ProxySessionId;

/// How many answered calls each session has; sessions without any are not in it.
#[derive(Debug, Default)]
pub(crate) struct Talking(BTreeMap<ProxySessionId, u32>);

impl Talking {
    /// A call of the session was answered. [`Talking::end`] counts it out.
    pub(crate) fn begin(&mut self, session: ProxySessionId) {
        *self.0.entry(session).or_default() += 1;
    }

    /// An answered call of the session is over.
    pub(crate) fn end(&mut self, session: ProxySessionId) {
        let Some(calls) = self.0.get_mut(&session) else { return };
        *calls -= 1;
        if *calls == 0 {
            self.0.remove(&session);
        }
    }

    /// The sessions, in the order of their identifiers.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = ProxySessionId> {
        self.0.keys().copied()
    }
}
