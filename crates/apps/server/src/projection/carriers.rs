//! The carriers of the directory: those that were added, with the addresses their names had last,
//! and the simulated one while it has a seat.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use call::directory::{Change, Resolved, ResolvedCarrier};
use model::{Carrier, CarrierLookup, CarrierName, CarrierTransport};

use crate::tls::TlsPeers;

/// The carriers that were added, and the simulated one.
pub(super) struct Carriers {
    peers: Arc<TlsPeers>,
    added: BTreeMap<CarrierName, ResolvedCarrier>,
    simulated: Option<SimulatedSeat>,
}

/// The simulated carrier, and whether it takes part now.
pub(super) struct SimulatedSeat {
    carrier: ResolvedCarrier,
    rule: SeatRule,
    seated: Seated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SeatRule {
    Always,
    WhileAlone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seated {
    Yes,
    No,
}

impl SimulatedSeat {
    pub(super) fn always(carrier: ResolvedCarrier) -> Self {
        Self { carrier, rule: SeatRule::Always, seated: Seated::No }
    }

    pub(super) fn while_alone(carrier: ResolvedCarrier) -> Self {
        Self { carrier, rule: SeatRule::WhileAlone, seated: Seated::No }
    }
}

impl Carriers {
    pub(super) fn new(simulated: Option<SimulatedSeat>, peers: Arc<TlsPeers>) -> Self {
        Self { peers, added: BTreeMap::new(), simulated }
    }

    /// Adds or replaces a carrier. While its host stays the same it keeps the addresses it had.
    pub(super) fn put(&mut self, carrier: Carrier) -> ResolvedCarrier {
        let addresses = match literal(&carrier.host) {
            Some(ip) => vec![SocketAddr::new(ip, carrier.port)],
            None => self.known_addresses(&carrier),
        };
        let mut resolved = ResolvedCarrier::new(carrier, addresses);
        resolved.resolved = self.toward_peer(&resolved.carrier, resolved.resolved);
        self.added.insert(resolved.carrier.name.clone(), resolved.clone());
        resolved
    }

    fn known_addresses(&self, carrier: &Carrier) -> Vec<SocketAddr> {
        self.added
            .get(&carrier.name)
            .filter(|known| known.carrier.host == carrier.host)
            .map(|known| {
                let hops = known.resolved.hops().iter();
                hops.map(|it| SocketAddr::new(it.address.ip(), carrier.port))
            })
            .map(Iterator::collect)
            .unwrap_or_default()
    }

    /// A carrier over TLS is not just whoever is found at its address.
    fn toward_peer(&self, carrier: &Carrier, resolved: Resolved) -> Resolved {
        match (carrier.transport, carrier.lookup) {
            (CarrierTransport::Tls, _) | (_, CarrierLookup::Everything) => {
                resolved.with_peer(self.peers.peer(&carrier.host, &carrier.tls))
            }
            (CarrierTransport::Udp | CarrierTransport::Tcp, _) => resolved,
        }
    }

    pub(super) fn delete(&mut self, name: &CarrierName) {
        self.added.remove(name);
        // A carrier of the same name had taken the simulated one's place in the directory.
        if let Some(seat) = &mut self.simulated
            && seat.carrier.carrier.name == *name
        {
            seat.seated = Seated::No;
        }
    }

    /// The carrier at its new addresses; `None` if it has gone, moved, or is where it was.
    pub(super) fn resolved(
        &mut self,
        name: &CarrierName,
        host: &str,
        addresses: Vec<SocketAddr>,
    ) -> Option<ResolvedCarrier> {
        let known = self.added.get(name).filter(|known| known.carrier.host == host)?;
        let resolved = Resolved::by(known.transport(), addresses);
        let resolved = self.toward_peer(&known.carrier, resolved);
        let known = self.added.get_mut(name)?;
        if known.resolved == resolved {
            return None;
        }
        known.resolved = resolved;
        Some(known.clone())
    }

    pub(super) fn named(&self) -> Vec<(CarrierName, String, u16)> {
        self.added
            .values()
            .map(|it| &it.carrier)
            .filter(|carrier| literal(&carrier.host).is_none())
            .map(|carrier| (carrier.name.clone(), carrier.host.clone(), carrier.port))
            .collect()
    }

    pub(super) fn has_unresolved(&self) -> bool {
        self.added.values().any(|it| it.resolved.is_empty())
    }

    pub(super) fn simulated_is_seated(&self) -> bool {
        self.simulated.as_ref().is_some_and(|seat| seat.seated == Seated::Yes)
    }

    /// What must change in the directory for the simulated carrier to be in it, or not.
    pub(super) fn seat_simulated(&mut self) -> Option<Change> {
        let seat = self.simulated.as_mut()?;
        let name = &seat.carrier.carrier.name;
        let name_taken = self.added.contains_key(name);
        let wanted = match seat.rule {
            SeatRule::Always if !name_taken => Seated::Yes,
            SeatRule::WhileAlone if self.added.is_empty() => Seated::Yes,
            SeatRule::Always | SeatRule::WhileAlone => Seated::No,
        };
        let change = match (seat.seated, wanted) {
            (Seated::No, Seated::Yes) => Some(Change::PutCarrier(seat.carrier.clone())),
            (Seated::Yes, Seated::No) if !name_taken => Some(Change::DeleteCarrier(name.clone())),
            (Seated::Yes | Seated::No, Seated::Yes | Seated::No) => None,
        };
        seat.seated = wanted;
        change
    }
}

/// The address that a host is, if it is not a name. IPv6 may stand in brackets.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}
