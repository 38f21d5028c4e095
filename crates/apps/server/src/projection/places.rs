//! The hosts that origination routes name, and where they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use call::directory::{Change, Connector, Place, Resolved};
use model::{CarrierTls, VoiceConnectorId};
use sip_message::Transport;

use crate::tls::TlsPeers;

/// Every host name that a route names, once.
pub(super) struct Places {
    peers: Arc<TlsPeers>,
    /// What each connector's routes name.
    named: BTreeMap<VoiceConnectorId, Vec<Place>>,
    /// How many connectors name a place, and whether it was ever found.
    wanted: BTreeMap<Place, Wanted>,
}

#[derive(Debug, Default)]
struct Wanted {
    connectors: usize,
    resolved: Option<Resolved>,
}

impl Places {
    pub(super) fn new(peers: Arc<TlsPeers>) -> Self {
        Self { peers, named: BTreeMap::new(), wanted: BTreeMap::new() }
    }

    /// Notes what a connector's routes name now; `None` if there is no such connector. Returns the
    /// changes to the directory.
    pub(super) fn put(
        &mut self,
        id: &VoiceConnectorId,
        connector: Option<&Connector>,
    ) -> Vec<Change> {
        let now = connector.map(places_of).unwrap_or_default();
        for place in &now {
            self.wanted.entry(place.clone()).or_default().connectors += 1;
        }
        let before = match now.is_empty() {
            true => self.named.remove(id),
            false => self.named.insert(id.clone(), now),
        };
        let mut changes = Vec::new();
        for place in before.into_iter().flatten() {
            let Some(wanted) = self.wanted.get_mut(&place) else { continue };
            wanted.connectors -= 1;
            if wanted.connectors == 0 {
                self.wanted.remove(&place);
                changes.push(Change::DeletePlace(place));
            }
        }
        changes
    }

    /// Notes where a place is; the change to the directory, if it is one.
    pub(super) fn resolved(&mut self, place: &Place, resolved: Resolved) -> Option<Change> {
        let wanted = self.wanted.get_mut(place)?;
        let resolved = match place.transport() {
            // Over TLS, a route's host is whom its name says, not whoever is found there.
            Transport::Tls => {
                resolved.with_peer(self.peers.peer(place.host(), &CarrierTls::default()))
            }
            Transport::Udp | Transport::Tcp => resolved,
        };
        if wanted.resolved.as_ref() == Some(&resolved) {
            return None;
        }
        wanted.resolved = Some(resolved.clone());
        Some(Change::PutPlace { place: place.clone(), resolved })
    }

    /// Every place, in order.
    pub(super) fn all(&self) -> Vec<Place> {
        self.wanted.keys().cloned().collect()
    }

    /// Whether some place was not found yet.
    pub(super) fn has_unresolved(&self) -> bool {
        self.wanted.values().any(|it| it.resolved.as_ref().is_none_or(Resolved::is_empty))
    }
}

/// The host names in a connector's routes, each once.
fn places_of(connector: &Connector) -> Vec<Place> {
    let routes = connector.origination().map_or(&[][..], |it| &it.routes);
    let mut places: Vec<Place> = routes
        .iter()
        .map(|route| connector.place(route))
        .filter(|place| place.literal().is_none())
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}
