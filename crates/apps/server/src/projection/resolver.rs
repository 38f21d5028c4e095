//! Asks for the addresses of carriers, in the background and again from time to time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use call::directory::Resolved;
use tracing::{debug, warn};

use super::Projection;

/// How long an answer is believed. The system's resolver does not tell a name's time to live.
const REFRESH: Duration = Duration::from_secs(60);
/// How soon a name that did not resolve is asked for again.
const RETRY: Duration = Duration::from_secs(5);

/// Keeps the addresses of named carriers fresh, for as long as it is polled. `ours` is where SIP is
/// spoken: an address of the other family could not be reached from there.
pub(crate) async fn run(projection: Arc<Projection>, ours: SocketAddr) {
    loop {
        let wait = match resolve_all(&projection, ours).await {
            Outcome::AllKnown => REFRESH,
            Outcome::SomeUnknown => RETRY,
        };
        // Either way it is time to ask.
        let _ = tokio::time::timeout(wait, projection.unresolved()).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    AllKnown,
    SomeUnknown,
}

async fn resolve_all(projection: &Projection, ours: SocketAddr) -> Outcome {
    let mut outcome = resolve_places(projection, ours).await;
    for (name, host, port) in projection.named_carriers() {
        match tokio::net::lookup_host((host.as_str(), port)).await {
            Ok(found) => {
                let addresses =
                    ordered(found.filter(|it| it.is_ipv4() == ours.is_ipv4()).collect());
                if addresses.is_empty() {
                    warn!(carrier = %name, %host, listen = %ours, "carrier name has no address of \
                        the family that sip.listen speaks");
                }
                debug!(carrier = %name, %host, ?addresses, "carrier resolved");
                projection.carrier_resolved(&name, &host, addresses);
            }
            // The last known addresses stay: calls go on while a name server is away.
            Err(error) => {
                warn!(carrier = %name, %host, %error, "carrier name does not resolve; \
                    check the host with `trunkline carrier show`");
                outcome = Outcome::SomeUnknown;
            }
        }
    }
    outcome
}

/// The hosts that origination routes name.
async fn resolve_places(projection: &Projection, ours: SocketAddr) -> Outcome {
    let mut outcome = Outcome::AllKnown;
    for place in projection.places() {
        match tokio::net::lookup_host((place.host(), place.port())).await {
            Ok(found) => {
                let found = found.filter(|it| it.is_ipv4() == ours.is_ipv4()).collect();
                let resolved = Resolved::by(place.transport(), ordered(found));
                debug!(host = place.host(), ?resolved, "origination host resolved");
                projection.place_resolved(&place, resolved);
            }
            // The last known addresses stay, as those of carriers do.
            Err(error) => {
                warn!(host = place.host(), %error, "an origination route's host does not \
                    resolve; check it with GetVoiceConnectorOrigination");
                outcome = Outcome::SomeUnknown;
            }
        }
    }
    outcome
}

/// Each address once, in a stable order, so that a shuffled answer is no change.
fn ordered(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffled_answer_is_the_same_answer() {
        let read = |it: &str| it.parse().unwrap();
        let one = ordered(vec![
            read("192.0.2.2:5060"),
            read("[2001:db8::1]:5060"),
            read("192.0.2.1:5060"),
        ]);
        let other = ordered(vec![
            read("[2001:db8::1]:5060"),
            read("192.0.2.1:5060"),
            read("192.0.2.2:5060"),
        ]);
        assert_eq!(one, other);
        assert_eq!(one[0], read("192.0.2.1:5060"));
    }
}
