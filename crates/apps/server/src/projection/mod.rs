//! Folds what is stored into the snapshot that calls are decided by.
//!
//! The store tells of each commit before its caller is answered, and the fold happens right there:
//! a credential is effective for SIP before the `204` of the request that put it. The call path
//! reads the snapshot through one pointer and never waits for the database.

mod carriers;
mod feed;
mod load;
mod places;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use call::directory::{Change, Directory, Place, Resolved, ResolvedCarrier};
use model::{Carrier, CarrierName, VoiceConnectorId};
use store::{Committed, Observer, Snapshot, StoreError, TypedView};
use tokio::sync::Notify;

use carriers::{Carriers, SimulatedSeat};
use places::Places;

use crate::tls::TlsPeers;

/// The snapshot, shared with whoever decides about calls.
pub(crate) type SharedDirectory = Arc<ArcSwap<Directory>>;

/// The fold and where it stands.
pub(crate) struct Projection {
    current: SharedDirectory,
    folding: Mutex<Folding>,
    /// Told when a carrier's or a route's name wants to be resolved.
    unresolved: Notify,
}

/// A host that is a name, and who wants to know where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) user: User,
    pub(crate) place: Place,
}

/// Who wants to know where a host is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum User {
    /// A carrier.
    Carrier(CarrierName),
    /// Origination routes.
    Routes,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier(name) => write!(f, "carrier {name}"),
            Self::Routes => f.write_str("an origination route"),
        }
    }
}

/// The working copy behind the snapshot.
struct Folding {
    directory: Directory,
    carriers: Carriers,
    places: Places,
}

impl Projection {
    /// Folds everything that is stored.
    ///
    /// # Errors
    /// [`StoreError`] if a row cannot be read.
    pub(crate) fn of_everything(
        stored: &Snapshot<'_>,
        simulated: SimulatedCarrier,
        peers: Arc<TlsPeers>,
    ) -> Result<Self, StoreError> {
        let load::Loaded { directory, routed } = load::load(stored)?;
        let mut folding = Folding {
            directory,
            carriers: Carriers::new(simulated.seat(), Arc::clone(&peers)),
            places: Places::new(peers),
        };
        routed.iter().for_each(|id| folding.look_for_places(id));
        let mut carriers = Vec::new();
        stored.all::<Carrier>(|it| carriers.push(it))?;
        for carrier in carriers {
            folding.put_carrier(carrier);
        }
        folding.seat_simulated();
        let current = Arc::new(ArcSwap::from_pointee(folding.directory.clone()));
        Ok(Self { current, folding: Mutex::new(folding), unresolved: Notify::new() })
    }

    /// The snapshot.
    pub(crate) fn directory(&self) -> SharedDirectory {
        Arc::clone(&self.current)
    }

    /// Whether calls can go to the simulated carrier now.
    pub(crate) fn simulated_is_seated(&self) -> bool {
        self.folding().carriers.simulated_is_seated()
    }

    /// The hosts that are names, which must be asked for again from time to time.
    pub(crate) fn named(&self) -> Vec<Named> {
        let folding = self.folding();
        let mut named = folding.carriers.named();
        let places = folding.places.all().into_iter();
        named.extend(places.map(|place| Named { user: User::Routes, place }));
        named
    }

    /// Notes where a host is; nothing if nobody asks for it any more.
    pub(crate) fn resolved(&self, named: &Named, resolved: Resolved) {
        let mut folding = self.folding();
        let change = match &named.user {
            User::Carrier(name) => folding.carriers.resolved(name, &named.place, resolved),
            User::Routes => folding.places.resolved(&named.place, resolved),
        };
        if let Some(change) = change {
            folding.directory.apply(change);
            self.current.store(Arc::new(folding.directory.clone()));
        }
    }

    /// Waits until some carrier's or route's name wants to be resolved.
    pub(crate) async fn unresolved(&self) {
        self.unresolved.notified().await;
    }

    fn folding(&self) -> MutexGuard<'_, Folding> {
        // A fold that panicked leaves a directory that is merely older, so the lock stays usable.
        self.folding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Projection {
    fn committed(&self, committed: &Committed) {
        let mut folding = self.folding();
        for change in &committed.changes {
            feed::fold(&mut folding, change);
        }
        folding.seat_simulated();
        self.current.store(Arc::new(folding.directory.clone()));
        if folding.carriers.has_unresolved() || folding.places.has_unresolved() {
            self.unresolved.notify_one();
        }
    }
}

impl Folding {
    fn put_carrier(&mut self, carrier: Carrier) {
        let resolved = self.carriers.put(carrier);
        self.directory.apply(Change::PutCarrier(resolved));
    }

    /// Notes which host names the connector's routes have now.
    fn look_for_places(&mut self, id: &VoiceConnectorId) {
        let connector = self.directory.connector(id).cloned();
        for change in self.places.put(id, connector.as_deref()) {
            self.directory.apply(change);
        }
    }

    fn delete_carrier(&mut self, name: &CarrierName) {
        self.carriers.delete(name);
        self.directory.apply(Change::DeleteCarrier(name.clone()));
    }

    /// Seats the simulated carrier, or takes its seat away, as the other carriers want it.
    fn seat_simulated(&mut self) {
        if let Some(change) = self.carriers.seat_simulated() {
            self.directory.apply(change);
        }
    }
}

/// Whether there is a simulated carrier, where it listens, and when it takes part.
#[derive(Debug, Clone)]
pub(crate) enum SimulatedCarrier {
    /// There is none.
    Absent,
    /// It takes part always.
    Always(ResolvedCarrier),
    /// It takes part while no carrier has been added.
    WhileAlone(ResolvedCarrier),
}

impl SimulatedCarrier {
    fn seat(self) -> Option<SimulatedSeat> {
        match self {
            Self::Absent => None,
            Self::Always(carrier) => Some(SimulatedSeat::always(carrier)),
            Self::WhileAlone(carrier) => Some(SimulatedSeat::while_alone(carrier)),
        }
    }
}

#[cfg(test)]
mod tests;
