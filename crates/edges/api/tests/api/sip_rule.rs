//! SIP rules.

use api::{ApiConfig, Quotas};
use model::{AccountId, E164Number, KeyPolicy, PhoneNumber, ProductType};
use serde_json::{Value, json};
use store::TypedTx as _;

use crate::sip_media_application::{application, application_as, own};
use crate::world::{START, World};

const ABSENT: &str = "00000000-0000-4000-8000-000000000000";
const NUMBER: &str = "+12065550100";

/// A connector's outbound host name.
async fn host(world: &World) -> String {
    let id = world.connector().await;
    let read = world.call("GET", &format!("/voice-connectors/{id}"), "").await.expect(200);
    read["VoiceConnector"]["OutboundHostName"].as_str().unwrap().to_owned()
}

/// A request to create a rule for a connector's calls.
fn draft(host: &str, applications: &[&str]) -> Value {
    let targets: Vec<Value> = applications
        .iter()
        .zip(1..)
        .map(|(id, priority)| json!({"SipMediaApplicationId": id, "Priority": priority}))
        .collect();
    json!({"Name": "rule", "TriggerType": "RequestUriHostname", "TriggerValue": host,
        "TargetApplications": targets})
}

/// Creates a rule and returns its id.
async fn rule(world: &World, body: &Value) -> String {
    let created = world.call("POST", "/sip-rules", body).await.expect(201);
    created["SipRule"]["SipRuleId"].as_str().unwrap().to_owned()
}

/// Gives the account a number for applications.
async fn own_dial_in(world: &World) {
    let number = E164Number::parse(NUMBER).unwrap();
    let mut phone = PhoneNumber::new(number, Some(AccountId::DEFAULT), START);
    phone.holding.product_type = ProductType::SipMediaApplicationDialIn;
    world.store.write(move |tx| tx.put(&phone)).await.unwrap();
}

#[tokio::test]
async fn a_rule_is_created_read_updated_listed_and_deleted() {
    let world = World::start().await;
    let host = host(&world).await;
    let east = application(&world, "us-east-1").await;
    let west = application(&world, "us-west-2").await;
    let created = world.call("POST", "/sip-rules", draft(&host, &[&east, &west])).await.expect(201);
    let id = created["SipRule"]["SipRuleId"].as_str().unwrap();
    assert_eq!(
        created["SipRule"],
        json!({
            "SipRuleId": id,
            "Name": "rule",
            "Disabled": false,
            "TriggerType": "RequestUriHostname",
            "TriggerValue": host,
            "TargetApplications": [
                {"SipMediaApplicationId": east, "Priority": 1, "AwsRegion": "us-east-1"},
                {"SipMediaApplicationId": west, "Priority": 2, "AwsRegion": "us-west-2"},
            ],
            "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
            "UpdatedTimestamp": "2026-11-23T10:11:12.345Z",
        })
    );
    let path = format!("/sip-rules/{id}");
    assert_eq!(world.call("GET", &path, "").await.expect(200), created);

    world.clock.advance(std::time::Duration::from_millis(655));
    let renamed = world.call("PUT", &path, json!({"Name": "other"})).await.expect(202);
    let mut expected = created["SipRule"].clone();
    expected["Name"] = "other".into();
    expected["UpdatedTimestamp"] = "2026-11-23T10:11:13.000Z".into();
    assert_eq!(renamed["SipRule"], expected, "targets, trigger and state stay");

    let disabled =
        world.call("PUT", &path, json!({"Name": "other", "Disabled": true})).await.expect(202);
    expected["Disabled"] = true.into();
    assert_eq!(disabled["SipRule"], expected);
    let targets = json!([{"SipMediaApplicationId": west, "Priority": 7, "AwsRegion": "us-west-2"}]);
    let update = json!({"Name": "other", "TargetApplications": targets});
    let moved = world.call("PUT", &path, update).await.expect(202);
    expected["TargetApplications"] = targets;
    assert_eq!(moved["SipRule"], expected, "it stays disabled");

    let listed = world.call("GET", "/sip-rules", "").await.expect(200);
    assert_eq!(listed, json!({"SipRules": [moved["SipRule"]]}));
    world.call("DELETE", &path, "").await.expect(204);
    let message = world.call("GET", &path, "").await.refused(404, "NotFoundException");
    assert_eq!(message, format!("Could not find SipRule with Id '{id}'"));
}

