//! Which generated file a shape belongs to.
//!
//! An operation's family follows from its path. A shape belongs to the family of the operations that
//! reach it; one that several families reach belongs to `value`, and so does every scalar.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;
use super::model::{Kind, Model, Operation};

/// The family of shapes that several families share.
pub(crate) const VALUE: &str = "value";

/// Family by path prefix; the first that fits decides.
const PREFIXES: &[(&str, &str)] = &[
    ("/voice-connectors/{}/termination", "termination"),
    ("/voice-connectors/{}/origination", "origination"),
    ("/voice-connectors/{}/streaming-configuration", "streaming"),
    ("/voice-connectors/{}/logging-configuration", "logging"),
    ("/voice-connectors/{}/emergency-calling-configuration", "emergency_calling"),
    ("/voice-connectors/{}/external-systems-configuration", "external_systems"),
    ("/voice-connectors/{}/programmable-numbers", "proxy"),
    ("/voice-connectors/{}/proxy-sessions", "proxy"),
    ("/voice-connectors/{}/speaker-search-tasks", "voice_analytics"),
    ("/voice-connectors/{}/voice-tone-analysis-tasks", "voice_analytics"),
    ("/voice-connector-groups", "voice_connector_group"),
    ("/voice-connector", "voice_connector"),
    ("/phone-number-orders", "phone_number_order"),
    ("/phone-number", "phone_number"),
    ("/search", "phone_number"),
    ("/settings/phone-number", "phone_number"),
    ("/settings", "global_settings"),
    ("/emergency-calling", "emergency_calling"),
    ("/sip-media-applications", "sip_media_application"),
    ("/sip-rules", "sip_rule"),
    ("/voice-profile", "voice_profile"),
    ("/tags", "tag"),
];

/// The family of every operation and structure.
#[derive(Debug)]
pub(crate) struct Families {
    of_operation: BTreeMap<String, &'static str>,
    of_shape: BTreeMap<String, &'static str>,
}

impl Families {
    pub(crate) fn of(model: &Model) -> Result<Self, Error> {
        let mut of_operation = BTreeMap::new();
        let mut reached: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        for (name, operation) in &model.operations {
            let family = family_of(operation)?;
            of_operation.insert(name.clone(), family);
            for root in [&operation.input, &operation.output].into_iter().flatten() {
                reach(model, &root.shape, family, &mut reached);
            }
        }
        let of_shape = reached
            .into_iter()
            .map(|(shape, families)| {
                let structure = model.shape(&shape).kind == Kind::Structure;
                let only = families.iter().next().filter(|_| families.len() == 1 && structure);
                (shape, only.copied().unwrap_or(VALUE))
            })
            .collect();
        Ok(Self { of_operation, of_shape })
    }

    /// Every family, in order.
    pub(crate) fn names(&self) -> BTreeSet<&'static str> {
        self.of_operation.values().chain(self.of_shape.values()).copied().collect()
    }

    pub(crate) fn operation(&self, name: &str) -> &'static str {
        self.of_operation[name]
    }

    /// The family of a shape; `None` for one that no operation reaches.
    pub(crate) fn shape(&self, name: &str) -> Option<&'static str> {
        self.of_shape.get(name).copied()
    }
}

fn family_of(operation: &Operation) -> Result<&'static str, Error> {
    let mut path = String::new();
    for part in operation.path().split('/').skip(1) {
        path.push('/');
        path.push_str(if part.starts_with('{') { "{}" } else { part });
    }
    let found = PREFIXES.iter().find(|(prefix, _)| path.starts_with(prefix));
    found.map(|(_, family)| *family).ok_or_else(|| {
        Error::Unsupported(format!("the path {path}; give it a family in families.rs"))
    })
}

fn reach(
    model: &Model,
    name: &str,
    family: &'static str,
    reached: &mut BTreeMap<String, BTreeSet<&'static str>>,
) {
    if !reached.entry(name.to_owned()).or_default().insert(family) {
        return;
    }
    let shape = model.shape(name);
    let inner = [&shape.member, &shape.key, &shape.value];
    for reference in shape.members.values().chain(inner.into_iter().flatten()) {
        reach(model, &reference.shape, family, reached);
    }
}
