//! The directory: everything the call path needs to know, as one immutable snapshot.
//!
//! The server folds its store into a `Directory` and swaps the shared pointer after every change.
//! A clone costs a few pointers, [`Directory::apply`] copies only the path to what changed, and
//! every lookup is O(1) at a million connectors. The call path never waits for a database, and a
//! call in progress keeps the connector it was admitted by.

mod carrier;
mod change;
mod connector;
mod map;
mod order;
mod resolved;

use std::sync::Arc;

use arrayvec::ArrayVec;
use model::{AccountId, CarrierName, E164Number, VoiceConnector, VoiceConnectorId};
use sip_message::Flow;

pub use carrier::ResolvedCarrier;
pub use change::Change;
pub use connector::{Connector, Settings};
pub use order::{HOPS_MAX, HopOrder, order};
pub use resolved::{Hop, Place, Resolved};

use map::Map;

/// The longest host name looked up, in bytes: what DNS can hold (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 255;

/// A snapshot of connectors, numbers and carriers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory {
    hosts: Map<Box<str>, Arc<Connector>>,
    connectors: Map<VoiceConnectorId, Arc<Connector>>,
    /// Settings that came before the connector they belong to.
    early: Map<VoiceConnectorId, Settings>,
    numbers: Map<E164Number, AccountId>,
    carriers: Arc<[Arc<ResolvedCarrier>]>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            hosts: Map::default(),
            connectors: Map::default(),
            early: Map::default(),
            numbers: Map::default(),
            carriers: Arc::new([]),
        }
    }
}

impl Directory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The connector whose outbound host name is `host`, in any case, with or without the dot that
    /// ends an absolute name.
    pub fn connector_by_host(&self, host: &str) -> Option<&Arc<Connector>> {
        let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
        if host.len() > HOST_BYTES_MAX {
            return None;
        }
        let lower: ArrayVec<u8, HOST_BYTES_MAX> =
            host.iter().map(|byte| byte.to_ascii_lowercase()).collect();
        self.hosts.get(std::str::from_utf8(&lower).ok()?)
    }

    /// The connector with this identifier.
    pub fn connector(&self, id: &VoiceConnectorId) -> Option<&Arc<Connector>> {
        self.connectors.get(id)
    }

    /// The account that owns a number.
    pub fn owner(&self, number: E164Number) -> Option<AccountId> {
        self.numbers.get(&number).copied()
    }

    /// Every carrier: by priority, then by name.
    pub fn carriers(&self) -> &Arc<[Arc<ResolvedCarrier>]> {
        &self.carriers
    }

    /// The carrier that a message on `flow` comes from: the first by priority that lists the
    /// address, else the first that calls out would go to there.
    pub fn carrier_by_source(&self, flow: &Flow) -> Option<&Arc<ResolvedCarrier>> {
        let ip = flow.remote.ip().to_canonical();
        let listed = self.carriers.iter().find(|it| it.lists(ip));
        listed.or_else(|| self.carriers.iter().find(|it| it.is_at(flow)))
    }

    /// How many connectors there are.
    pub fn connector_count(&self) -> usize {
        self.connectors.len()
    }

    /// How many owned numbers there are.
    pub fn number_count(&self) -> usize {
        self.numbers.len()
    }

    /// Folds one change in. Changes to different things may come in any order; of two changes to
    /// one thing the later counts.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::PutConnector(connector) => self.put_connector(connector),
            Change::DeleteConnector(id) => self.delete_connector(&id),
            Change::PutTermination(termination) => {
                let id = termination.connector.clone();
                self.edit(&id, |settings| settings.termination = Some(termination));
            }
            Change::DeleteTermination(id) => {
                self.edit(&id, |settings| settings.termination = None);
            }
            Change::PutOrigination(origination) => {
                let id = origination.connector.clone();
                self.edit(&id, |settings| settings.origination = Some(origination));
            }
            Change::DeleteOrigination(id) => {
                self.edit(&id, |settings| settings.origination = None);
            }
            Change::PutUser(user) => {
                let id = user.connector.clone();
                self.edit(&id, |settings| settings.put_user(user));
            }
            Change::DeleteUser { connector, username } => {
                self.edit(&connector, |settings| settings.delete_user(&username));
            }
            Change::PutNumber(phone) => {
                match phone.usable_by() {
                    Some(owner) => self.numbers.insert(phone.number, owner),
                    None => self.numbers.remove(&phone.number),
                };
            }
            Change::DeleteNumber(number) => {
                self.numbers.remove(&number);
            }
            Change::PutCarrier(resolved) => self.put_carrier(resolved),
            Change::DeleteCarrier(name) => self.delete_carrier(&name),
        }
    }

    fn put_connector(&mut self, connector: VoiceConnector) {
        let settings = match self.connectors.get(&connector.id) {
            Some(known) => {
                // The host name is fixed for life, but a restored backup may tell another story.
                self.hosts.remove(&*host_key(&known.connector));
                known.settings.clone()
            }
            None => self.early.remove(&connector.id).unwrap_or_default(),
        };
        self.share(Connector { connector, settings });
    }

    fn delete_connector(&mut self, id: &VoiceConnectorId) {
        self.early.remove(id);
        if let Some(known) = self.connectors.remove(id) {
            self.hosts.remove(&*host_key(&known.connector));
        }
    }

    fn edit(&mut self, id: &VoiceConnectorId, change: impl FnOnce(&mut Settings)) {
        if let Some(known) = self.connectors.get(id) {
            let mut edited = Connector::clone(known);
            change(&mut edited.settings);
            self.share(edited);
            return;
        }
        let mut settings = self.early.remove(id).unwrap_or_default();
        change(&mut settings);
        if !settings.is_empty() {
            self.early.insert(id.clone(), settings);
        }
    }

    fn share(&mut self, connector: Connector) {
        let shared = Arc::new(connector);
        self.hosts.insert(host_key(&shared.connector), Arc::clone(&shared));
        self.connectors.insert(shared.connector.id.clone(), shared);
    }

    fn put_carrier(&mut self, resolved: ResolvedCarrier) {
        let mut carriers: Vec<_> = self.other_carriers(&resolved.carrier.name);
        carriers.push(Arc::new(resolved));
        carriers.sort_by(|a, b| {
            (a.carrier.priority, &a.carrier.name).cmp(&(b.carrier.priority, &b.carrier.name))
        });
        self.carriers = carriers.into();
    }

    fn delete_carrier(&mut self, name: &CarrierName) {
        self.carriers = self.other_carriers(name).into();
    }

    fn other_carriers(&self, name: &CarrierName) -> Vec<Arc<ResolvedCarrier>> {
        self.carriers.iter().filter(|it| it.carrier.name != *name).cloned().collect()
    }
}

fn host_key(connector: &VoiceConnector) -> Box<str> {
    connector.outbound_host_name.to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests;