#[tokio::test]
async fn a_rule_is_deleted_enabled_or_disabled_and_frees_its_trigger() {
    let world = World::start().await;
    let (host, id) = (host(&world).await, application(&world, "us-east-1").await);
    let mut body = draft(&host, &[&id]);
    for disabled in [false, true] {
        body["Disabled"] = disabled.into();
        let rule = rule(&world, &body).await;
        world.call("DELETE", &format!("/sip-rules/{rule}"), "").await.expect(204);
    }
    let listed =
        world.call("GET", &format!("/sip-rules?sip-media-application={id}"), "").await.expect(200);
    assert_eq!(listed, json!({"SipRules": []}));
}

#[tokio::test]
async fn a_trigger_is_in_one_rule_at_most() {
    let world = World::start().await;
    let (host, id) = (host(&world).await, application(&world, "us-east-1").await);
    let mut body = draft(&host, &[&id]);
    let first = rule(&world, &body).await;
    body["TriggerValue"] = host.to_uppercase().into();
    body["Disabled"] = true.into();
    let message = world.call("POST", "/sip-rules", body).await.refused(409, "ConflictException");
    assert!(message.contains(&first), "{message}");
}

#[tokio::test]
async fn of_rules_that_race_for_a_trigger_exactly_one_wins() {
    let world = std::sync::Arc::new(World::start().await);
    let (host, id) = (host(&world).await, application(&world, "us-east-1").await);
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let (world, body) = (std::sync::Arc::clone(&world), draft(&host, &[&id]));
            tokio::spawn(async move { world.call("POST", "/sip-rules", body).await })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        let answer = racer.await.unwrap();
        match answer.status {
            201 => won += 1,
            _ => drop(answer.refused(409, "ConflictException")),
        }
    }
    assert_eq!(won, 1);
    let listed = world.call("GET", "/sip-rules", "").await.expect(200);
    assert_eq!(listed["SipRules"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_host_name_is_that_of_a_connector_of_the_account() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let foreign = world.connector_as(&other).await;
    for host in [
        "example.com".to_owned(),
        "0000000000000000000000.voiceconnector.localhost".into(),
        format!("{foreign}.voiceconnector.localhost"),
        format!("{}.example.com", world.connector().await),
    ] {
        let answer = world.call("POST", "/sip-rules", draft(&host, &[&id])).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(&host) && message.contains("OutboundHostName"), "{message}");
    }
}

#[tokio::test]
async fn a_number_is_the_accounts_and_for_applications() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    let mut body = draft("x", &[&id]);
    body["TriggerType"] = "ToPhoneNumber".into();
    world.call("POST", "/sip-rules", &body).await.refused(400, "BadRequestException");
    body["TriggerValue"] = NUMBER.into();
    let absent = world.call("POST", "/sip-rules", &body).await.refused(400, "BadRequestException");
    own(&world, NUMBER, "111122223333").await;
    let foreign = world.call("POST", "/sip-rules", &body).await.refused(400, "BadRequestException");
    assert_eq!(foreign, absent);
    own(&world, NUMBER, "000000000000").await;
    let message = world.call("POST", "/sip-rules", &body).await.refused(400, "BadRequestException");
    assert!(message.contains("SipMediaApplicationDialIn"), "{message}");
    own_dial_in(&world).await;
    let created = world.call("POST", "/sip-rules", &body).await.expect(201);
    assert_eq!(created["SipRule"]["TriggerType"], "ToPhoneNumber");
    assert_eq!(created["SipRule"]["TriggerValue"], NUMBER);
}

#[tokio::test]
async fn targets_exist_each_in_a_region_of_its_own() {
    let world = World::start().await;
    let host = host(&world).await;
    let here = application(&world, "us-east-1").await;
    let too = application(&world, "us-east-1").await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let foreign = application_as(&world, &other, "us-west-2").await;
    let target = |id: &str| json!({"SipMediaApplicationId": id, "Priority": 1});
    let mut elsewhere = target(&here);
    elsewhere["AwsRegion"] = "us-west-2".into();
    let many: Vec<Value> = (0..26).map(|_| target(&here)).collect();
    for (targets, named) in [
        (json!([]), "TargetApplications"),
        (json!(many), "TargetApplications"),
        (json!([target(&here), target(&too)]), "TargetApplications[1]"),
        (json!([target(&here), target(&foreign)]), "Could not find SipMediaApplication"),
        (json!([target(ABSENT)]), ABSENT),
        (json!([{"Priority": 1}]), "TargetApplications[0].SipMediaApplicationId"),
        (json!([{"SipMediaApplicationId": here}]), "TargetApplications[0].Priority"),
        (json!([{"SipMediaApplicationId": here, "Priority": 0}]), "Priority"),
        (json!([elsewhere]), "TargetApplications[0].AwsRegion"),
    ] {
        let mut body = draft(&host, &[]);
        body["TargetApplications"] = targets;
        let message =
            world.call("POST", "/sip-rules", body).await.refused(400, "BadRequestException");
        assert!(message.contains(named), "{message}");
    }
    let listed = world.call("GET", "/sip-rules", "").await.expect(200);
    assert_eq!(listed, json!({"SipRules": []}), "nothing of it was kept");
}

