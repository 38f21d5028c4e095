//! Keys whose policy is written in IAM's language.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{ApiConfig, Context, NoCalls};
use chime_api::{ErrorShape, Operation};
use model::{AccountId, KeyPolicy, Kind, Policy, Resource};
use serde_json::{Value, json};
use store::TypedTx as _;

use crate::coverage::target;
use crate::world::{Key, World};

/// A key of the account 000000000000 with a policy of these statements.
async fn key(world: &World, statements: Value) -> Key {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let policy = Policy::parse(&document.to_string()).unwrap();
    world.key("AKIACUSTOM", "000000000000", KeyPolicy::Custom(Arc::new(policy))).await
}

#[tokio::test]
async fn a_policy_opens_what_it_names_and_nothing_else() {
    let world = World::start().await;
    let (mine, other) = (world.connector().await, world.connector().await);
    let arn = format!("arn:aws:chime:us-east-1:000000000000:vc/{mine}");
    let key = key(
        &world,
        json!([
            {"Effect": "Allow", "Action": ["chime:get*", "chime:PutVoiceConnectorTermination"], "Resource": arn},
            {"Sid": "NoTags", "Effect": "Deny", "Action": "chime:*Tag*", "Resource": "*"},
        ]),
    )
    .await;
    let path = |id: &str| format!("/voice-connectors/{id}");
    world.call_as(&key, "GET", &path(&mine), "").await.expect(200);
    let body = r#"{"Termination":{"CallingRegions":["US"]}}"#;
    let termination = format!("{}/termination", path(&mine));
    world.call_as(&key, "PUT", &termination, body).await.expect(200);

    let message =
        world.call_as(&key, "GET", &path(&other), "").await.refused(403, "ForbiddenException");
    for part in [
        "AKIACUSTOM",
        "chime:GetVoiceConnector",
        &format!("arn:aws:chime:us-east-1:000000000000:vc/{other}"),
        "no statement",
        "trunkline key create",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // Absent and forbidden look alike.
    let nowhere = world.call_as(&key, "GET", &path("0000000000000000000000"), "").await;
    let absent = nowhere.refused(403, "ForbiddenException");
    assert_eq!(absent, message.replace(&other, "0000000000000000000000"));

    world.call_as(&key, "DELETE", &path(&mine), "").await.refused(403, "ForbiddenException");
    world.call_as(&key, "GET", "/voice-connectors", "").await.refused(403, "ForbiddenException");
    let tags = format!("/tags?arn={arn}");
    let message = world.call_as(&key, "GET", &tags, "").await.refused(403, "ForbiddenException");
    assert!(message.contains("Statement[1] (Sid NoTags)"), "{message}");
}

#[tokio::test]
async fn every_operation_is_refused_by_a_name_that_it_declares() {
    let world = World::start().await;
    let key = key(&world, json!({"Effect": "Deny", "Action": "*", "Resource": "*"})).await;
    for operation in Operation::all() {
        let spec = operation.spec();
        let answer = world.call_as(&key, spec.method.as_str(), &target(operation), "").await;
        let declared = if spec.declares(ErrorShape::AccessDeniedException) {
            "AccessDeniedException"
        } else {
            "ForbiddenException"
        };
        let message = answer.refused(403, declared);
        assert!(message.contains(&format!("chime:{operation} on resource: ")), "{message}");
    }
}

#[tokio::test]
async fn every_operation_can_be_allowed_alone() {
    let world = World::start().await;
    let mut keys = BTreeMap::new();
    for (at, operation) in Operation::all().enumerate() {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": format!("chime:{operation}"), "Resource": "*"},
        });
        let policy = Policy::parse(&document.to_string()).unwrap();
        let id = format!("AKIAALLOWED{at}");
        let key = world.key(&id, "000000000000", KeyPolicy::Custom(Arc::new(policy))).await;
        keys.insert(operation, key);
    }
    for operation in Operation::all() {
        let method = operation.spec().method.as_str();
        let answer = world.call_as(&keys[&operation], method, &target(operation), "").await;
        assert_ne!(answer.status, 403, "{operation}: {answer:?}");
        let (_, other) = keys.iter().find(|(it, _)| **it != operation).unwrap();
        let answer = world.call_as(other, method, &target(operation), "").await;
        assert_eq!(answer.status, 403, "{operation}: {answer:?}");
    }
}

