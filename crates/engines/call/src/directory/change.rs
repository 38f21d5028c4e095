//! What can change in a directory.

use model::{
    CarrierName, E164Number, Origination, PhoneNumber, SipUser, Termination, Username,
    VoiceConnector, VoiceConnectorId,
};

use super::ResolvedCarrier;

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
    /// A number came into the inventory or changed hands.
    PutNumber(PhoneNumber),
    /// A number left the inventory.
    DeleteNumber(E164Number),
    /// A carrier was added, changed, or resolved anew.
    PutCarrier(ResolvedCarrier),
    /// A carrier is gone.
    DeleteCarrier(CarrierName),
}
