//! The directory: everything the call path needs to know, as one immutable snapshot.
//!
//! The server folds its store into a `Directory` and swaps the shared pointer after every change.
//! A clone costs a few pointers, [`Directory::apply`] copies only the path to what changed, and
//! every lookup is O(1) at a million connectors. The call path never waits for a database, and a
//! call in progress keeps the connector it was admitted by.

mod account;
mod carrier;
mod change;
mod connector;
mod load;
mod map;
mod numbers;
mod order;
mod resolved;

use std::sync::Arc;

use arrayvec::ArrayVec;
use model::{
    AccountId, AssociationTarget, CarrierName, CarrierUser, E164Number, ProxySession, SipRuleId,
    UnixMillis, VoiceConnector, VoiceConnectorGroup, VoiceConnectorGroupId, VoiceConnectorId,
};
use sip_message::Flow;

pub use account::AccountLimits;
pub use carrier::{REALMS_MAX, ResolvedCarrier};
pub use change::Change;
pub use connector::{Connector, Settings};
pub use load::Share;
pub use numbers::Number;
pub use order::{HOPS_MAX, HopOrder, order};
pub use resolved::{Hop, Place, Resolved};

use map::Map;
use numbers::Numbers;

/// The longest host name looked up, in bytes: what DNS can hold (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 255;

