//! Which resource each operation is about: what a key's policy is asked for, and what the audit names.
//!
//! `docs/policies.md` is this table for readers; a test compares the two.

use std::collections::BTreeSet;

use chime_api::{Members, Operation, e164_of_phone_number_id};
use model::{Arn, Kind};

/// A type of resource, as ARNs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    VoiceConnector,
    VoiceConnectorGroup,
    PhoneNumber,
    PhoneNumberOrder,
    SipMediaApplication,
    SipRule,
    VoiceProfile,
    VoiceProfileDomain,
}

impl Type {
    /// The type's name in an ARN.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::VoiceConnector => Arn::VOICE_CONNECTOR,
            Self::VoiceConnectorGroup => Arn::VOICE_CONNECTOR_GROUP,
            Self::PhoneNumber => Arn::PHONE_NUMBER,
            Self::PhoneNumberOrder => "phone-number-order",
            Self::SipMediaApplication => Arn::SIP_MEDIA_APPLICATION,
            Self::SipRule => "sip-rule",
            Self::VoiceProfile => Arn::VOICE_PROFILE,
            Self::VoiceProfileDomain => Arn::VOICE_PROFILE_DOMAIN,
        }
    }

    /// The kind that the store keeps it as.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::VoiceConnector => Kind::VoiceConnector,
            Self::VoiceConnectorGroup => Kind::VoiceConnectorGroup,
            Self::PhoneNumber => Kind::PhoneNumber,
            Self::PhoneNumberOrder => Kind::PhoneNumberOrder,
            Self::SipMediaApplication => Kind::SipMediaApplication,
            Self::SipRule => Kind::SipRule,
            Self::VoiceProfile => Kind::VoiceProfile,
            Self::VoiceProfileDomain => Kind::VoiceProfileDomain,
        }
    }
}

