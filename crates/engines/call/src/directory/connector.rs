//! A connector with all that belongs to it.

use model::{
    AccountId, EmergencyCalling, NetworkType, Origination, Proxy, Route, RouteProtocol, SipUser,
    Termination, Username, VoiceConnector,
};
use sip_message::Transport;

use super::{Place, Resolved};

/// A Voice Connector and its settings.
#[derive(Debug, Clone)]
pub struct Connector {
    /// The connector itself.
    pub connector: VoiceConnector,
    /// What was put to it since.
    pub settings: Settings,
}

/// What belongs to a connector and changes on its own.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The rules for calls out, if there are any.
    pub termination: Option<Termination>,
    /// The routes for calls in, if there are any.
    pub origination: Option<Origination>,
    /// The proxying of calls between participants, if there is any.
    pub proxy: Option<Proxy>,
    /// Where emergency calls go, if that is set.
    pub emergency: Option<EmergencyCalling>,
    /// The SIP users, by name; at most [`SipUser::COUNT_MAX`].
    users: Vec<SipUser>,
}

impl Connector {
    /// The owner.
    pub fn account(&self) -> AccountId {
        self.connector.account
    }

    /// The outbound host name, which is also the digest realm.
    pub fn host(&self) -> &str {
        &self.connector.outbound_host_name
    }

    /// The rules for calls out, if there are any.
    pub fn termination(&self) -> Option<&Termination> {
        self.settings.termination.as_ref()
    }

    /// The routes for calls in, if there are any.
    pub fn origination(&self) -> Option<&Origination> {
        self.settings.origination.as_ref()
    }

    /// What a resolver is asked for to find a route. `TCP` of an encrypted connector means TLS
    /// (facts §4.2), port 0 the usual one.
    pub fn place(&self, route: &Route) -> Place {
        let transport = match (route.protocol, self.connector.require_encryption) {
            (RouteProtocol::Udp, _) => Transport::Udp,
            (RouteProtocol::Tcp, true) => Transport::Tls,
            (RouteProtocol::Tcp, false) => Transport::Tcp,
        };
        let port = if route.port == 0 { transport.default_port() } else { route.port };
        Place::new(&route.host, port, transport)
    }

    /// Whether calls may take a route: one of an encrypted connector must be encrypted.
    pub(crate) fn may_use(&self, route: &Route) -> bool {
        !self.connector.require_encryption || route.protocol == RouteProtocol::Tcp
    }

    /// Of the ways to a host those that the connector takes: one that is `IPV4_ONLY` never tries
    /// IPv6 (facts §1.6).
    pub(crate) fn of_its_families(&self, resolved: Resolved) -> Resolved {
        match self.connector.network_type {
            NetworkType::DualStack => resolved,
            NetworkType::Ipv4Only if resolved.hops().iter().all(|it| it.address.is_ipv4()) => {
                resolved
            }
            NetworkType::Ipv4Only => {
                Resolved::new(resolved.hops().iter().copied().filter(|it| it.address.is_ipv4()))
            }
        }
    }

    /// The SIP users, by name.
    pub fn users(&self) -> &[SipUser] {
        &self.settings.users
    }

    /// The SIP user of this name.
    pub fn user(&self, name: &str) -> Option<&SipUser> {
        self.settings.find(name).ok().map(|at| &self.settings.users[at])
    }
}

impl Settings {
    pub(super) fn is_empty(&self) -> bool {
        let Self { termination, origination, proxy, emergency, users } = self;
        termination.is_none()
            && origination.is_none()
            && proxy.is_none()
            && emergency.is_none()
            && users.is_empty()
    }

    pub(super) fn put_user(&mut self, user: SipUser) {
        match self.find(user.username.as_str()) {
            Ok(at) => self.users[at] = user,
            Err(at) => self.users.insert(at, user),
        }
    }

    pub(super) fn delete_user(&mut self, name: &Username) {
        if let Ok(at) = self.find(name.as_str()) {
            self.users.remove(at);
        }
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.users.binary_search_by(|user| user.username.as_str().cmp(name))
    }
}
