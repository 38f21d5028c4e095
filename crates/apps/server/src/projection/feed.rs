//! Reads one change of the store as a change of the directory.

use call::directory::Change;
use model::{
    AccountQuotas, Carrier, CarrierName, E164Number, Kind, PhoneNumberAssociation,
    PhoneNumberSettings, ProxySessionId, Resource, SipRuleId, SipUser, Username,
    VoiceConnectorGroupId, VoiceConnectorId,
};

use super::Folding;

/// Folds one change in. Kinds that calls do not depend on pass by.
pub(super) fn fold(folding: &mut Folding, change: &store::Change) {
    let directory_change = match change.kind {
        Kind::VoiceConnector => {
            put_or(change, Change::PutConnector, |key| Change::DeleteConnector(connector_id(key)))
        }
        Kind::Termination => put_or(change, Change::PutTermination, |key| {
            Change::DeleteTermination(connector_id(key))
        }),
        Kind::Origination => put_or(change, Change::PutOrigination, |key| {
            Change::DeleteOrigination(connector_id(key))
        }),
        Kind::SipUser => {
            change.decode::<SipUser>().map(Change::PutUser).unwrap_or_else(|| deleted_user(change))
        }
        Kind::PhoneNumber => {
            put_or(change, Change::PutNumber, |key| Change::DeleteNumber(number(key)))
        }
        Kind::Carrier => {
            match change.decode::<Carrier>() {
                Some(carrier) => folding.put_carrier(carrier),
                None => folding.delete_carrier(&carrier_name(&change.key)),
            }
            return;
        }
        Kind::EmergencyCalling => put_or(change, Change::PutEmergencyCalling, |key| {
            Change::DeleteEmergencyCalling(connector_id(key))
        }),
        Kind::PhoneNumberAssociation => {
            put_or(change, association, |key| Change::DeleteAssociation(number(key)))
        }
        Kind::PhoneNumberSettings => match change.decode::<PhoneNumberSettings>() {
            Some(settings) => Change::PutNumberSettings(settings),
            // They are only ever replaced.
            None => return,
        },
        Kind::Proxy => {
            put_or(change, Change::PutProxy, |key| Change::DeleteProxy(connector_id(key)))
        }
        Kind::ProxySession => put_or(change, Change::PutProxySession, |key| {
            Change::DeleteProxySession(session_id(key))
        }),
        Kind::SipRule => put_or(change, Change::PutRule, |key| Change::DeleteRule(rule_id(key))),
        Kind::VoiceConnectorGroup => {
            put_or(change, Change::PutGroup, |key| Change::DeleteGroup(group_id(key)))
        }
        Kind::AccountQuotas => change
            .decode::<AccountQuotas>()
            .map(Change::PutQuotas)
            .unwrap_or(Change::DeleteQuotas(change.account)),
        Kind::AccessKey
        | Kind::ClientRequest
        | Kind::ExternalSystems
        | Kind::GlobalSettings
        | Kind::Logging
        | Kind::PhoneNumberOrder
        | Kind::SipMediaApplication
        | Kind::SipRuleLink
        | Kind::SipTriggerClaim
        | Kind::SpeakerSearchTask
        | Kind::Streaming
        | Kind::Tags
        | Kind::TerminationHealth
        | Kind::VoiceProfile
        | Kind::VoiceProfileDomain
        | Kind::VoiceToneAnalysisTask => {
            return;
        }
    };
    folding.directory.apply(directory_change);
    if matches!(change.kind, Kind::VoiceConnector | Kind::Origination) {
        folding.look_for_places(&connector_id(&change.key));
    }
}

/// What was put, or that it is gone.
fn put_or<T: Resource>(
    change: &store::Change,
    put: impl FnOnce(T) -> Change,
    gone: impl FnOnce(&str) -> Change,
) -> Change {
    change.decode::<T>().map_or_else(|| gone(&change.key), put)
}

/// Where a number's calls go.
pub(super) fn association(association: PhoneNumberAssociation) -> Change {
    let PhoneNumberAssociation { number, target, .. } = association;
    Change::PutAssociation { number, target }
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

fn group_id(key: &str) -> VoiceConnectorGroupId {
    VoiceConnectorGroupId::parse(key)
        .expect("a group's key is its id, checked before it was stored")
}

fn rule_id(key: &str) -> SipRuleId {
    SipRuleId::parse(key).expect("a rule's key is its id, checked before it was stored")
}

fn session_id(key: &str) -> ProxySessionId {
    let id = key.rsplit('/').next().unwrap_or(key);
    ProxySessionId::parse(id).expect("a session's key ends in its id")
}

fn number(key: &str) -> E164Number {
    E164Number::parse(key).expect("a number's key is the number, checked before it was stored")
}

fn carrier_name(key: &str) -> CarrierName {
    CarrierName::parse(key).expect("a carrier's key is its name, checked before it was stored")
}