#[tokio::test]
async fn a_rule_may_give_two_targets_one_priority() {
    let world = World::start().await;
    let east = application(&world, "us-east-1").await;
    let west = application(&world, "us-west-2").await;
    let mut body = draft(&host(&world).await, &[&west, &east]);
    body["TargetApplications"][1]["Priority"] = 1.into();
    let created = world.call("POST", "/sip-rules", body).await.expect(201);
    let targets = created["SipRule"]["TargetApplications"].as_array().unwrap();
    let told: Vec<&Value> = targets.iter().map(|it| &it["SipMediaApplicationId"]).collect();
    assert_eq!(json!(told), json!([west, east]), "the order of the list decides, and stays");
}

#[tokio::test]
async fn rules_are_listed_by_application_page_by_page() {
    let world = World::start().await;
    let east = application(&world, "us-east-1").await;
    let west = application(&world, "us-west-2").await;
    let mut both = Vec::new();
    for _ in 0..3 {
        both.push(rule(&world, &draft(&host(&world).await, &[&east, &west])).await);
    }
    let east_alone = rule(&world, &draft(&host(&world).await, &[&east])).await;
    both.sort();

    let target = format!("/sip-rules?sip-media-application={west}&max-results=2");
    let first = world.call("GET", &target, "").await.expect(200);
    let token = first["NextToken"].as_str().unwrap();
    let second = world.call("GET", &format!("{target}&next-token={token}"), "").await.expect(200);
    let ids: Vec<&Value> = [&first, &second]
        .iter()
        .flat_map(|page| page["SipRules"].as_array().unwrap())
        .map(|it| &it["SipRuleId"])
        .collect();
    assert_eq!(json!(ids), json!(both));
    let whole = world.call("GET", "/sip-rules", "").await.expect(200);
    assert_eq!(whole["SipRules"].as_array().unwrap().len(), 4);
    let elsewhere = format!("/sip-rules?sip-media-application={east}&next-token={token}");
    world.call("GET", &elsewhere, "").await.refused(400, "BadRequestException");

    let update = json!({"Name": "moved", "TargetApplications":
        [{"SipMediaApplicationId": west, "Priority": 1}]});
    world.call("PUT", &format!("/sip-rules/{east_alone}"), update).await.expect(202);
    let listed = world
        .call("GET", &format!("/sip-rules?sip-media-application={west}"), "")
        .await
        .expect(200);
    assert_eq!(listed["SipRules"].as_array().unwrap().len(), 4);
    world
        .call("GET", &format!("/sip-rules?sip-media-application={ABSENT}"), "")
        .await
        .refused(404, "NotFoundException");
}

#[tokio::test]
async fn an_application_stays_while_an_enabled_rule_sends_calls_to_it() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    let rule = rule(&world, &draft(&host(&world).await, &[&id])).await;
    let (application_path, rule_path) =
        (format!("/sip-media-applications/{id}"), format!("/sip-rules/{rule}"));
    let message =
        world.call("DELETE", &application_path, "").await.refused(409, "ConflictException");
    assert!(message.contains(&rule), "{message}");

    let disable = json!({"Name": "rule", "Disabled": true});
    world.call("PUT", &rule_path, disable).await.expect(202);
    world.call("DELETE", &application_path, "").await.expect(204);
    let read = world.call("GET", &rule_path, "").await.expect(200);
    assert_eq!(read["SipRule"]["TargetApplications"][0]["SipMediaApplicationId"], json!(id));

    let enable = json!({"Name": "rule", "Disabled": false});
    let answer = world.call("PUT", &rule_path, enable.clone()).await;
    let message = answer.refused(400, "BadRequestException");
    assert!(message.contains(&id) && message.contains("TargetApplications"), "{message}");
    world.call("PUT", &rule_path, json!({"Name": "still disabled"})).await.expect(202);

    let successor = application(&world, "us-east-1").await;
    let mut update = enable;
    update["TargetApplications"] = json!([{"SipMediaApplicationId": successor, "Priority": 1}]);
    let updated = world.call("PUT", &rule_path, update).await.expect(202);
    assert_eq!(updated["SipRule"]["Disabled"], false);
    world.call("DELETE", &rule_path, "").await.expect(204);
    world.call("DELETE", &format!("/sip-media-applications/{successor}"), "").await.expect(204);
}