#[tokio::test]
async fn the_region_in_an_arn_is_the_resources_own_and_not_the_requests() {
    let world = World::start().await;
    let make = json!({"Name": "t", "RequireEncryption": false, "AwsRegion": "eu-west-1"});
    let made = world.call("POST", "/voice-connectors", make.clone()).await.expect(201);
    let id = made["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap();
    let here = world.connector().await;
    let key = key(
        &world,
        json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:chime:eu-west-1:*:vc/*"}),
    )
    .await;
    let path = |id: &str| format!("/voice-connectors/{id}");
    world.call_as(&key, "GET", &path(id), "").await.expect(200);
    world.call_as(&key, "POST", "/voice-connectors", make).await.expect(201);

    let signed = world.signed_for("chime", "eu-west-1", &key, "GET", &path(&here), b"");
    world.send(&signed).await.refused(403, "ForbiddenException");
    let make = json!({"Name": "t", "RequireEncryption": false, "AwsRegion": "us-west-2"});
    let answer = world.call_as(&key, "POST", "/voice-connectors", make).await;
    let message = answer.refused(403, "AccessDeniedException");
    assert!(message.contains("arn:aws:chime:us-west-2:000000000000:vc/*"), "{message}");
    // A listing tells the connectors of every region.
    world.call_as(&key, "GET", "/voice-connectors", "").await.refused(403, "ForbiddenException");
}

#[tokio::test]
async fn each_number_of_a_list_is_asked_for_whatever_its_spelling() {
    let world = World::start().await;
    world.numbers("000000000000", &["+12065550150", "+12065550151"]).await;
    let key = key(
        &world,
        json!([
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:chime:*:*:phone-number/+12065550151"},
        ]),
    )
    .await;
    for id in ["%2B12065550151", "%252B12065550151", "12065550151"] {
        let path = format!("/phone-numbers/{id}");
        world.call_as(&key, "GET", &path, "").await.refused(403, "ForbiddenException");
    }
    world.call_as(&key, "GET", "/phone-numbers/%2B12065550150", "").await.expect(200);

    let delete = "/phone-numbers?operation=batch-delete";
    let both = json!({"PhoneNumberIds": ["%2B12065550150", "%2B12065550151"]});
    let answer = world.call_as(&key, "POST", delete, both).await;
    let message = answer.refused(403, "ForbiddenException");
    assert!(message.contains("phone-number/+12065550151 "), "{message}");
    let update = "/phone-numbers?operation=batch-update";
    let items =
        json!({"UpdatePhoneNumberRequestItems": [{"PhoneNumberId": "12065550151", "Name": "x"}]});
    world.call_as(&key, "POST", update, items).await.refused(403, "ForbiddenException");
    let one = json!({"PhoneNumberIds": ["%2B12065550150"]});
    world.call_as(&key, "POST", delete, one).await.expect(200);
}

#[tokio::test]
async fn tags_of_the_request_and_of_the_resource_decide() {
    let world = World::start().await;
    let key = key(
        &world,
        json!([
            {"Effect": "Allow", "Action": "chime:CreateVoiceConnector", "Resource": "*",
             "Condition": {"StringEquals": {"aws:RequestTag/team": "voice"},
                           "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}},
            {"Effect": "Allow", "Action": ["chime:GetVoiceConnector", "chime:DeleteVoiceConnector"],
             "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "voice"}}},
        ]),
    )
    .await;
    let make = |tags: Value| json!({"Name": "t", "RequireEncryption": false, "Tags": tags});
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    for tags in
        [json!([]), json!([tag("team", "data")]), json!([tag("team", "voice"), tag("x", "1")])]
    {
        let answer = world.call_as(&key, "POST", "/voice-connectors", make(tags)).await;
        answer.refused(403, "AccessDeniedException");
    }
    let tagged = make(json!([tag("team", "voice")]));
    let made = world.call_as(&key, "POST", "/voice-connectors", tagged).await.expect(201);
    let path = |id: &str| format!("/voice-connectors/{id}");
    let id = made["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap();
    world.call_as(&key, "GET", &path(id), "").await.expect(200);
    let plain = world.connector().await;
    world.call_as(&key, "GET", &path(&plain), "").await.refused(403, "ForbiddenException");
    world.call_as(&key, "DELETE", &path(id), "").await.expect(204);
}

#[tokio::test]
async fn where_and_how_a_request_came_decides() {
    let world = World::start().await;
    for (condition, status) in [
        (json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), 200),
        (json!({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}), 403),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), 403),
        (json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), 200),
        (json!({"DateLessThan": {"aws:CurrentTime": "2026-11-23T10:11:12Z"}}), 403),
        (json!({"DateLessThan": {"aws:CurrentTime": "2026-11-24"}}), 200),
    ] {
        let key = key(
            &world,
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}),
        )
        .await;
        let answer = world.call_as(&key, "GET", "/voice-connectors", "").await;
        assert_eq!(answer.status, status, "{condition}");
    }
}

#[tokio::test]
async fn a_policy_is_set_told_and_changed_through_the_operator_api() {
    let world = World::start().await;
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["chime:Get*", "chime:GetVoiceConector"], "Resource": "*"}]});
    let made = world.call("POST", "/operator/keys", json!({"policy": document})).await.expect(201);
    assert_eq!(made["key"]["policy"], document);
    assert_eq!(made["key"]["unknown_actions"], json!(["chime:GetVoiceConector"]));
    let id = made["key"]["access_key_id"].as_str().unwrap();
    let key = Key { id: id.into(), secret: made["secret_access_key"].as_str().unwrap().to_owned() };
    let list = || world.call_as(&key, "GET", "/voice-connectors", "");
    list().await.refused(403, "ForbiddenException");
    let path = format!("/operator/keys/{id}/policy");
    let changed = world.call("PUT", &path, json!({"policy": "read-only"})).await.expect(200);
    assert_eq!(changed["policy"], "read-only");
    list().await.expect(200);

    for (bad, named) in [
        (json!({"Statement": []}), "at least one statement"),
        (
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringSame": {"aws:SourceIp": "1"}}}}),
            "StringSame",
        ),
        (json!("admin"), "read-only"),
    ] {
        let answer = world.call("POST", "/operator/keys", json!({"policy": bad})).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains(named), "{message}");
    }
    // The last key that can use the operator API keeps its policy.
    let path = format!("/operator/keys/{}/policy", world.key.id);
    let body = json!({"policy": "read-only"});
    world.call("PUT", &path, body).await.refused(409, "ConflictException");
}

#[tokio::test]
async fn the_operator_api_opens_to_policies_of_the_operators_account_alone() {
    let world = World::start().await;
    let watch = json!({"Effect": "Allow", "Action": "trunkline:Get*", "Resource": "*"});
    let watcher = key(&world, watch.clone()).await;
    world.call_as(&watcher, "GET", "/operator/keys", "").await.expect(200);
    let message = world
        .call_as(&watcher, "POST", "/operator/keys", "{}")
        .await
        .refused(403, "ForbiddenException");
    assert!(message.contains("trunkline:CreateKeys"), "{message}");
    world
        .call_as(&watcher, "GET", "/voice-connectors", "")
        .await
        .refused(403, "ForbiddenException");

    let document = json!({"Version": "2012-10-17", "Statement": watch});
    let policy = Arc::new(Policy::parse(&document.to_string()).unwrap());
    let tenant = world.key("AKIATENANT", "111122223333", KeyPolicy::Custom(policy)).await;
    world.call_as(&tenant, "GET", "/operator/keys", "").await.refused(403, "ForbiddenException");
}

/// A key as a release kept it that took conditions which compare nothing.
#[derive(serde::Serialize, serde::Deserialize)]
struct OldKey(Value);

impl Resource for OldKey {
    const KIND: Kind = Kind::AccessKey;

    fn account(&self) -> AccountId {
        AccountId::DEFAULT
    }
    fn key(&self) -> String {
        self.0["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_key_whose_kept_policy_would_be_refused_today_goes_on_to_work_after_an_upgrade() {
    let world = World::start().await;
    let allow =
        json!({"Effect": "Allow", "Action": "chime:List*", "Resource": "*", "Condition": {}});
    let secret = "an-old-secret";
    let old = OldKey(json!({"id": "AKIAOLD", "account": "000000000000", "secret": secret,
        "status": "enabled", "policy": {"Statement": [allow]}, "created": 0}));
    world.store.write(move |tx| tx.put(&old)).await.unwrap();

    let started = Context::open(
        world.store.clone(),
        ApiConfig::default(),
        Arc::new(NoCalls),
        world.clock.clone(),
    );
    started.await.expect("the key does not keep the process from starting");
    let key = Key { id: "AKIAOLD".into(), secret: secret.into() };
    world.call_as(&key, "GET", "/voice-connectors", "").await.expect(200);
    let body = json!({"Name": "a", "RequireEncryption": false});
    let refused = world.call_as(&key, "POST", "/voice-connectors", body).await;
    assert_eq!(refused.status, 403, "and no more than it could");
}
