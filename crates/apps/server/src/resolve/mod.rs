//! Where named hosts are: carriers' and those of origination routes, asked for in the background,
//! again before each answer expires, and remembered while name servers are away.

mod dns;
mod locate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use call::directory::Resolved;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::projection::{Named, Projection};
pub(crate) use dns::Dns;
pub(crate) use locate::Families;
use locate::{Fault, Located, locate};

/// An answer is asked for again when this share of its life is over, so that the next one is there
/// before it ends.
const LIFE_SHARE: f64 = 0.9;
/// Answers are not asked for more often, however short their life.
const REFRESH_MIN: Duration = Duration::from_secs(5);
/// How soon a host without an answer is asked for again, at first and in the end.
const RETRY_MIN: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Questions under way at once.
const QUESTIONS_MAX: usize = 16;

/// Keeps the places of named hosts fresh, for as long as it is polled.
pub(crate) struct Resolver {
    projection: Arc<Projection>,
    dns: Arc<Dns>,
    families: Families,
    /// How long the last good answer outlives its name servers.
    stale_max: Duration,
    known: BTreeMap<Named, Known>,
}

/// What is known of one host.
#[derive(Debug, Clone)]
struct Known {
    ask_at: Instant,
    /// When the last good answer came.
    good: Option<Instant>,
    failures: u32,
}

impl Resolver {
    pub(crate) fn new(
        projection: Arc<Projection>,
        dns: Dns,
        families: Families,
        stale_max: Duration,
    ) -> Self {
        Self { projection, dns: Arc::new(dns), families, stale_max, known: BTreeMap::new() }
    }

    /// Asks, and waits until there is something to ask again.
    pub(crate) async fn run(mut self) {
        loop {
            let now = Instant::now();
            let named = self.projection.named();
            self.known.retain(|host, _| named.contains(host));
            for host in named {
                let at_once = Known { ask_at: now, good: None, failures: 0 };
                self.known.entry(host).or_insert(at_once);
            }
            self.ask_all_due(now).await;
            let wake_at = self.known.values().map(|it| it.ask_at).min();
            let asked = self.projection.unresolved();
            match wake_at {
                // Either way it is time to look.
                Some(at) => _ = tokio::time::timeout_at(at.into(), asked).await,
                None => asked.await,
            }
        }
    }

    async fn ask_all_due(&mut self, now: Instant) {
        let mut due: Vec<Named> = self
            .known
            .iter()
            .filter(|(_, known)| known.ask_at <= now)
            .map(|(host, _)| host.clone())
            .collect();
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < QUESTIONS_MAX
                && let Some(host) = due.pop()
            {
                let (dns, families) = (Arc::clone(&self.dns), self.families);
                asking.spawn(async move {
                    let located = locate(&*dns, Instant::now(), &host.place, families).await;
                    (host, located)
                });
            }
            match asking.join_next().await {
                Some(Ok((host, located))) => self.take(Instant::now(), host, located),
                // A question that panicked is asked again with the next turn.
                Some(Err(error)) => warn!(%error, "a question to the name servers came to nothing"),
                None => return,
            }
        }
    }

    fn take(&mut self, now: Instant, host: Named, located: Result<Located, Fault>) {
        let Some(known) = self.known.get_mut(&host) else { return };
        match located {
            Ok(Located { hops, until }) if !hops.is_empty() => {
                if known.failures > 0 {
                    info!(host = host.place.host(), "the host resolves again");
                }
                let life = until.saturating_duration_since(now).mul_f64(LIFE_SHARE);
                *known =
                    Known { ask_at: now + life.max(REFRESH_MIN), good: Some(now), failures: 0 };
                debug!(host = host.place.host(), ?hops, ?life, "host resolved");
                self.projection.resolved(&host, Resolved::new(hops));
            }
            Ok(_) => self.miss(now, &host, "it has no address that sip.listen's family reaches"),
            Err(fault) => self.miss(now, &host, &fault.to_string()),
        }
    }

    /// The last known places stay for a while: calls go on while name servers are away.
    fn miss(&mut self, now: Instant, host: &Named, why: &str) {
        let Some(known) = self.known.get_mut(host) else { return };
        let wait = RETRY_MIN.saturating_mul(1 << known.failures.min(8)).min(RETRY_MAX);
        known.ask_at = now + wait;
        known.failures += 1;
        let is_news = known.failures == 1;
        let stale = known.good.map(|at| now.saturating_duration_since(at));
        if stale.is_some_and(|it| it > self.stale_max) {
            known.good = None;
            warn!(host = host.place.host(), "the last answer for the host is too old to go by");
            self.projection.resolved(host, Resolved::default());
        } else if is_news {
            warn!(host = host.place.host(), user = %host.user, why, "host does not resolve; \
                check its name, or sip.dns.servers");
        }
    }
}
