//! Whatever is done to applications and rules, in whatever order, they hold together.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::sip_media_application::draft;
use crate::world::World;

const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];
const HOSTS: usize = 3;

/// One request. Numbers choose among what exists, or once existed.
#[derive(Debug, Clone)]
enum Deed {
    CreateApplication(usize),
    DeleteApplication(usize),
    CreateRule { host: usize, targets: Vec<usize>, disabled: Option<bool> },
    UpdateRule { rule: usize, targets: Option<Vec<usize>>, disabled: Option<bool> },
    DeleteRule(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let one = 0..8usize;
    let targets = || prop::collection::vec(0..8usize, 1..3);
    let disabled = || prop::option::of(any::<bool>());
    prop_oneof![
        3 => (0..REGIONS.len()).prop_map(Deed::CreateApplication),
        2 => one.clone().prop_map(Deed::DeleteApplication),
        4 => (0..HOSTS, targets(), disabled())
            .prop_map(|(host, targets, disabled)| Deed::CreateRule { host, targets, disabled }),
        4 => (one.clone(), prop::option::of(targets()), disabled())
            .prop_map(|(rule, targets, disabled)| Deed::UpdateRule { rule, targets, disabled }),
        1 => one.prop_map(Deed::DeleteRule),
    ]
}

/// A control plane, and the ids it gave, of things that may be gone.
struct Stage {
    world: World,
    hosts: Vec<String>,
    applications: Vec<String>,
    rules: Vec<String>,
}

impl Stage {
    async fn start() -> Self {
        let world = World::start().await;
        let mut hosts = Vec::new();
        for _ in 0..HOSTS {
            hosts.push(format!("{}.voiceconnector.localhost", world.connector().await));
        }
        Self { world, hosts, applications: Vec::new(), rules: Vec::new() }
    }

    /// Sends it, if there is something to send it to.
    async fn act(&mut self, deed: &Deed) {
        let pick = |ids: &[String], at: usize| ids.get(at % ids.len().max(1)).cloned();
        let targets = |wanted: &[usize]| -> Vec<Value> {
            let ids = wanted.iter().filter_map(|at| pick(&self.applications, *at));
            ids.map(|id| json!({"SipMediaApplicationId": id, "Priority": 1})).collect()
        };
        let (method, path, body) = match deed {
            Deed::CreateApplication(region) => {
                ("POST", "/sip-media-applications".into(), draft("ivr", REGIONS[*region]))
            }
            Deed::DeleteApplication(at) => {
                let Some(id) = pick(&self.applications, *at) else { return };
                ("DELETE", format!("/sip-media-applications/{id}"), Value::Null)
            }
            Deed::CreateRule { host, targets: wanted, disabled } => {
                let body = json!({"Name": "rule", "TriggerType": "RequestUriHostname",
                    "TriggerValue": self.hosts[*host], "TargetApplications": targets(wanted),
                    "Disabled": disabled});
                ("POST", "/sip-rules".into(), body)
            }
            Deed::UpdateRule { rule, targets: wanted, disabled } => {
                let Some(id) = pick(&self.rules, *rule) else { return };
                let body = json!({"Name": "rule", "Disabled": disabled,
                    "TargetApplications": wanted.as_deref().map(targets)});
                ("PUT", format!("/sip-rules/{id}"), body)
            }
            Deed::DeleteRule(at) => {
                let Some(id) = pick(&self.rules, *at) else { return };
                ("DELETE", format!("/sip-rules/{id}"), Value::Null)
            }
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.world.call(method, &path, body).await;
        assert!(answer.status < 500, "{deed:?}: {answer:?}");
        if answer.status == 201 {
            let made = answer.json();
            let id = |noun: &str, member: &str| made[noun][member].as_str().map(str::to_owned);
            self.applications.extend(id("SipMediaApplication", "SipMediaApplicationId"));
            self.rules.extend(id("SipRule", "SipRuleId"));
        }
    }

    async fn listed(&self, target: &str, noun: &str) -> Vec<Value> {
        let listed = self.world.call("GET", target, "").await.expect(200);
        listed[noun].as_array().unwrap().clone()
    }

    /// What holds after every deed.
    async fn check(&self) {
        let applications = self.listed("/sip-media-applications", "SipMediaApplications").await;
        let rules = self.listed("/sip-rules", "SipRules").await;
        let region_of = |id: &Value| {
            let found = applications.iter().find(|it| it["SipMediaApplicationId"] == *id);
            found.map(|it| it["AwsRegion"].clone())
        };
        let mut triggers = BTreeSet::new();
        for rule in &rules {
            assert!(triggers.insert(rule["TriggerValue"].to_string()), "twice: {rule}");
            let mut regions = BTreeSet::new();
            for target in rule["TargetApplications"].as_array().unwrap() {
                assert!(regions.insert(target["AwsRegion"].to_string()), "twice: {rule}");
                let region = region_of(&target["SipMediaApplicationId"]);
                assert!(region.is_some() || rule["Disabled"] == true, "leads nowhere: {rule}");
                assert!(region.is_none_or(|it| it == target["AwsRegion"]), "{rule}");
            }
        }
        for application in &applications {
            let id = application["SipMediaApplicationId"].as_str().unwrap();
            let told =
                self.listed(&format!("/sip-rules?sip-media-application={id}"), "SipRules").await;
            let names_it = |rule: &&Value| {
                let targets = rule["TargetApplications"].as_array().unwrap();
                targets.iter().any(|it| it["SipMediaApplicationId"] == id)
            };
            let expected: Vec<&Value> = rules.iter().filter(names_it).collect();
            assert_eq!(json!(told), json!(expected));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Triggers are in one rule, targets in regions of their own, enabled rules lead somewhere, and
    /// an application's rules are those that name it.
    #[test]
    fn applications_and_rules_hold_together_whatever_is_done(
        deeds in prop::collection::vec(deed(), 1..32),
    ) {
        Runtime::new().unwrap().block_on(async {
            let mut stage = Stage::start().await;
            for deed in &deeds {
                stage.act(deed).await;
                stage.check().await;
            }
        });
    }
}
