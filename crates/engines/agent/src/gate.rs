//! The digest check before an agent answers a call.

use std::time::Instant;

use model::UnixMillis;
use sip_core::Replies;
use sip_core::digest::{Guard, GuardConfig, Stale, Verdict};
use sip_message::{Message, Name, Status};

use crate::config::Gate;

/// A guard and the users it knows.
#[derive(Debug)]
pub(crate) struct GateKeeper {
    gate: Gate,
    guard: Guard,
    /// Nonces want a calendar; one that begins with the first call will do for an agent.
    epoch: Option<Instant>,
}

/// Whether a call may come in.
pub(crate) enum Admission {
    Pass,
    /// The whole response to send instead, and its status.
    Refused(Status, Vec<u8>),
}

impl GateKeeper {
    pub(crate) fn new(gate: Gate, secret: [u8; 16]) -> Self {
        let config = GuardConfig {
            algorithms: gate.algorithms.clone(),
            nonce_lifetime: gate.nonce_lifetime,
            ..GuardConfig::new(secret, 1)
        };
        Self { guard: Guard::new(config), gate, epoch: None }
    }

    pub(crate) fn check(
        &mut self,
        now: Instant,
        invite: &Message<'_>,
        replies: &Replies,
        tag: &str,
    ) -> Admission {
        let since = now.saturating_duration_since(*self.epoch.get_or_insert(now));
        let now = UnixMillis(since.as_millis() as u64);
        let Gate { realm, users, .. } = &self.gate;
        let verdict = self.guard.check(now, invite, Name::ProxyAuthorization, realm, |name| {
            users.iter().find(|(user, _)| user == name).map(|(_, keys)| keys)
        });
        let stale = match verdict {
            Verdict::Pass(_) => return Admission::Pass,
            Verdict::Challenge(stale) => stale,
            Verdict::Refuse(_) => {
                let status = Status::FORBIDDEN;
                return Admission::Refused(status, replies.bare(status, status.reason(), tag));
            }
        };
        Admission::Refused(
            Status::PROXY_AUTHENTICATION_REQUIRED,
            self.challenge(now, stale, replies, tag),
        )
    }

    fn challenge(
        &mut self,
        now: UnixMillis,
        stale: Stale,
        replies: &Replies,
        tag: &str,
    ) -> Vec<u8> {
        let status = Status::PROXY_AUTHENTICATION_REQUIRED;
        let mut bytes = Vec::with_capacity(1024);
        let mut writer = replies.start(&mut bytes, status, status.reason(), tag);
        for challenge in self.guard.challenges(now, &self.gate.realm, stale) {
            writer.header(Name::ProxyAuthenticate, challenge);
        }
        writer.finish();
        bytes
    }
}