/// A snapshot of connectors, numbers and carriers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory {
    hosts: Map<Box<str>, Arc<Connector>>,
    connectors: Map<VoiceConnectorId, Arc<Connector>>,
    /// Settings that came before the connector they belong to.
    early: Map<VoiceConnectorId, Settings>,
    numbers: Numbers,
    places: Map<Place, Resolved>,
    /// Of accounts whose limits are not the engine's own.
    limits: Map<AccountId, AccountLimits>,
    carriers: Arc<[Arc<ResolvedCarrier>]>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            hosts: Map::default(),
            connectors: Map::default(),
            early: Map::default(),
            numbers: Numbers::default(),
            places: Map::default(),
            limits: Map::default(),
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
        self.number(number).map(|it| it.owner)
    }

    /// A number that an account owns.
    pub fn number(&self, number: E164Number) -> Option<&Number> {
        self.numbers.number(number)
    }

    /// The connector or group that calls to a number go to.
    pub fn association(&self, number: E164Number) -> Option<&AssociationTarget> {
        self.numbers.target(number)
    }

    /// The group with this identifier.
    pub fn group(&self, id: &VoiceConnectorGroupId) -> Option<&Arc<VoiceConnectorGroup>> {
        self.numbers.group(id)
    }

    /// The enabled SIP rule that takes calls to a number.
    pub fn number_rule(&self, number: E164Number) -> Option<SipRuleId> {
        self.numbers.number_rule(number)
    }

    /// The enabled SIP rule that takes calls to a connector's host name.
    pub fn host_rule(&self, connector: &Connector) -> Option<SipRuleId> {
        self.numbers.host_rule(&host_key(&connector.connector))
    }

    /// The proxy session in which `caller` calls the number `proxy`: the open one, else the one
    /// that was last.
    pub fn proxy_session(
        &self,
        proxy: E164Number,
        caller: E164Number,
    ) -> Option<&Arc<ProxySession>> {
        self.numbers.session(proxy, caller)
    }

    /// Whether a number stands, or stood, between the participants of a proxy session.
    pub fn is_proxy(&self, number: E164Number) -> bool {
        self.numbers.is_proxy(number)
    }

    /// What called parties are shown besides a number: its own name, else its account's.
    pub fn calling_name(&self, number: E164Number, now: UnixMillis) -> Option<&str> {
        self.numbers.calling_name(number, now)
    }

    /// Where a host is: what it says itself if it is an address, else what a resolver found.
    pub fn resolved(&self, place: &Place) -> Resolved {
        match place.literal() {
            Some(hop) => Resolved::new([hop]),
            None => self.places.get(place).cloned().unwrap_or_default(),
        }
    }

    /// The limits that the operator set for an account; none of them if it set none.
    pub fn limits(&self, account: AccountId) -> AccountLimits {
        self.limits.get(&account).copied().unwrap_or_default()
    }

    /// Every carrier: by priority, then by name.
    pub fn carriers(&self) -> &Arc<[Arc<ResolvedCarrier>]> {
        &self.carriers
    }

    /// The carrier that a message on `flow` comes from: the first by priority that lists the
    /// address, else the first that calls out would go to there.
    pub fn carrier_by_source(&self, flow: &Flow) -> Option<&Arc<ResolvedCarrier>> {
        let listed = self.carriers.iter().find(|it| it.lists(flow));
        listed.or_else(|| self.carriers.iter().find(|it| it.is_at(flow)))
    }

    /// The realms in which carriers have users for calls in, by the carriers' order; seldom more than
    /// one, and those beyond the limit are not challenged for.
    pub fn carrier_realms(&self) -> ArrayVec<&str, REALMS_MAX> {
        let mut realms = ArrayVec::new();
        for user in self.carriers.iter().filter_map(|it| it.carrier.inbound.as_ref()) {
            if !realms.is_full() && !realms.contains(&&*user.realm) {
                realms.push(&*user.realm);
            }
        }
        realms
    }

    /// The carrier that is this user when it calls in. Every carrier is looked at, so that the time
    /// it takes does not tell whether there is such a user.
    pub fn carrier_user(
        &self,
        realm: &str,
        name: &str,
    ) -> Option<(&Arc<ResolvedCarrier>, &CarrierUser)> {
        self.carriers.iter().fold(None, |found, carrier| {
            let user = carrier.carrier.inbound.as_ref();
            let user = user.filter(|it| it.realm == realm && it.username.as_str() == name);
            found.or(user.map(|user| (carrier, user)))
        })
    }

    /// The carrier of this name.
    pub fn carrier(&self, name: &CarrierName) -> Option<&Arc<ResolvedCarrier>> {
        self.carriers.iter().find(|it| it.carrier.name == *name)
    }

    /// How many connectors there are.
    pub fn connector_count(&self) -> usize {
        self.connectors.len()
    }

    /// How many owned numbers there are.
    pub fn number_count(&self) -> usize {
        self.numbers.count()
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
            Change::PutProxy(proxy) => {
                let id = proxy.connector.clone();
                self.edit(&id, |settings| settings.proxy = Some(proxy));
            }
            Change::DeleteProxy(id) => self.edit(&id, |settings| settings.proxy = None),
            Change::PutEmergencyCalling(emergency) => {
                let id = emergency.connector.clone();
                self.edit(&id, |settings| settings.emergency = Some(emergency));
            }
            Change::DeleteEmergencyCalling(id) => {
                self.edit(&id, |settings| settings.emergency = None);
            }
            Change::PutNumber(phone) => self.numbers.put(phone),
            Change::DeleteNumber(number) => self.numbers.delete(number),
            Change::PutAssociation { number, target } => self.numbers.associate(number, target),
            Change::DeleteAssociation(number) => self.numbers.disassociate(number),
            Change::PutGroup(group) => self.numbers.put_group(group),
            Change::DeleteGroup(id) => self.numbers.delete_group(&id),
            Change::PutNumberSettings(settings) => self.numbers.set_calling_name(settings),
            Change::PutRule(rule) => self.numbers.put_rule(rule),
            Change::DeleteRule(id) => self.numbers.delete_rule(id),
            Change::PutProxySession(session) => self.numbers.put_session(session),
            Change::DeleteProxySession(id) => self.numbers.delete_session(id),
            Change::PutPlace { place, resolved } => {
                self.places.insert(place, resolved);
            }
            Change::DeletePlace(place) => {
                self.places.remove(&place);
            }
            Change::PutCarrier(resolved) => self.put_carrier(resolved),
            Change::DeleteCarrier(name) => self.delete_carrier(&name),
            Change::PutQuotas(quotas) => {
                self.limits.insert(quotas.account, AccountLimits::of(&quotas));
            }
            Change::DeleteQuotas(account) => {
                self.limits.remove(&account);
            }
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