#[tokio::test]
async fn a_rule_is_enabled_only_while_its_trigger_is_still_the_accounts() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    own_dial_in(&world).await;
    let mut body = draft(NUMBER, &[&id]);
    body["TriggerType"] = "ToPhoneNumber".into();
    body["Disabled"] = true.into();
    let by_number = format!("/sip-rules/{}", rule(&world, &body).await);
    let host = host(&world).await;
    let by_host = format!("/sip-rules/{}", rule(&world, &draft(&host, &[&id])).await);

    let enable = json!({"Name": "x", "Disabled": false});
    own(&world, NUMBER, "111122223333").await;
    let answer = world.call("PUT", &by_number, &enable).await;
    let message = answer.refused(400, "BadRequestException");
    assert!(message.contains(NUMBER), "{message}");
    world.call("PUT", &by_number, json!({"Name": "renamed"})).await.expect(202);
    own_dial_in(&world).await;
    world.call("PUT", &by_number, &enable).await.expect(202);

    let connector = host.split('.').next().unwrap();
    world.call("DELETE", &format!("/voice-connectors/{connector}"), "").await.expect(204);
    world.call("PUT", &by_host, json!({"Name": "renamed"})).await.expect(202);
    world.call("PUT", &by_host, json!({"Name": "x", "Disabled": true})).await.expect(202);
    let message = world.call("PUT", &by_host, &enable).await.refused(400, "BadRequestException");
    assert!(message.contains(&host), "{message}");
}

#[tokio::test]
async fn the_operator_takes_no_number_from_an_enabled_rule() {
    let world = World::start().await;
    let id = application(&world, "us-east-1").await;
    own_dial_in(&world).await;
    let mut body = draft(NUMBER, &[&id]);
    body["TriggerType"] = "ToPhoneNumber".into();
    let rule = rule(&world, &body).await;
    let target = format!("/operator/numbers/{NUMBER}");
    let message = world.call("DELETE", &target, "").await.refused(409, "ConflictException");
    assert!(message.contains(&rule) && message.contains("UpdateSipRule"), "{message}");

    let disable = json!({"Name": "rule", "Disabled": true});
    world.call("PUT", &format!("/sip-rules/{rule}"), disable).await.expect(202);
    world.call("DELETE", &target, "").await.expect(204);
}

#[tokio::test]
async fn the_quota_refuses_one_rule_too_many() {
    let config =
        ApiConfig { quotas: Quotas { sip_rules: 1, ..Quotas::default() }, ..ApiConfig::default() };
    let world = World::with_config(config).await;
    let id = application(&world, "us-east-1").await;
    rule(&world, &draft(&host(&world).await, &[&id])).await;
    let body = draft(&host(&world).await, &[&id]);
    world.call("POST", "/sip-rules", body).await.refused(400, "ResourceLimitExceededException");
}

#[tokio::test]
async fn rules_of_another_account_cannot_be_told_from_absent_ones() {
    let world = World::start().await;
    let application = application(&world, "us-east-1").await;
    let rule = rule(&world, &draft(&host(&world).await, &[&application])).await;
    let other = world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await;
    let name = json!({"Name": "x"}).to_string();
    for (method, target, id, body) in [
        ("GET", "/sip-rules/ID", &rule, ""),
        ("PUT", "/sip-rules/ID", &rule, name.as_str()),
        ("DELETE", "/sip-rules/ID", &rule, ""),
        ("GET", "/sip-rules?sip-media-application=ID", &application, ""),
    ] {
        let foreign = world.call_as(&other, method, &target.replace("ID", id), body).await;
        let missing = world.call_as(&other, method, &target.replace("ID", ABSENT), body).await;
        assert_eq!(
            foreign.refused(404, "NotFoundException").replace(id.as_str(), "ID"),
            missing.refused(404, "NotFoundException").replace(ABSENT, "ID"),
            "{method} {target}"
        );
    }
    let listed = world.call_as(&other, "GET", "/sip-rules", "").await.expect(200);
    assert_eq!(listed, json!({"SipRules": []}));
}
