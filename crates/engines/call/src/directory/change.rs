//! What can change in a directory.

use model::{
    AccountId, AccountQuotas, AssociationTarget, CarrierName, E164Number, EmergencyCalling,
    Origination, PhoneNumber, PhoneNumberSettings, Proxy, ProxySession, ProxySessionId, SipRule,
    SipRuleId, SipUser, Termination, Username, VoiceConnector, VoiceConnectorGroup,
    VoiceConnectorGroupId, VoiceConnectorId,
};

use super::{Place, Resolved, ResolvedCarrier};

/// One change of one thing, as the store's change feed tells it.
#[derive(Debug, Clone)]
pub enum Change {
    /// A connector was made or updated; its settings stay.
    PutConnector(VoiceConnector),
    /// A connector is gone, and all its settings with it.
    DeleteConnector(VoiceConnectorId),
    /// The rules for calls out were replaced.
    PutTermination(Termination),
    /// There are no rules for calls out any more.
    DeleteTermination(VoiceConnectorId),
    /// The routes for calls in were replaced.
    PutOrigination(Origination),
    /// There are no routes for calls in any more.
    DeleteOrigination(VoiceConnectorId),
    /// A SIP user was added, or has new keys.
    PutUser(SipUser),
    /// A SIP user is gone.
    DeleteUser {
        /// The connector it belonged to.
        connector: VoiceConnectorId,
        /// Its name.
        username: Username,
    },
    /// A connector's proxying was replaced.
    PutProxy(Proxy),
    /// A connector does no proxying any more.
    DeleteProxy(VoiceConnectorId),
    /// A connector's emergency numbers were replaced.
    PutEmergencyCalling(EmergencyCalling),
    /// A connector has no emergency numbers any more.
    DeleteEmergencyCalling(VoiceConnectorId),
    /// A number came into the inventory or changed hands.
    PutNumber(PhoneNumber),
    /// A number left the inventory.
    DeleteNumber(E164Number),
    /// Calls to a number go there from now on.
    PutAssociation {
        /// The number.
        number: E164Number,
        /// The connector or group.
        target: AssociationTarget,
    },
    /// Calls to a number go nowhere.
    DeleteAssociation(E164Number),
    /// A group was made or updated.
    PutGroup(VoiceConnectorGroup),
    /// A group is gone.
    DeleteGroup(VoiceConnectorGroupId),
    /// An account chose a calling name for its numbers, or none.
    PutNumberSettings(PhoneNumberSettings),
    /// A SIP rule was made or updated.
    PutRule(SipRule),
    /// A SIP rule is gone.
    DeleteRule(SipRuleId),
    /// A proxy session was made or updated.
    PutProxySession(ProxySession),
    /// A proxy session is forgotten.
    DeleteProxySession(ProxySessionId),
    /// A host that a route names was resolved.
    PutPlace {
        /// What was asked for.
        place: Place,
        /// Where it is.
        resolved: Resolved,
    },
    /// A host that no route names any more.
    DeletePlace(Place),
    /// A carrier was added, changed, or resolved anew.
    PutCarrier(ResolvedCarrier),
    /// A carrier is gone.
    DeleteCarrier(CarrierName),
    /// An account's quotas were set.
    PutQuotas(AccountQuotas),
    /// An account has the installation's quotas again.
    DeleteQuotas(AccountId),
}
