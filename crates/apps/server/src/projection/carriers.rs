//! The carriers of the directory: those that were added, with the addresses their names had last,
//! and the simulated one while it has a seat.

use std::collections::BTreeMap;
use std::sync::Arc;

use call::directory::{Change, Place, Resolved, ResolvedCarrier};
use model::{Carrier, CarrierLookup, CarrierName, CarrierTransport};

use super::{Named, User};
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

    /// Adds or replaces a carrier. While its host stays the same it keeps the places it had.
    pub(super) fn put(&mut self, carrier: Carrier) -> ResolvedCarrier {
        let mut resolved = ResolvedCarrier::new(carrier, []);
        let place = resolved.place();
        let known = self.added.get(&resolved.carrier.name).filter(|it| it.place() == place);
        resolved.resolved = match (place.literal(), known) {
            (Some(hop), _) => self.toward_peer(&resolved.carrier, Resolved::new([hop])),
            (None, Some(known)) => self.toward_peer(&resolved.carrier, known.resolved.clone()),
            (None, None) => Resolved::default(),
        };
        self.added.insert(resolved.carrier.name.clone(), resolved.clone());
        resolved
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

    /// Notes where a carrier is; no change if it has gone, is looked for elsewhere now, or is where
    /// it was.
    pub(super) fn resolved(
        &mut self,
        name: &CarrierName,
        place: &Place,
        resolved: Resolved,
    ) -> Option<Change> {
        let known = self.added.get(name).filter(|known| known.place() == *place)?;
        let resolved = self.toward_peer(&known.carrier, resolved);
        let known = self.added.get_mut(name)?;
        if known.resolved == resolved {
            return None;
        }
        known.resolved = resolved;
        Some(Change::PutCarrier(known.clone()))
    }

    /// The carriers whose hosts are names.
    pub(super) fn named(&self) -> Vec<Named> {
        self.added
            .iter()
            .map(|(name, it)| Named { user: User::Carrier(name.clone()), place: it.place() })
            .filter(|it| it.place.literal().is_none())
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