/// What an operation is about, by the members of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// The account as a whole, or the installation: `*`.
    Account,
    /// A new one.
    New(Type),
    /// All of a type: a listing.
    Every(Type),
    /// The one that a member names.
    One(Type, &'static str),
    /// The one that a member names, and each number of a list.
    OneAndNumbers(Type, &'static str, Numbers),
    /// Each number of a list.
    Numbers(Numbers),
    /// The one whose ARN a member is.
    Named(&'static str),
}

/// Where a request lists numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// A list of texts.
    In(&'static str),
    /// A member in a list of structures.
    Within(&'static str, &'static str),
}

impl About {
    /// The table: every operation, so that a new one has to be placed.
    #[expect(clippy::too_many_lines, reason = "a table with a row for each of 96 operations")]
    pub(crate) const fn of(operation: Operation) -> Self {
        use Numbers::{In, Within};
        use Operation as O;
        use Type as T;
        const CONNECTOR: About = About::One(T::VoiceConnector, "VoiceConnectorId");
        const GROUP: About = About::One(T::VoiceConnectorGroup, "VoiceConnectorGroupId");
        const NUMBER: About = About::One(T::PhoneNumber, "PhoneNumberId");
        const APPLICATION: About = About::One(T::SipMediaApplication, "SipMediaApplicationId");
        const RULE: About = About::One(T::SipRule, "SipRuleId");
        const PROFILE: About = About::One(T::VoiceProfile, "VoiceProfileId");
        const DOMAIN: About = About::One(T::VoiceProfileDomain, "VoiceProfileDomainId");
        const E164: Numbers = In("E164PhoneNumbers");
        match operation {
            O::GetGlobalSettings
            | O::UpdateGlobalSettings
            | O::GetPhoneNumberSettings
            | O::UpdatePhoneNumberSettings
            | O::ListAvailableVoiceConnectorRegions
            | O::ListSupportedPhoneNumberCountries
            | O::SearchAvailablePhoneNumbers
            | O::ValidateE911Address => Self::Account,

            O::CreateVoiceConnector => Self::New(T::VoiceConnector),
            O::ListVoiceConnectors => Self::Every(T::VoiceConnector),
            O::GetVoiceConnector
            | O::UpdateVoiceConnector
            | O::DeleteVoiceConnector
            | O::GetVoiceConnectorEmergencyCallingConfiguration
            | O::PutVoiceConnectorEmergencyCallingConfiguration
            | O::DeleteVoiceConnectorEmergencyCallingConfiguration
            | O::GetVoiceConnectorExternalSystemsConfiguration
            | O::PutVoiceConnectorExternalSystemsConfiguration
            | O::DeleteVoiceConnectorExternalSystemsConfiguration
            | O::GetVoiceConnectorLoggingConfiguration
            | O::PutVoiceConnectorLoggingConfiguration
            | O::GetVoiceConnectorOrigination
            | O::PutVoiceConnectorOrigination
            | O::DeleteVoiceConnectorOrigination
            | O::GetVoiceConnectorProxy
            | O::PutVoiceConnectorProxy
            | O::DeleteVoiceConnectorProxy
            | O::CreateProxySession
            | O::GetProxySession
            | O::ListProxySessions
            | O::UpdateProxySession
            | O::DeleteProxySession
            | O::GetVoiceConnectorStreamingConfiguration
            | O::PutVoiceConnectorStreamingConfiguration
            | O::DeleteVoiceConnectorStreamingConfiguration
            | O::GetVoiceConnectorTermination
            | O::GetVoiceConnectorTerminationHealth
            | O::PutVoiceConnectorTermination
            | O::DeleteVoiceConnectorTermination
            | O::ListVoiceConnectorTerminationCredentials
            | O::PutVoiceConnectorTerminationCredentials
            | O::DeleteVoiceConnectorTerminationCredentials
            | O::GetSpeakerSearchTask
            | O::StartSpeakerSearchTask
            | O::StopSpeakerSearchTask
            | O::GetVoiceToneAnalysisTask
            | O::StartVoiceToneAnalysisTask
            | O::StopVoiceToneAnalysisTask => CONNECTOR,
            O::AssociatePhoneNumbersWithVoiceConnector
            | O::DisassociatePhoneNumbersFromVoiceConnector => {
                Self::OneAndNumbers(T::VoiceConnector, "VoiceConnectorId", E164)
            }

            O::CreateVoiceConnectorGroup => Self::New(T::VoiceConnectorGroup),
            O::ListVoiceConnectorGroups => Self::Every(T::VoiceConnectorGroup),
            O::GetVoiceConnectorGroup
            | O::UpdateVoiceConnectorGroup
            | O::DeleteVoiceConnectorGroup => GROUP,
            O::AssociatePhoneNumbersWithVoiceConnectorGroup
            | O::DisassociatePhoneNumbersFromVoiceConnectorGroup => {
                Self::OneAndNumbers(T::VoiceConnectorGroup, "VoiceConnectorGroupId", E164)
            }

            O::ListPhoneNumbers => Self::Every(T::PhoneNumber),
            O::GetPhoneNumber
            | O::UpdatePhoneNumber
            | O::DeletePhoneNumber
            | O::RestorePhoneNumber => NUMBER,
            O::BatchDeletePhoneNumber => Self::Numbers(In("PhoneNumberIds")),
            O::BatchUpdatePhoneNumber => {
                Self::Numbers(Within("UpdatePhoneNumberRequestItems", "PhoneNumberId"))
            }
            O::CreatePhoneNumberOrder => Self::Numbers(E164),
            O::GetPhoneNumberOrder => Self::One(T::PhoneNumberOrder, "PhoneNumberOrderId"),
            O::ListPhoneNumberOrders => Self::Every(T::PhoneNumberOrder),

            O::CreateSipMediaApplication => Self::New(T::SipMediaApplication),
            O::ListSipMediaApplications => Self::Every(T::SipMediaApplication),
            O::GetSipMediaApplication
            | O::UpdateSipMediaApplication
            | O::DeleteSipMediaApplication
            | O::GetSipMediaApplicationAlexaSkillConfiguration
            | O::PutSipMediaApplicationAlexaSkillConfiguration
            | O::GetSipMediaApplicationLoggingConfiguration
            | O::PutSipMediaApplicationLoggingConfiguration
            | O::CreateSipMediaApplicationCall
            | O::UpdateSipMediaApplicationCall => APPLICATION,

            O::CreateSipRule => Self::New(T::SipRule),
            O::ListSipRules => Self::Every(T::SipRule),
            O::GetSipRule | O::UpdateSipRule | O::DeleteSipRule => RULE,

            O::CreateVoiceProfileDomain => Self::New(T::VoiceProfileDomain),
            O::ListVoiceProfileDomains => Self::Every(T::VoiceProfileDomain),
            O::GetVoiceProfileDomain
            | O::UpdateVoiceProfileDomain
            | O::DeleteVoiceProfileDomain
            | O::ListVoiceProfiles => DOMAIN,
            O::CreateVoiceProfile => Self::New(T::VoiceProfile),
            O::GetVoiceProfile | O::UpdateVoiceProfile | O::DeleteVoiceProfile => PROFILE,

            O::TagResource | O::UntagResource | O::ListTagsForResource => {
                Self::Named("ResourceARN")
            }
        }
    }

    /// What a request is about; at least one.
    pub(crate) fn targets(self, members: &Members<'_>) -> Vec<Target> {
        match self {
            Self::Account => vec![Target::Everything],
            Self::New(of) => {
                let region = members.text("AwsRegion").map(str::to_owned);
                vec![Target::New { of, region }]
            }
            Self::Every(of) => vec![Target::Every(of)],
            Self::One(of, member) => vec![one(of, members.text(member))],
            Self::OneAndNumbers(of, member, list) => {
                let mut targets = vec![one(of, members.text(member))];
                targets.extend(list.targets(members));
                targets
            }
            Self::Numbers(list) => {
                let targets = list.targets(members);
                // The operation will refuse an empty list; until then it could be any number.
                if targets.is_empty() { vec![Target::Every(Type::PhoneNumber)] } else { targets }
            }
            Self::Named(member) => {
                vec![Target::Arn(members.text(member).unwrap_or_default().to_owned())]
            }
        }
    }
}

impl Numbers {
    /// Each number once, in the order of their digits.
    fn targets(self, members: &Members<'_>) -> Vec<Target> {
        let ids: BTreeSet<String> = match self {
            Self::In(list) => members.texts(list).map(canonical_number).collect(),
            Self::Within(list, member) => {
                members.texts_within(list, member).map(canonical_number).collect()
            }
        };
        ids.into_iter().map(|id| Target::One(Type::PhoneNumber, id)).collect()
    }
}

/// A resource that a request is about, in the caller's own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The account as a whole.
    Everything,
    /// One that is to be made, in the region that the request names.
    New { of: Type, region: Option<String> },
    /// All of a type.
    Every(Type),
    /// The one of this id, which need not exist.
    One(Type, String),
    /// The one of this ARN, as it was sent.
    Arn(String),
}

impl Target {
    /// The resource without region and account: `vc/abc…`. What is no number or no ARN where one belongs
    /// is not repeated: it could be anything.
    pub(crate) fn short(&self) -> String {
        match self {
            Self::Everything => "*".into(),
            Self::New { of, .. } | Self::Every(of) => format!("{}/*", of.as_str()),
            Self::One(Type::PhoneNumber, id) if e164_of_phone_number_id(id).is_none() => {
                "phone-number/(no number)".into()
            }
            Self::One(of, id) => format!("{}/{id}", of.as_str()),
            Self::Arn(text) => match Arn::parse(text) {
                Ok(arn) => format!("{}/{}", arn.kind, arn.id),
                Err(_) => "(no ARN)".into(),
            },
        }
    }
}

/// The one of an id in the spelling that it is kept by: ids have one case, numbers several spellings.
fn one(of: Type, id: Option<&str>) -> Target {
    let id = id.unwrap_or_default();
    Target::One(
        of,
        match of {
            Type::PhoneNumber => canonical_number(id),
            Type::VoiceConnector
            | Type::VoiceConnectorGroup
            | Type::PhoneNumberOrder
            | Type::SipMediaApplication
            | Type::SipRule
            | Type::VoiceProfile
            | Type::VoiceProfileDomain => id.to_ascii_lowercase(),
        },
    )
}

fn canonical_number(id: &str) -> String {
    e164_of_phone_number_id(id).unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use chime_api::shape::Location;

    use super::*;

    /// How the documentation writes a row's resource.
    fn documented(about: About) -> String {
        let numbers = |list: Numbers| match list {
            Numbers::In(list) => format!("`phone-number/{{each of {list}}}`"),
            Numbers::Within(list, member) => format!("`phone-number/{{each {member} of {list}}}`"),
        };
        match about {
            About::Account => "`*`".into(),
            About::New(of) => format!("`{}/*`, in the region of the new one", of.as_str()),
            About::Every(of) => format!("`{}/*`, in the region `*`", of.as_str()),
            About::One(of, member) => format!("`{}/{{{member}}}`", of.as_str()),
            About::OneAndNumbers(of, member, list) => {
                format!("`{}/{{{member}}}` and {}", of.as_str(), numbers(list))
            }
            About::Numbers(list) => numbers(list),
            About::Named(member) => format!("the ARN in `{member}`"),
        }
    }

    #[test]
    fn the_documented_table_is_the_one_in_the_code() {
        let page = include_str!("../../../../../docs/policies.md");
        let documented_rows: Vec<&str> = page
            .lines()
            .filter(|line| line.strip_prefix("| `chime:").is_some_and(|rest| rest.contains("` | ")))
            .collect();
        let coded: Vec<String> = Operation::all()
            .map(|it| format!("| `chime:{it}` | {} |", documented(About::of(it))))
            .collect();
        assert_eq!(
            documented_rows,
            coded,
            "write the table of docs/policies.md anew:\n{}",
            coded.join("\n")
        );
    }

    #[test]
    fn every_member_that_names_a_resource_in_a_path_is_what_the_operation_is_about() {
        for operation in Operation::all() {
            let labels =
                operation.spec().input.members().iter().filter_map(|it| match it.location {
                    Location::Label(_) => Some(it.name),
                    Location::Body | Location::Query(_) => None,
                });
            let named = match About::of(operation) {
                About::One(_, member) | About::OneAndNumbers(_, member, _) => Some(member),
                About::Account
                | About::New(_)
                | About::Every(_)
                | About::Numbers(_)
                | About::Named(_) => None,
            };
            // Sessions and tasks are the connector's, calls the application's.
            let inner = [
                "ProxySessionId",
                "SpeakerSearchTaskId",
                "VoiceToneAnalysisTaskId",
                "TransactionId",
            ];
            for label in labels.filter(|it| !inner.contains(it)) {
                assert_eq!(named, Some(label), "{operation}");
            }
            if let Some(member) = named {
                let members = operation.spec().input.members();
                assert!(members.iter().any(|it| it.name == member), "{operation} has no {member}");
            }
        }
    }

    #[test]
    fn a_number_has_one_spelling_and_an_id_one_case() {
        for id in ["+12065550100", "%2B12065550100", "%252B12065550100", "12065550100"] {
            assert_eq!(one(Type::PhoneNumber, Some(id)).short(), "phone-number/+12065550100");
        }
        let id = "ABABABAB-abab-4bab-abab-abababababab";
        let target = one(Type::SipRule, Some(id)).short();
        assert_eq!(target, "sip-rule/abababab-abab-4bab-abab-abababababab");
    }
}
