//! The ten families of the operations, each with its page of documentation.

use chime_api::Operation;

/// Operations that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its page under `docs/api`.
    pub(crate) page: &'static str,
    /// What it is about.
    about: &'static str,
    /// What the paths of its operations have in them.
    paths: &'static [&'static str],
}

/// All families. The first with a part of its path has an operation, so the narrower ones come first.
pub(crate) const FAMILIES: &[Family] = &[
    Family {
        name: "termination",
        page: "termination.md",
        about: "calls out: allow list, regions, credentials, health",
        paths: &["/termination"],
    },
    Family {
        name: "origination",
        page: "origination.md",
        about: "calls in: routes to your PBX",
        paths: &["/origination"],
    },
    Family {
        name: "proxy-sessions",
        page: "proxy-sessions.md",
        about: "numbers that stand between two parties",
        paths: &["/programmable-numbers", "/proxy-sessions"],
    },
    Family {
        name: "voice-analysis",
        page: "voice-analysis.md",
        about: "voice profiles, speaker search, tone",
        paths: &["/voice-profile", "/speaker-search-tasks", "/voice-tone-analysis-tasks"],
    },
    Family {
        name: "phone-numbers",
        page: "phone-numbers.md",
        about: "search, orders, associations, names, deletion",
        paths: &["/phone-number", "/search", "/settings/phone-number"],
    },
    Family {
        name: "settings",
        page: "settings.md",
        about: "streaming, logging, emergency calling, external systems, the account's",
        paths: &[
            "/settings",
            "/emergency-calling",
            "/streaming-configuration",
            "/logging-configuration",
            "/emergency-calling-configuration",
            "/external-systems-configuration",
        ],
    },
    Family {
        name: "groups",
        page: "groups.md",
        about: "connectors that share numbers",
        paths: &["/voice-connector-groups"],
    },
    Family {
        name: "connectors",
        page: "connectors.md",
        about: "Voice Connectors themselves",
        paths: &["/voice-connector"],
    },
    Family {
        name: "sip-media-applications",
        page: "sip-media-applications.md",
        about: "functions that decide about calls, and the rules that lead there",
        paths: &["/sip-media-applications", "/sip-rules"],
    },
    Family {
        name: "tags",
        page: "tags.md",
        about: "tags of what can have them",
        paths: &["/tags"],
    },
];

/// The family of an operation.
pub(crate) fn family(operation: Operation) -> &'static Family {
    // Numbers are associated at the path of what they are associated with.
    let is_association = operation.name().contains("PhoneNumbersWith")
        || operation.name().contains("PhoneNumbersFrom");
    let path = if is_association { "/phone-numbers" } else { operation.spec().path };
    FAMILIES
        .iter()
        .find(|it| it.paths.iter().any(|part| path.contains(part)))
        .expect("every path of the model has a part of one of the families; a test tries all")
}

/// What `trunkline api --help` ends with: examples, and the families.
pub(crate) fn help(examples: &str) -> String {
    let mut text =
        format!("{examples}\n\nFamilies (trunkline api --list names their operations):\n");
    for it in FAMILIES {
        let count = Operation::all().filter(|operation| family(*operation) == it).count();
        text.push_str(&format!("  {:<24}{count:>2}  {}\n", it.name, it.about));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_family_and_every_family_its_operations() {
        let of = |name| {
            let operation = Operation::all().find(|it| it.name() == name).unwrap();
            family(operation).name
        };
        assert_eq!(of("GetVoiceConnector"), "connectors");
        assert_eq!(of("ListAvailableVoiceConnectorRegions"), "connectors");
        assert_eq!(of("PutVoiceConnectorTerminationCredentials"), "termination");
        assert_eq!(of("AssociatePhoneNumbersWithVoiceConnector"), "phone-numbers");
        assert_eq!(of("GetPhoneNumberSettings"), "phone-numbers");
        assert_eq!(of("GetGlobalSettings"), "settings");
        assert_eq!(of("ValidateE911Address"), "settings");
        assert_eq!(of("GetVoiceConnectorProxy"), "proxy-sessions");
        assert_eq!(of("ListVoiceProfileDomains"), "voice-analysis");
        assert_eq!(of("StartSpeakerSearchTask"), "voice-analysis");
        for it in FAMILIES {
            assert!(Operation::all().any(|operation| family(operation) == it), "{}", it.name);
        }
        let total: usize = FAMILIES
            .iter()
            .map(|it| Operation::all().filter(|operation| family(*operation) == it).count())
            .sum();
        assert_eq!(total, 96);
    }
}
