//! Quotas that the operator sets for accounts.

use std::time::Duration;

use api::{ApiConfig, Quotas};
use model::{KeyPolicy, Quota};
use serde_json::{Value, json};

use crate::world::{Key, World};

async fn set(world: &World, quota: &str, value: u64) -> Value {
    let body = json!({"account": "111122223333", "value": value});
    world.call("PUT", &format!("/operator/quotas/{quota}"), body).await.expect(200)
}

async fn tenant(world: &World) -> Key {
    world.key("AKIATENANT", "111122223333", KeyPolicy::Full).await
}

/// Asks for something that a quota refuses, and checks that the message has name, value and command.
async fn refused(world: &World, key: &Key, path: &str, body: Value, quota: Quota) {
    let answer = world.call_as(key, "POST", path, body).await;
    let message = answer.refused(400, "ResourceLimitExceededException");
    let command = format!("trunkline quota set {quota} ");
    for part in
        [quota.name(), "\" is 0 for the account 111122223333", &command, "--account 111122223333"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_quota_is_effective_at_once_for_one_account_and_is_reset() {
    let world = World::start().await;
    let tenant = tenant(&world).await;
    let body = || json!({"Name": "trunk", "RequireEncryption": false});
    world.call_as(&tenant, "POST", "/voice-connectors", body()).await.expect(201);
    let told = set(&world, "voice-connectors", 1).await;
    assert_eq!((&told["value"], &told["installation"]), (&1.into(), &10_000_000.into()));

    let answer = world.call_as(&tenant, "POST", "/voice-connectors", body()).await;
    let message = answer.refused(400, "ResourceLimitExceededException");
    let remedy = "trunkline quota set voice-connectors 2 --account 111122223333";
    assert!(message.contains(remedy) && message.contains("1 exist"), "{message}");
    world.connector().await;

    set(&world, "voice-connectors", 2).await;
    world.call_as(&tenant, "POST", "/voice-connectors", body()).await.expect(201);
    set(&world, "voice-connectors", 1).await;
    let path = "/operator/quotas/voice-connectors?account=111122223333";
    let reset = world.call("DELETE", path, "").await.expect(200);
    assert_eq!(reset["value"], 10_000_000);
    world.call_as(&tenant, "POST", "/voice-connectors", body()).await.expect(201);
    world.call("DELETE", path, "").await.expect(200);
}

#[tokio::test]
async fn every_quota_of_the_control_plane_is_enforced_where_things_are_made() {
    let world = World::start().await;
    let tenant = tenant(&world).await;
    let make = json!({"Name": "trunk", "RequireEncryption": false});
    let made = world.call_as(&tenant, "POST", "/voice-connectors", make.clone()).await.expect(201);
    let id = made["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap().to_owned();
    world.numbers("111122223333", &["+12065550150"]).await;
    world.numbers("", &["+12065550151"]).await;
    let function = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let application =
        json!({"Name": "a", "AwsRegion": "us-east-1", "Endpoints": [{"LambdaArn": function}]});
    let sma = world.call_as(&tenant, "POST", "/sip-media-applications", application.clone()).await;
    let sma = sma.expect(201)["SipMediaApplication"]["SipMediaApplicationId"].clone();
    for quota in Quota::ALL {
        set(&world, quota.as_str(), 0).await;
    }

    let group = json!({"Name": "g"});
    let rule = json!({"Name": "r", "TriggerType": "RequestUriHostname",
        "TriggerValue": format!("{id}.voiceconnector.localhost"),
        "TargetApplications": [{"SipMediaApplicationId": sma, "Priority": 1, "AwsRegion": "us-east-1"}]});
    let domain = json!({"Name": "d", "ServerSideEncryptionConfiguration":
        {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1"}});
    let order = json!({"ProductType": "VoiceConnector", "E164PhoneNumbers": ["+12065550151"]});
    for (path, body, quota) in [
        ("/voice-connectors", make, Quota::VoiceConnectors),
        ("/voice-connector-groups", group, Quota::VoiceConnectorGroups),
        ("/sip-media-applications", application, Quota::SipMediaApplications),
        ("/sip-rules", rule, Quota::SipRules),
        ("/voice-profile-domains", domain, Quota::VoiceProfileDomains),
        ("/phone-number-orders", order, Quota::PhoneNumbers),
    ] {
        refused(&world, &tenant, path, body, quota).await;
    }
    let items =
        json!({"Name": "g", "VoiceConnectorItems": [{"VoiceConnectorId": id, "Priority": 1}]});
    refused(&world, &tenant, "/voice-connector-groups", items, Quota::VoiceConnectorsPerGroup)
        .await;

    // The model declares nothing nearer than a bad request for this one.
    let body = json!({"Termination": {"CallingRegions": ["US"], "CpsLimit": 1}});
    let path = format!("/voice-connectors/{id}/termination");
    let message =
        world.call_as(&tenant, "PUT", &path, body).await.refused(400, "BadRequestException");
    assert!(message.contains("calls-per-second-per-voice-connector 1 --account"), "{message}");
}

#[tokio::test]
async fn calls_of_sip_media_applications_have_a_pace_for_each_account() {
    let world = World::start().await;
    let tenant = tenant(&world).await;
    let calls = "/sip-media-applications/00000000-0000-4000-8000-000000000000/calls";
    let update = format!("{calls}/00000000-0000-4000-8000-000000000001");
    let call = json!({"FromPhoneNumber": "+12065550100", "ToPhoneNumber": "+12125550100"});
    // What the requests ask for does not exist: whoever is within the pace is told so.
    for (path, body, quota, answered) in [
        (calls, call, Quota::SipMediaApplicationCallsPerSecond, 400),
        (&update, json!({"Arguments": {}}), Quota::SipMediaApplicationUpdatesPerSecond, 404),
    ] {
        let ask = |key| world.call_as(key, "POST", path, body.clone());
        assert_eq!(ask(&tenant).await.status, answered);
        set(&world, quota.as_str(), 2).await;
        for _ in 0..2 {
            assert_eq!(ask(&tenant).await.status, answered);
        }

        let answer = ask(&tenant).await;
        assert_eq!(answer.header("retry-after"), Some("1"));
        let message = answer.refused(429, "ThrottledClientException");
        let command = format!("trunkline quota set {quota} 3 --account 111122223333");
        assert!(message.contains(quota.name()) && message.contains(&command), "{message}");
        assert_eq!(ask(&world.key).await.status, answered, "another account is not slowed down");

        world.clock.advance(Duration::from_millis(499));
        assert_eq!(ask(&tenant).await.status, 429);
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(ask(&tenant).await.status, answered, "half a second earns one of two");
        assert_eq!(ask(&tenant).await.status, 429);

        set(&world, quota.as_str(), 0).await;
        world.clock.advance(Duration::from_secs(60));
        let answer = ask(&tenant).await;
        assert_eq!(answer.header("retry-after"), None, "no wait helps");
        answer.refused(429, "ThrottledClientException");
    }
}

#[tokio::test]
async fn quotas_are_listed_by_account_and_what_is_no_quota_is_refused() {
    let config =
        ApiConfig { quotas: Quotas { sip_rules: 7, ..Quotas::default() }, ..ApiConfig::default() };
    let world = World::with_config(config).await;
    set(&world, "sip-rules", 3).await;
    let value = |list: &Value, account: Value| {
        let quotas = list["quotas"].as_array().unwrap();
        let mut found =
            quotas.iter().filter(|it| it["quota"] == "sip-rules" && it["account"] == account);
        found.next().map(|it| it["value"].clone())
    };
    let all = world.call("GET", "/operator/quotas", "").await.expect(200);
    assert_eq!(all["quotas"].as_array().unwrap().len(), Quota::ALL.len() + 1);
    assert_eq!(value(&all, Value::Null), Some(7.into()));
    assert_eq!(value(&all, "111122223333".into()), Some(3.into()));
    let one = world.call("GET", "/operator/quotas?account=111122223333", "").await.expect(200);
    assert_eq!(one["quotas"].as_array().unwrap().len(), Quota::ALL.len());
    assert_eq!(value(&one, "111122223333".into()), Some(3.into()));

    let body = json!({"account": "111122223333", "value": 1});
    let answer = world.call("PUT", "/operator/quotas/rules", body).await;
    assert!(answer.refused(400, "BadRequestException").contains("trunkline quota list"));
    let body = json!({"account": "111122223333", "value": 1_000_000_001});
    world.call("PUT", "/operator/quotas/sip-rules", body).await.refused(400, "BadRequestException");
    world
        .call("DELETE", "/operator/quotas/sip-rules", "")
        .await
        .refused(400, "BadRequestException");
}
