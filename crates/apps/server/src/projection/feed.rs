//! Reads one change of the store as a change of the directory.

use call::directory::Change;
use model::{
    Carrier, CarrierName, E164Number, Kind, Origination, PhoneNumber, SipUser, Termination,
    Username, VoiceConnector, VoiceConnectorId,
};

use super::Folding;

/// Folds one change in. Kinds that calls do not depend on pass by.
pub(super) fn fold(folding: &mut Folding, change: &store::Change) {
    let directory_change = match change.kind {
        Kind::VoiceConnector => change
            .decode::<VoiceConnector>()
            .map(Change::PutConnector)
            .unwrap_or_else(|| Change::DeleteConnector(connector_id(&change.key))),
        Kind::Termination => change
            .decode::<Termination>()
            .map(Change::PutTermination)
            .unwrap_or_else(|| Change::DeleteTermination(connector_id(&change.key))),
        Kind::Origination => change
            .decode::<Origination>()
            .map(Change::PutOrigination)
            .unwrap_or_else(|| Change::DeleteOrigination(connector_id(&change.key))),
        Kind::SipUser => {
            change.decode::<SipUser>().map(Change::PutUser).unwrap_or_else(|| deleted_user(change))
        }
        Kind::PhoneNumber => change
            .decode::<PhoneNumber>()
            .map(Change::PutNumber)
            .unwrap_or_else(|| Change::DeleteNumber(number(&change.key))),
        Kind::Carrier => {
            match change.decode::<Carrier>() {
                Some(carrier) => folding.put_carrier(carrier),
                None => folding.delete_carrier(&carrier_name(&change.key)),
            }
            return;
        }
        Kind::AccessKey
        | Kind::ClientRequest
        | Kind::EmergencyCalling
        | Kind::ExternalSystems
        | Kind::GlobalSettings
        | Kind::Logging
        | Kind::PhoneNumberAssociation
        | Kind::PhoneNumberOrder
        | Kind::PhoneNumberSettings
        | Kind::Proxy
        | Kind::ProxySession
        | Kind::SipMediaApplication
        | Kind::SipRule
        | Kind::SipRuleLink
        | Kind::SipTriggerClaim
        | Kind::SpeakerSearchTask
        | Kind::Streaming
        | Kind::Tags
        | Kind::TerminationHealth
        | Kind::VoiceConnectorGroup
        | Kind::VoiceProfile
        | Kind::VoiceProfileDomain
        | Kind::VoiceToneAnalysisTask => {
            return;
        }
    };
    folding.directory.apply(directory_change);
}

fn deleted_user(change: &store::Change) -> Change {
    let connector = connector_id(&change.parent);
    let username =
        change.key.strip_prefix(change.parent.as_str()).and_then(|it| it.strip_prefix('/'));
    let username = Username::parse(username.unwrap_or_default());
    Change::DeleteUser { connector, username: username.expect("a user's key ends in its name") }
}

fn connector_id(key: &str) -> VoiceConnectorId {
    VoiceConnectorId::parse(key).expect("a connector's key is its id, checked before it was stored")
}

fn number(key: &str) -> E164Number {
    E164Number::parse(key).expect("a number's key is the number, checked before it was stored")
}

fn carrier_name(key: &str) -> CarrierName {
    CarrierName::parse(key).expect("a carrier's key is its name, checked before it was stored")
}
