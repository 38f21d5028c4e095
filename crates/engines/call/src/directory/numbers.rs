//! Numbers: who owns them, and where calls to them go.

use std::sync::Arc;

use model::{
    AccountId, AssociationTarget, CallingName, E164Number, PhoneNumber, PhoneNumberSettings,
    ProductType, ProxySession, ProxySessionId, SipRule, SipRuleId, SipTrigger, UnixMillis,
    VoiceConnectorGroup, VoiceConnectorGroupId,
};

use super::map::{Entries, Map};

/// A number that an account owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// The owner.
    pub owner: AccountId,
    /// What it serves.
    pub product: ProductType,
    /// What called parties are shown besides it, if it has a name of its own.
    calling_name: Option<Arc<CallingName>>,
}

impl Number {
    /// What calls need to know of a number, if it is anybody's to use.
    pub(super) fn of(phone: PhoneNumber) -> Option<Self> {
        let owner = phone.usable_by()?;
        let calling_name = phone.holding.calling_name.map(Arc::new);
        Some(Self { owner, product: phone.holding.product_type, calling_name })
    }
}

/// Everything that is known of numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    owned: Map<E164Number, Number>,
    targets: Map<E164Number, AssociationTarget>,
    groups: Map<VoiceConnectorGroupId, Arc<VoiceConnectorGroup>>,
    /// The account's calling name, for numbers that have none of their own.
    calling_names: Map<AccountId, Box<str>>,
    rules: Map<SipRuleId, Arc<SipRule>>,
    /// Enabled rules by the number in their trigger.
    number_rules: Map<E164Number, SipRuleId>,
    /// Enabled rules by the host in their trigger, in lower case.
    host_rules: Map<Box<str>, SipRuleId>,
    sessions: Map<ProxySessionId, Arc<ProxySession>>,
    /// The session of a proxy number and one who calls it.
    session_calls: Map<(E164Number, E164Number), Arc<ProxySession>>,
    /// How many sessions, closed ones included, a number stands in for.
    proxies: Map<E164Number, u32>,
}

impl Numbers {
    pub(super) fn number(&self, number: E164Number) -> Option<&Number> {
        self.owned.get(&number)
    }

    pub(super) fn count(&self) -> usize {
        self.owned.len()
    }

    pub(super) fn target(&self, number: E164Number) -> Option<&AssociationTarget> {
        self.targets.get(&number)
    }

    pub(super) fn group(&self, id: &VoiceConnectorGroupId) -> Option<&Arc<VoiceConnectorGroup>> {
        self.groups.get(id)
    }

    pub(super) fn number_rule(&self, number: E164Number) -> Option<SipRuleId> {
        self.number_rules.get(&number).copied()
    }

    pub(super) fn host_rule(&self, host: &str) -> Option<SipRuleId> {
        self.host_rules.get(host).copied()
    }

    pub(super) fn session(
        &self,
        proxy: E164Number,
        caller: E164Number,
    ) -> Option<&Arc<ProxySession>> {
        self.session_calls.get(&(proxy, caller))
    }

    pub(super) fn is_proxy(&self, number: E164Number) -> bool {
        self.proxies.get(&number).is_some()
    }

    /// The number's own name once it counts, else its account's.
    pub(super) fn calling_name(&self, number: E164Number, now: UnixMillis) -> Option<&str> {
        let number = self.owned.get(&number)?;
        match &number.calling_name {
            Some(name) if name.effective <= now => Some(&name.text),
            Some(_) => None,
            None => self.calling_names.get(&number.owner).map(|it| &**it),
        }
    }

    pub(super) fn put(&mut self, phone: PhoneNumber) {
        let number = phone.number;
        match Number::of(phone) {
            Some(owned) => self.owned.insert(number, owned),
            None => self.owned.remove(&number),
        };
    }

    /// Takes in all owned numbers and where their calls go, at once.
    pub(super) fn fill(
        &mut self,
        owned: Vec<Entries<E164Number, Number>>,
        targets: Vec<Entries<E164Number, AssociationTarget>>,
    ) {
        assert!(self.owned.len() == 0 && self.targets.len() == 0, "numbers are filled in once");
        self.owned = Map::of(owned);
        self.targets = Map::of(targets);
    }

    pub(super) fn delete(&mut self, number: E164Number) {
        self.owned.remove(&number);
    }

    pub(super) fn associate(&mut self, number: E164Number, target: AssociationTarget) {
        self.targets.insert(number, target);
    }

    pub(super) fn disassociate(&mut self, number: E164Number) {
        self.targets.remove(&number);
    }

    pub(super) fn put_group(&mut self, group: VoiceConnectorGroup) {
        self.groups.insert(group.id.clone(), Arc::new(group));
    }

    pub(super) fn delete_group(&mut self, id: &VoiceConnectorGroupId) {
        self.groups.remove(id);
    }

    pub(super) fn set_calling_name(&mut self, settings: PhoneNumberSettings) {
        match settings.calling_name {
            Some(name) => self.calling_names.insert(settings.account, name.into()),
            None => self.calling_names.remove(&settings.account),
        };
    }

    pub(super) fn put_rule(&mut self, rule: SipRule) {
        self.delete_rule(rule.id);
        if !rule.disabled {
            match &rule.trigger {
                SipTrigger::ToPhoneNumber(number) => {
                    self.number_rules.insert(*number, rule.id);
                }
                SipTrigger::RequestUriHostname(host) => {
                    self.host_rules.insert(host.to_ascii_lowercase().into(), rule.id);
                }
            }
        }
        self.rules.insert(rule.id, Arc::new(rule));
    }

    pub(super) fn delete_rule(&mut self, id: SipRuleId) {
        let Some(rule) = self.rules.remove(&id) else { return };
        match &rule.trigger {
            SipTrigger::ToPhoneNumber(number) => {
                if self.number_rules.get(number) == Some(&id) {
                    self.number_rules.remove(number);
                }
            }
            SipTrigger::RequestUriHostname(host) => {
                let host = host.to_ascii_lowercase();
                if self.host_rules.get(&*host) == Some(&id) {
                    self.host_rules.remove(&*host);
                }
            }
        }
    }

    pub(super) fn put_session(&mut self, session: ProxySession) {
        self.delete_session(session.id);
        let session = Arc::new(session);
        for (proxy, caller) in calls_of(&session) {
            self.count_proxy(proxy);
            let older = self.session_calls.get(&(proxy, caller));
            // Sessions may be told in any order; an open one counts before one that was ended, and
            // of two alike the later.
            let standing = |it: &ProxySession| (it.ended.is_none(), it.updated);
            if older.is_none_or(|it| standing(it) <= standing(&session)) {
                self.session_calls.insert((proxy, caller), Arc::clone(&session));
            }
        }
        self.sessions.insert(session.id, session);
    }

    pub(super) fn delete_session(&mut self, id: ProxySessionId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        for call in calls_of(&session) {
            let left = self.proxies.get(&call.0).copied().unwrap_or_default().saturating_sub(1);
            match left {
                0 => self.proxies.remove(&call.0),
                left => self.proxies.insert(call.0, left),
            };
            if self.session_calls.get(&call).is_some_and(|it| it.id == id) {
                self.session_calls.remove(&call);
            }
        }
    }

    fn count_proxy(&mut self, number: E164Number) {
        let count = self.proxies.get(&number).copied().unwrap_or_default();
        self.proxies.insert(number, count + 1);
    }
}

/// Who calls which number in a session: each the proxy of the other.
fn calls_of(session: &ProxySession) -> [(E164Number, E164Number); 2] {
    let [a, b] = session.participants;
    [(b.proxy, a.number), (a.proxy, b.number)]
}
